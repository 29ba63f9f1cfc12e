#include "cathgate/supervisor/units.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHOW_SERVICE                                                  \
	"systemctl show --property=LoadState --property=ActiveState " \
	"--property=SubState --property=User --property=Group "       \
	"--property=SupplementaryGroups --property=MainPID "          \
	"--property=TriggeredBy " UNITS_SERVICE " 2>/dev/null"
#define SHOW_SOCKETS                                                                \
	"systemctl show --property=Id --property=LoadState --property=ActiveState " \
	"--property=UnitFileState --property=FileDescriptorName --property=Listen " \
	"'" UNITS_SOCKET "'%s 2>/dev/null"

bool units_have_config(const char *path)
{
	struct stat one, other;

	return stat(path, &one) == 0 && stat(CATHGATE_CONFIG, &other) == 0 &&
	       one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

bool units_have_this_process(void)
{
	static const char name[] = "/" UNITS_SERVICE;
	char line[4096];
	bool is_in = false;
	FILE *from = fopen("/proc/self/cgroup", "re");

	while (from && !is_in && fgets(line, sizeof(line), from)) {
		const char *found = strstr(line, name);

		is_in = found && strchr("/\n", found[strlen(name)]);
	}
	if (from)
		fclose(from);
	return is_in;
}

void units_lend_credentials(void)
{
	if (access(UNITS_CREDENTIALS, F_OK) == 0)
		setenv("CREDENTIALS_DIRECTORY", UNITS_CREDENTIALS, 0);
}

/* All that a command prints. NULL when it fails. */
static char *output_of(const char *command)
{
	char *text = NULL, piece[512];
	size_t size = 0, count;
	FILE *to = open_memstream(&text, &size), *from = popen(command, "re");

	while (from && to && (count = fread(piece, 1, sizeof(piece), from)) > 0)
		fwrite(piece, 1, count, to);
	if (to && fclose(to) != 0)
		count = 0;
	if (from && pclose(from) == 0)
		return text;
	free(text);
	return NULL;
}

/* The next line of *text, cut off there; NULL at the end. */
static char *next_line(char **text)
{
	return strsep(text, "\n");
}

/* What stands behind KEY=, NULL in another line. */
static const char *value_of(const char *line, const char *key)
{
	size_t length = strlen(key);

	return strncmp(line, key, length) == 0 && line[length] == '=' ? line + length + 1
								      : NULL;
}

static void set_text(char **text, const char *value)
{
	free(*text);
	*text = strdup(value);
}

/* "[::]:2762 (Stream)" becomes "[::]:2762", behind those before. */
static void add_place(char **list, const char *value)
{
	int length = (int)strcspn(value, " ");
	char *longer;

	if (asprintf(&longer, "%s%s%.*s", *list ? *list : "", *list ? ", " : "", length,
		     value) < 0)
		return;
	free(*list);
	*list = longer;
}

/* The service asks for its own socket whenever it starts; another is passed where it has
 * been started by itself. */
static void settle_socket(struct units *units, struct units_socket *socket,
			  bool is_loaded, bool is_enabled)
{
	struct units_socket *longer;

	if (socket->unit && socket->name && is_loaded) {
		socket->is_passed = is_enabled || strcmp(socket->unit, UNITS_SOCKET) == 0;
		longer = reallocarray(units->sockets, units->count + 1, sizeof(*longer));
		if (longer) {
			units->sockets = longer;
			longer[units->count++] = *socket;
			*socket = (struct units_socket){ 0 };
		}
	}
	free(socket->unit);
	free(socket->name);
	free(socket->listens);
	*socket = (struct units_socket){ 0 };
}

static void parse_sockets(struct units *units, char *text)
{
	struct units_socket socket = { 0 };
	bool is_loaded = false, is_enabled = false;
	char *line;

	while ((line = next_line(&text))) {
		const char *value;

		if (!*line) { /* a unit ends */
			settle_socket(units, &socket, is_loaded, is_enabled);
			is_loaded = is_enabled = false;
		} else if ((value = value_of(line, "Id"))) {
			set_text(&socket.unit, value);
		} else if ((value = value_of(line, "FileDescriptorName"))) {
			set_text(&socket.name, value);
		} else if ((value = value_of(line, "Listen"))) {
			add_place(&socket.listens, value);
		} else if ((value = value_of(line, "LoadState"))) {
			is_loaded = strcmp(value, "loaded") == 0;
		} else if ((value = value_of(line, "ActiveState"))) {
			socket.has_failed = strcmp(value, "failed") == 0;
			is_enabled |= strcmp(value, "active") == 0;
		} else if ((value = value_of(line, "UnitFileState"))) {
			is_enabled |= strncmp(value, "enabled", 7) == 0;
		}
	}
	settle_socket(units, &socket, is_loaded, is_enabled);
}

void units_parse(const char *service, const char *sockets, struct units *ret)
{
	char *copy = strdup(service), *rest = copy, *line;
	const char *value;

	*ret = (struct units){ 0 };
	while (rest && (line = next_line(&rest))) {
		if ((value = value_of(line, "LoadState")))
			ret->is_known = strcmp(value, "loaded") == 0;
		else if ((value = value_of(line, "User")))
			set_text(&ret->user, value);
		else if ((value = value_of(line, "Group")))
			set_text(&ret->group, value);
		else if ((value = value_of(line, "SupplementaryGroups")))
			set_text(&ret->groups, value);
		else if ((value = value_of(line, "ActiveState")))
			set_text(&ret->state, value);
		else if ((value = value_of(line, "MainPID")))
			ret->main_pid = (pid_t)strtol(value, NULL, 10);
		else if ((value = value_of(line, "SubState")))
			ret->starts_again = strncmp(value, "auto-restart", 12) == 0;
	}
	free(copy);
	copy = strdup(sockets);
	if (copy && ret->is_known)
		parse_sockets(ret, copy);
	free(copy);
	ret->is_known = ret->is_known && ret->user && ret->state;
}

/* The names of the socket units behind TriggeredBy=, each with a space before it and in
 * quotes, but for the service's own, which is asked for anyway. */
static char *others_in(const char *service)
{
	const char *names = strstr(service, "\nTriggeredBy=");
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	names = names ? names + strlen("\nTriggeredBy=") : "";
	while (*names && *names != '\n') {
		int length = (int)strcspn(names, " \n");

		if (length > 7 && strncmp(names + length - 7, ".socket", 7) == 0 &&
		    !memchr(names, '\'', (size_t)length) &&
		    strncmp(names, UNITS_SOCKET, (size_t)length) != 0)
			fprintf(to, " '%.*s'", length, names);
		names += length;
		names += *names == ' ';
	}
	if (fclose(to) == 0)
		return text;
	free(text);
	return NULL;
}

void units_ask(struct units *ret)
{
	char *service = NULL, *others = NULL, *command = NULL, *sockets = NULL;

	*ret = (struct units){ 0 };
	if (access("/run/systemd/system", F_OK) == 0)
		service = output_of(SHOW_SERVICE);
	if (service)
		others = others_in(service);
	if (others && asprintf(&command, SHOW_SOCKETS, others) >= 0)
		sockets = output_of(command);
	if (sockets)
		units_parse(service, sockets, ret);
	free(sockets);
	free(command);
	free(others);
	free(service);
}

void units_clear(struct units *units)
{
	for (size_t i = 0; i < units->count; i++) {
		free(units->sockets[i].unit);
		free(units->sockets[i].name);
		free(units->sockets[i].listens);
	}
	free(units->sockets);
	free(units->user);
	free(units->group);
	free(units->groups);
	free(units->state);
	*units = (struct units){ 0 };
}

/* systemd takes a number as well. */
const struct passwd *units_owner(const struct units *units)
{
	const char *name = units->is_known ? units->user : NULL;
	char *end;
	unsigned long number;

	if (!name || !name[0])
		return name ? getpwuid(0) : NULL;
	number = strtoul(name, &end, 10);
	return *end || number >= UINT32_MAX ? getpwnam(name) : getpwuid((uid_t)number);
}

const struct units_socket *units_find(const struct units *units, const char *name)
{
	for (size_t i = 0; i < units->count; i++)
		if (units->sockets[i].is_passed &&
		    strcmp(units->sockets[i].name, name) == 0)
			return &units->sockets[i];
	return NULL;
}

static bool is_asked_for(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->listen_count; i++)
		if (config->listen[i].socket &&
		    strcmp(config->listen[i].socket, name) == 0)
			return true;
	return false;
}

