/* A new connection: is there room for it, and a process of its own. */
#pragma once

#include "supervisor/gate/gate.h"

void accept_some(struct gate *gate, size_t listener);
/* Tells the auditor how many were closed at accept; with `all` also what is not due yet.
 */
void accept_tell_turned_away(struct gate *gate, bool all);
