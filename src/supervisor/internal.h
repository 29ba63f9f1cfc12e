/*
 * The inside of the supervisor:
 *
 *   server.c     acquire in order, the event loop, stop
 *   setup.c      configuration and TLS contexts, and their faults
 *   listeners.c  listening sockets, our own and systemd's
 *   service.c    what the service manager is told: readiness, status, watchdog
 *   reload.c     another set comes into force, or doesn't
 *   changes.c    what differs between two sets, in words
 *   papers.c     what open associations are brought of a new set
 *   watch.c      certificates, keys and CRLs that change on disk
 *   warnings.c   what is near its end, and who has been told
 *   told.c       the file that remembers it across restarts
 *   accept.c     a new connection: limits, fork
 *   process.c    every fork, and what each role is left
 *   places.c     who may stay: authenticated associations, each limit
 *   paces.c      how fast each of them may send
 *   rates.c      how often in a minute
 *   visitors.c   the addresses that connections come from
 *   auditors.c   the auditor's process: started, watched, restarted
 *   resolver.c   the process that knows where the destinations are
 *   exporters.c  the process that speaks the audit log to others
 *   observers.c  the process that shows the gateway, and what it is told
 */
#ifndef CATHGATE_SERVER_INTERNAL_H
#define CATHGATE_SERVER_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <time.h>

#include "cathgate/association/association.h"
#include "cathgate/audit/client.h"
#include "cathgate/config/config.h"
#include "cathgate/base/histogram.h"
#include "cathgate/tls/tls.h"
#include "supervisor/gate/visitors.h"

/* Everything that a configuration brings, made and freed as a whole. Processes that are
 * forked with one keep their copy: here the old one can go at once. */
struct setup {
	struct config *config;
	bool shares_config;	      /* with another setup, which frees it */
	struct timespec read_at;      /* before the first file was */
	struct tls_context **servers; /* one a listener; NULL: plain */
	struct tls_context **clients; /* one a destination; NULL: plain */
	struct association_addresses *addresses;
	struct config_faults faults;
};

enum child_state {
	CHILD_HANDSHAKING, /* not authenticated yet */
	CHILD_ASKING,	   /* its certificate is proved, the rest is not */
	CHILD_PLACED,	   /* has a place */
	CHILD_PARTING	   /* has returned it, or was denied one */
};

struct child {
	struct child *next, *previous; /* in the order they came */
	pid_t pid;		       /* 0 once reaped */
	int line;
	enum child_state state;
	bool had_place, is_ended; /* by us */
	unsigned auditor;	  /* the generation that its line leads to */
	unsigned reloads;   /* the set that it knows of: server->reloads at the time */
	int64_t parting_ms; /* since when it has been parting */
	size_t listener;    /* a listen entry; NOWHERE when it is gone */
	bool came_plain;    /* by one without TLS, whatever has become of it */
	size_t modality;    /* when placed; NOWHERE when its entry is gone */
	size_t destination; /* likewise */
	struct address address; /* that counts: visitors_address */
	struct address host;	/* its own */
	struct visit visit;
	char peer[ADDRESS_TEXT_SIZE];
	char id[AUDIT_ASSOCIATION_ID_SIZE];
	int64_t began_us; /* clock_us() */
	time_t since;
	struct association_figures figures; /* as it says */
};

#define NOWHERE SIZE_MAX

/* A socket that systemd passed: ours until the end, whether or not a listener has it. */
struct passed_socket {
	int fd;
	char *name;
};

struct listener {
	int fd;
	size_t entry; /* of config.listen; one entry may have several of systemd's */
};

/* What the service manager hears. */
struct service {
	int64_t asks_every_ms; /* the auditor, whether it is alive */
	bool has_watchdog;
	bool is_answered; /* the last question, by the auditor */
	int64_t asked_ms; /* when that was */
	int64_t fed_ms;
	bool disk_waits; /* and so it doesn't answer */
	int64_t status_ms;
	char status[200];
};

