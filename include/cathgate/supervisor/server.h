/*
 * The supervisor: acquires everything in order, accepts, has one process forked for
 * each association, counts places, keeps the helpers alive (supervisor/roles.c), and
 * stops.
 *
 * Promises: it parses nothing a peer has sent, does no TLS and no disk once it runs (but
 * for reading its own small files at a reload), and never blocks, but for 5 s at
 * most where a forker hangs, and for ten where a new keeper of the keys does: one
 * association can't hurt another, nor can the auditor's disk hurt the accept loop. A
 * reload takes all of a new set, or nothing. Unauthenticated connections are counted
 * apart from associations. Whatever ends it, its children end too.
 */
#pragma once

#include <stdbool.h>

#include "cathgate/config/config.h"

/* Reads the configuration and proves it: keys, chains, dates, permissions, overlaps.
 * Prints every fault and what will expire. The exit status of --check: 0 good, 1 wrong.
 */
int server_check(const char *config_path);

/* The same for whoever asks about the service: as the given user; or, for root, as the
 * service's own (in this process, which can't go back), when it is the configuration that
 * the service runs with, or its file belongs to the group of the user "cathgate"; and
 * with the socket units that are in force. 2 when that user can't be had. */
int server_check_as(const char *config_path, const char *user);

/* Runs until SIGTERM or SIGINT; SIGHUP reloads. `is_foreground`: as log_open was told,
 * for the processes that it starts. The exit status: 0; 1 when the configuration is
 * wrong, 2 when the environment refuses something (a port, the audit log). */
int server_run(const char *config_path, bool is_foreground);

/* What a process does that was executed with --role: the exit status. 2 when there is no
 * such role, or the process was not started by server_run. */
int server_run_role(const char *name);
