#include "setup_socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cathgate/base/durable.h"
#include "cathgate/supervisor/units.h"
#include "cli/kit/complain.h"
#include "cli/kit/keep.h"

#define ADMINS_UNITS "/etc/systemd/system"
#define DROP_INS     ADMINS_UNITS "/" UNITS_SOCKET ".d"
#define DROP_IN	     DROP_INS "/cathgate-setup.conf" /* one of systemctl edit comes later */
#define DROP_IN_MAX  65536

#define PORT_OF_UNIT "2762"

static const char *address_of(const struct setup_plan *plan)
{
	return plan->answers[SETUP_ADDRESS].value;
}

static const char *port_of(const struct setup_plan *plan)
{
	return plan->answers[SETUP_PORT].value;
}

static bool is_everywhere(const struct setup_plan *plan)
{
	return strcmp(address_of(plan), "0.0.0.0") == 0;
}

static bool fits_unit(const struct setup_plan *plan)
{
	return is_everywhere(plan) && strcmp(port_of(plan), PORT_OF_UNIT) == 0;
}

/* The first that systemd finds; one that is masked is a link to /dev/null. */
static bool is_unit_there(void)
{
	static const char *const folders[] = { ADMINS_UNITS, "/run/systemd/system",
					       "/usr/local/lib/systemd/system",
					       "/usr/lib/systemd/system" };
	struct stat status;

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (stat(keep_format("%s/" UNITS_SOCKET, folders[i]), &status) == 0)
			return S_ISREG(status.st_mode) && status.st_size > 0;
	return false;
}

/* Whether the unit is this gateway's to change. */
static bool may_change_unit(const struct setup_plan *plan)
{
	return geteuid() == 0 && is_unit_there() &&
	       strcmp(keep_format("%s/" SETUP_CONFIG, plan->directory),
		      CATHGATE_CONFIG) == 0;
}

bool setup_has_socket(const struct setup_plan *plan)
{
	return (fits_unit(plan) && is_unit_there()) || may_change_unit(plan);
}

static const char *listen_stream(const struct setup_plan *plan)
{
	if (is_everywhere(plan))
		return port_of(plan);
	return keep_format(strchr(address_of(plan), ':') ? "[%s]:%s" : "%s:%s",
			   address_of(plan), port_of(plan));
}

static const char *drop_in_text(const struct setup_plan *plan)
{
	return keep_format(
		"# Where the gateway listens, by cathgate setup. After a change:\n"
		"#   systemctl daemon-reload\n"
		"#   systemctl stop " UNITS_SOCKET " " UNITS_SERVICE "\n"
		"#   systemctl start cathgated\n"
		"[Socket]\n"
		"# Also before the machine has the address.\n"
		"FreeBind=yes\n"
		"ListenStream=\n"
		"ListenStream=%s\n",
		listen_stream(plan));
}

/* What is there is kept, so that it can be brought back. */
static int keep_before(struct setup_socket *socket)
{
	if (access(DROP_IN, F_OK) != 0 && errno == ENOENT)
		return 0;
	socket->was_there = true;
	return durable_read(DROP_IN, DROP_IN_MAX, &socket->before, &socket->size);
}

static int write_drop_in(const char *text, size_t size)
{
	const struct durable_owner owner = { (uid_t)-1, (gid_t)-1, 0644 };

	return durable_replace(DROP_IN, text, size, &owner);
}

int setup_socket_write(const struct setup_plan *plan, struct setup_socket *ret)
{
	const struct durable_owner folder = { (uid_t)-1, (gid_t)-1, 0755 };
	struct setup_socket socket = { 0 };
	const char *text = drop_in_text(plan);
	int result = 0;

	*ret = socket;
	if (!may_change_unit(plan))
		return 0;
	result = keep_before(&socket);
	if (result == 0 && fits_unit(plan)) {
		socket.was_changed = socket.was_there;
		result = socket.was_there ? durable_remove(DROP_IN) : 0;
	} else if (result == 0) {
		socket.made_folder = durable_folder(DROP_INS, &folder) == 0;
		socket.was_changed = socket.made_folder || errno == EEXIST;
		result = socket.was_changed ? write_drop_in(text, strlen(text)) : -1;
	}
	if (result == 0) {
		*ret = socket;
		return 0;
	}
	complain(DROP_IN
		 ", which is to say where the gateway listens: %s; mend that, or "
		 "do without systemd's socket: systemctl mask --now " UNITS_SOCKET,
		 strerror(errno));
	setup_socket_undo(&socket);
	return -1;
}

void setup_socket_undo(struct setup_socket *socket)
{
	int result = 0;

	if (socket->was_changed && socket->was_there)
		result = write_drop_in(socket->before, socket->size);
	else if (socket->was_changed && access(DROP_IN, F_OK) == 0)
		result = durable_remove(DROP_IN);
	if (result < 0)
		complain(DROP_IN ": %s; look whether it is as you want it",
			 strerror(errno));
	if (socket->made_folder)
		rmdir(DROP_INS);
	free(socket->before);
	*socket = (struct setup_socket){ 0 };
}

/* Another drop-in may say otherwise, and comes later. */
static void warn_of_others(const struct setup_plan *plan)
{
	const char *port = keep_format(":%s", port_of(plan));
	const struct units_socket *found;
	struct units units;

	units_ask(&units);
	found = units_find(&units, SETUP_SOCKET_NAME);
	if (found && found->listens && !strstr(found->listens, port))
		complain("systemd listens on %s all the same: another drop-in says so "
			 "(systemctl cat " UNITS_SOCKET "); correct it",
			 found->listens);
	units_clear(&units);
}

void setup_socket_settle(const struct setup_plan *plan, struct setup_socket *socket)
{
	bool has_systemd = access("/run/systemd/system", F_OK) == 0;

	fflush(stdout);
	if (socket->was_changed && has_systemd && system("systemctl daemon-reload") != 0)
		complain("run systemctl daemon-reload, so that systemd reads where the "
			 "gateway listens");
	if (socket->was_changed && has_systemd &&
	    system("systemctl --quiet is-active " UNITS_SOCKET) == 0)
		printf("\nThe port that is open changes after: systemctl "
		       "stop " UNITS_SOCKET " " UNITS_SERVICE "\n");
	if (may_change_unit(plan) && has_systemd)
		warn_of_others(plan);
	if (may_change_unit(plan) && !fits_unit(plan))
		printf("\nThe gateway listens on %s%s, as\n" DROP_IN " says.\n",
		       is_everywhere(plan) ? "port " : "", listen_stream(plan));
	free(socket->before);
	*socket = (struct setup_socket){ 0 };
}