struct server {
	struct setup setup;
	const char *config_path;
	struct config *first_config; /* what can't change is that of the start */
	unsigned reloads; /* that came into force, or told associations something else */
	bool reload_wanted;
	struct papers *papers; /* while associations are still to be told */
	struct watch *watch;
	struct warnings *warnings;
	struct passed_socket *passed;
	size_t passed_count;
	struct listener *listeners;
	size_t listener_count;
	struct service service;
	int signals;
	pid_t self;
	int64_t accept_again_ms; /* out of descriptors: not before */

	struct child *first, *last;
	unsigned handshaking, placed;
	struct rate *modality_rates;
	struct visitors visitors;

	int auditor; /* control socket; -1 while there is none */
	pid_t auditor_pid;
	unsigned auditor_generation;
	int auditor_stat; /* its /proc/PID/stat; -1 while there is none */
	bool auditor_ready, ever_ready;
	bool log_is_stuck;   /* it says that it can't write */
	bool log_lacks_room; /* and that it counts refusals only */
	int64_t auditor_restart_ms, auditor_backoff_ms;

	int resolver; /* socket; -1 when no name needs it */
	pid_t resolver_pid;
	int64_t resolver_restart_ms;
	bool resolved;

	bool exporter_needed, exporter_to_journal; /* decided once, at start */
	int exporter; /* control socket; -1 while there is none */
	pid_t exporter_pid;
	int64_t exporter_started_ms, exporter_restart_ms, exporter_backoff_ms;

	struct observer {
		int socket; /* -1 while there is none */
		pid_t pid;
		int64_t restart_ms, tell_ms;
		time_t started;	    /* the gateway, not the observer ... */
		int64_t started_us; /* ... and by clock_us() */
		uint64_t handshakes, turned_away;
		struct histogram handshake, first_byte, sync, sync_told;
	} observer;

	bool ready_said, stopping;
	int64_t kill_ms; /* when stopping: who is still there then is ended */
};

/* setup.c */
int setup_load(struct setup *setup, const char *config_path);
/* Another set while `running` serves: all of it anew, or, without a path, only the files
 * that the configuration in force names. */
int setup_renew(struct setup *setup, const char *config_path,
		const struct setup *running);
void setup_free(struct setup *setup);
/* Frees the TLS contexts; in a process that was forked with them, too. Their private keys
 * are overwritten. */
void setup_forget_keys(struct setup *setup);
/* Prints the faults, errors first. With `check`, calendar faults are errors. */
void setup_print(const struct setup *setup, bool check);
/* Prints all but those that `before` had as well, unless they are errors. */
void setup_print_new(const struct setup *setup, const struct setup *before);
/* Whether that fault stands in the setup too. */
bool setup_has_fault(const struct setup *setup, const struct config_fault *fault);
/* Where something of one configuration stands in another; NOWHERE when it doesn't. */
size_t setup_find_modality(const struct config *config, const char *name);
size_t setup_find_destination(const struct config *config, const char *name);
size_t setup_find_listen(const struct config *config, const struct config *from,
			 size_t entry);

/* listeners.c */
/* Takes over what systemd has passed; before anything else is opened. */
int listeners_take_passed(struct server *server);
/* Opens one for each listen entry, or gives it those passed under its name; -1, with the
 * cure logged. A passed socket that no entry wants is a fault too. */
int listeners_open(struct server *server);
void listeners_close(struct server *server);
/* Those of another configuration: open ones are kept, new ones bound. NULL when one can't
 * be, with the fault added. */
struct listener *listeners_renew(struct server *server, const struct config *next,
				 size_t *ret_count, struct config_faults *faults);
/* Closes what listeners_renew has bound. */
void listeners_forget(const struct server *server, struct listener *next, size_t count);
/* Puts them in the place of the server's, and closes those that are gone. */
void listeners_replace(struct server *server, struct listener *next, size_t count);

/* reload.c */
enum reload_cause {
	RELOAD_ASKED, /* a signal: all is read anew */
	RELOAD_FILES  /* a certificate, key or CRL has changed on disk: these are */
};
/* 0 when it came into force. Unless `tells`, a refusal is neither logged nor recorded. */
int reload_run(struct server *server, enum reload_cause cause, bool tells);
/* Raises an alert for each fault of the calendar's that `before` (may be NULL) had not.
 */