void units_check(const struct units *units, const struct config *config,
		 struct config_faults *faults)
{
	for (size_t i = 0; units->is_known && i < config->listen_count; i++) {
		const struct config_listen *listen = &config->listen[i];

		if (listen->socket && !units_find(units, listen->socket))
			config_fault_add(faults, CONFIG_ERROR, &listen->place,
					 "no socket unit passes the service a socket "
					 "named \"%s\"; write the FileDescriptorName= of "
					 "one, \"dicom-tls\" in " UNITS_SOCKET
					 " (systemctl unmask " UNITS_SOCKET
					 " if it is masked), or address and port instead",
					 listen->socket);
	}
	for (size_t i = 0; i < units->count; i++) {
		const struct units_socket *socket = &units->sockets[i];

		if (!socket->is_passed || is_asked_for(config, socket->name))
			continue;
		config_fault_add(
			faults, CONFIG_ERROR, &config->listen[0].place,
			"%s passes the service a socket named \"%s\" (%s) that "
			"no listener asks for, so it doesn't start; write "
			"socket = \"%s\" instead of address and port in one, and "
			"give the unit the address and port (systemctl edit %s, "
			"as docs/ADMIN.md says), or do without it: systemctl "
			"mask --now %s",
			socket->unit, socket->name,
			socket->listens ? socket->listens : "nowhere yet", socket->name,
			socket->unit, socket->unit);
	}
}

char *units_trouble(const struct units *units)
{
	char *text = NULL;
	int size = 0;

	for (size_t i = 0; i < units->count; i++) {
		const struct units_socket *socket = &units->sockets[i];

		if (!socket->is_passed || !socket->has_failed)
			continue;
		size = asprintf(&text,
				"%s could not listen on %s: most likely another program "
				"has the port (ss -ltnp names it); end that, or give the "
				"unit another port, then: systemctl start cathgated",
				socket->unit,
				socket->listens ? socket->listens : "its port");
		return size < 0 ? NULL : text;
	}
	if (!units->is_known)
		return NULL;
	if (strcmp(units->state, "inactive") == 0)
		return strdup("it isn't started: systemctl start cathgated");
	if (!units->starts_again && strcmp(units->state, "failed") != 0)
		return NULL;
	return strdup("it ends whenever systemd starts it: journalctl -u cathgated says "
		      "why, and cathgated --check what is wrong with the configuration");
}
