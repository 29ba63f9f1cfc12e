/*
 * `cathgate status --watch`: shows the status again and again on a terminal, also while
 * the gateway is restarted, until somebody ends it.
 */
#pragma once

/* Returns the exit status. */
int watch_run(const char *path, unsigned seconds);