void reload_raise_alerts(struct server *server, const struct setup *before);

/* changes.c: one text each; the caller clears the list. */
struct changes {
	char **items;
	size_t count;
};
void changes_list(const struct setup *before, const struct setup *now,
		  struct changes *ret);
void changes_add(struct changes *changes, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void changes_clear(struct changes *changes);

/* watch.c */
/* Begins to watch the files of the present set. 0, or -1 without memory. */
int watch_begin(struct server *server);
/* The descriptor to poll; -1 when there is none. */
int watch_descriptor(const struct server *server);
/* In how many milliseconds watch_maintain wants its next turn. */
int64_t watch_wait_ms(const struct server *server);
void watch_heard(struct server *server);
/* Reloads when files have changed and fit together. */
void watch_maintain(struct server *server);
void watch_end(struct server *server);

/* warnings.c: certificates and CRLs near their end, each stage of each told once. */
enum warnings_owner { WARNINGS_OWN, WARNINGS_MODALITY, WARNINGS_DESTINATION };

struct warning {
	enum warnings_owner owner;
	char *name; /* of our own, its file and subject; else the entry's */
	time_t until;
	int told;	  /* the last stage that was; TOLD_NOTHING */
	time_t seen;	  /* of another's: when it was shown last ... */
	int64_t pause_ms; /* ... and until when that leads to no other alert */
	/* Of our own, while it is in force: */
	bool in_force, renewed;
	enum tls_end_kind kind;
	time_t begins;
};

#define TOLD_NOTHING 99

struct warnings {
	struct warning *items;
	size_t count;
	bool is_news;	 /* something is to be looked at before the next hour */
	bool is_unsaved; /* the file is behind */
	int64_t look_ms, save_ms, written_ms;
	char *path;   /* of the file */
	pid_t scribe; /* who writes it; 0: nobody now */
};

/* Reads what was told before. 0, or -1 without memory. */
int warnings_begin(struct server *server);
/* A set is in force. */
void warnings_adopt(struct server *server);
/* Somebody has shown a certificate that is good until then. The one who says so is an
 * association's process: it may lie, and gets one alert an hour for it. */
void warnings_saw(struct server *server, enum warnings_owner owner, const char *name,
		  time_t until);
void warnings_maintain(struct server *server);
void warnings_end(struct server *server);
struct warning *warnings_find(struct warnings *warnings, enum warnings_owner owner,
			      const char *name, time_t until);
/* NULL without memory. */
struct warning *warnings_add(struct warnings *warnings, enum warnings_owner owner,
			     const char *name, time_t until);

/* told.c: that file. One that isn't there, or isn't whole, holds the less. */
void told_read(struct warnings *warnings);
/* Writes it in a process of its own, since the supervisor waits for no disk. The next is
 * due a second later at the earliest, however much is seen meanwhile. */
void told_write(struct server *server);
/* Whether it was that process. */
bool told_reaped(struct server *server, pid_t pid, int status);

/* papers.c */
/* Brings the child what the present set says of it. False when it doesn't listen now. */
bool papers_bring(struct server *server, struct child *child);
/* To all that have a place and don't know of it yet. */
void papers_maintain(struct server *server);
void papers_free(struct server *server);
/* What they say has changed, without a reload. */
void papers_renew(struct server *server);

/* service.c */
void service_begin(struct server *server);
void service_say_ready(void);
/* Around a reload, which the service manager waits for. */
void service_say_reloading(void);
void service_say_stopping(unsigned seconds);
void service_maintain(struct server *server);
/* The auditor has answered the question. */
void service_auditor_answered(struct server *server);

/* accept.c */
void accept_some(struct server *server, size_t listener);

/* process.c */
enum process_role {
	PROCESS_ASSOCIATION,
	PROCESS_AUDITOR,
	PROCESS_RESOLVER,
	PROCESS_EXPORTER,
	PROCESS_OBSERVER,
	PROCESS_SCRIBE
};
/* fork()'s answer. The child has no descriptor but standard error and those, and nothing
 * of the supervisor's that its role doesn't need: of the setup's TLS contexts it may have
 * none. */
pid_t process_fork(struct server *server, enum process_role role, const int *keep,
		   size_t count);
/* The same, for a helper: each gets its end of a socket to the other, the helper as its
 * only descriptor. -1 with errno. */
pid_t process_start(struct server *server, enum process_role role, int *ret_line);

/* places.c */
struct child *child_add(struct server *server, pid_t pid, int line,
			const struct sockaddr_storage *peer, const char *id);
void child_forget(struct server *server, struct child *child);
void child_heard(struct server *server, struct child *child);
void child_reaped(struct server *server, pid_t pid, const struct rusage *usage);
/* Gives each that has none yet a line to the auditor that has been started anew. */
void children_renew_auditor(struct server *server);
/* Ends those that should have parted long ago. */
void children_maintain(struct server *server);
void children_tell(struct server *server, enum association_notice_kind kind);
/* A new set is in force in the place of `before`: their entries, listeners and pace. */
void children_revise(struct server *server, const struct config *before);
/* Ends them all at once; the auditor is told why. */
void children_kill(struct server *server, enum reason reason);
/* Makes room for another connection. Of those that are not authenticated yet, and of
 * those that are and have no place (as many as limits.max_associations
 * or max_handshakes, whichever is more), the oldest is
 * ended: of the address that has the most. Addresses from which a modality has had a
 * place come last, unless they have many. */
void children_make_room(struct server *server);
unsigned children_at(const struct server *server, const struct address *address);
unsigned children_placed_for(const struct server *server, size_t modality);
void child_say(struct child *child, const struct association_notice *word);

/* paces.c */
/* Of one that has a place. */
struct association_pace pace_of(const struct server *server, const struct child *child);
void pace_tell(const struct server *server, struct child *child);
/* Of those that share something with a child that has come or gone. */
void paces_share_anew(struct server *server, const struct child *child);

/* rates.c (the rest of it: visitors.h) */
/* The counts of a new configuration's entries: those of the same name go on. 0 or -1. */
int rates_renew(struct server *server, const struct config *before,
		const struct config *now);

/* auditors.c */
/* How many were closed at accept; with `all` also what is not due yet. */
void auditor_tell_turned_away(struct server *server, bool all);
int auditor_start(struct server *server);
void auditor_heard(struct server *server);
/* Whether it sleeps in the kernel, as who waits for a disk does. */
bool auditor_waits_for_disk(const struct server *server);
void auditor_reaped(struct server *server, int status);
void auditor_maintain(struct server *server);
void auditor_tell(struct server *server, const char *peer, enum audit_event event,
		  enum audit_outcome outcome, enum reason reason, const char *detail);

/* resolver.c */
int resolver_start(struct server *server);
void resolver_heard(struct server *server);
void resolver_reaped(struct server *server);
void resolver_maintain(struct server *server);
/* A new set is in force: what is known of hosts that were in `before` stays known. */
void resolver_renew(struct server *server, const struct setup *before);

/* exporters.c */
void exporter_decide(struct server *server);
void exporter_reaped(struct server *server, int status);
/* Starts one where there should be one: never before the auditor is ready, since what it
 * does to a broken log at its start is over then. */
void exporter_maintain(struct server *server);
/* After the auditor's end: waits until the rest of the log is exported, but not long. */
void exporter_stop(struct server *server);

/* observers.c */
void observer_reaped(struct server *server);
void observer_maintain(struct server *server);
/* Another set is in force: has it anything to do with the observer's, another is started
 * in its place. */
void observer_renew(struct server *server, const struct config *before);
void observer_stop(struct server *server);
void observer_takes_handshake(struct server *server, const struct child *child);
/* What the child says that it has done; what can't be is not taken. */
void observer_takes_figures(struct server *server, struct child *child,
			    const struct association_figures *now);
void observer_takes_sync(struct server *server, const struct histogram *sync);

/* server.c: whether the child ended within that time; it is reaped then. */
bool ends_within(struct server *server, pid_t pid, int64_t wait_ms);

#endif
