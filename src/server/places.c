/*
 * The children, one an association: their states, their places, their pace.
 */
#include "internal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cathgate/log.h"

struct child *child_add(struct server *server, pid_t pid, int line,
			const struct sockaddr_storage *peer, const char *id)
{
	struct child *child = calloc(1, sizeof(*child));

	if (!child)
		return NULL;
	child->pid = pid;
	child->line = line;
	address_of_socket(peer, &child->address);
	address_text(peer, child->peer);
	memcpy(child->id, id, sizeof(child->id));
	child->previous = server->last;
	if (server->last)
		server->last->next = child;
	else
		server->first = child;
	server->last = child;
	server->handshaking++;
	return child;
}

static void child_free(struct server *server, struct child *child)
{
	if (child->previous)
		child->previous->next = child->next;
	else
		server->first = child->next;
	if (child->next)
		child->next->previous = child->previous;
	else
		server->last = child->previous;
	free(child);
}

static unsigned placed_for(const struct server *server, size_t modality)
{
	unsigned count = 0;

	for (const struct child *c = server->first; c; c = c->next)
		count += c->state == CHILD_PLACED && c->modality == modality;
	return count;
}

unsigned children_at(const struct server *server, const struct address *address)
{
	unsigned count = 0;

	for (const struct child *c = server->first; c; c = c->next)
		count += c->state == CHILD_PLACED && address_equal(&c->address, address);
	return count;
}

static void say(struct child *child, const struct association_word *word)
{
	/* A child that doesn't listen loses the word, not the supervisor its time. */
	if (child->line >= 0 &&
	    send(child->line, word, sizeof(*word), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		log_debug("association %s: %s", child->id, strerror(errno));
}

/* Each association of an entry gets an equal share of its bytes a second. */
static int64_t share(const struct server *server, size_t modality)
{
	int64_t all = server->setup.config->modalities[modality].max_bytes_per_second;
	unsigned count = placed_for(server, modality);

	if (all == 0)
		return 0;
	return all / (count ? count : 1) > 0 ? all / (count ? count : 1) : 1;
}

static void share_anew(struct server *server, size_t modality)
{
	struct association_word word = { .kind = ASSOCIATION_PACE };

	word.bytes_per_second = share(server, modality);
	if (word.bytes_per_second == 0)
		return;
	for (struct child *c = server->first; c; c = c->next)
		if (c->state == CHILD_PLACED && c->modality == modality)
			say(c, &word);
}

static void leave_place(struct server *server, struct child *child)
{
	enum child_state was = child->state;

	child->state = CHILD_PARTING;
	if (was == CHILD_HANDSHAKING) {
		server->handshaking--;
	} else if (was == CHILD_PLACED) {
		server->placed--;
		share_anew(server, child->modality);
	}
}

/* PS3.8 table 9-21, source 3: 1 is temporary congestion, 2 a local limit. */
static uint32_t deny(struct server *server, const struct child *child, size_t modality)
{
	const struct config *config = server->setup.config;
	const struct config_modality *entry = &config->modalities[modality];

	if (server->placed >= config->limits.max_associations ||
	    placed_for(server, modality) >= entry->max_associations ||
	    children_at(server, &child->address) >=
		    config->limits.max_associations_per_address)
		return 2;
	if (!rate_allows(&server->modality_rates[modality],
			 entry->max_handshakes_per_minute))
		return 1;
	return 0;
}

static void asked_place(struct server *server, struct child *child, uint32_t modality)
{
	struct association_word answer = { .kind = ASSOCIATION_GRANTED };

	if (child->state != CHILD_HANDSHAKING ||
	    modality >= server->setup.config->modality_count) {
		log_bug("association %s asked for a place that it can't have", child->id);
		return;
	}
	answer.rejection_reason = server->stopping ? 1 : deny(server, child, modality);
	if (answer.rejection_reason != 0) {
		answer.kind = ASSOCIATION_DENIED;
		leave_place(server, child);
		say(child, &answer);
		return;
	}
	server->handshaking--;
	server->placed++;
	child->state = CHILD_PLACED;
	child->modality = modality;
	answer.bytes_per_second = share(server, modality);
	say(child, &answer);
	share_anew(server, modality);
}

void child_forget(struct server *server, struct child *child)
{
	leave_place(server, child);
	close(child->line);
	child->line = -1;
	if (child->pid == 0)
		child_free(server, child);
}

void child_reaped(struct server *server, pid_t pid)
{
	for (struct child *c = server->first; c; c = c->next) {
		if (c->pid != pid)
			continue;
		c->pid = 0;
		if (c->line < 0)
			child_free(server, c);
		return;
	}
}

void children_tell(struct server *server, enum association_word_kind kind)
{
	struct association_word word = { .kind = kind };

	for (struct child *c = server->first; c; c = c->next)
		say(c, &word);
}

static void send_line(struct child *child, int line)
{
	struct association_word word = { .kind = ASSOCIATION_AUDITOR };
	char room[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = { 0 };
	struct iovec iov = { .iov_base = &word, .iov_len = sizeof(word) };
	struct msghdr header = { .msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = room,
				 .msg_controllen = sizeof(room) };
	struct cmsghdr *control = CMSG_FIRSTHDR(&header);

	control->cmsg_level = SOL_SOCKET;
	control->cmsg_type = SCM_RIGHTS;
	control->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(control), &line, sizeof(int));
	if (sendmsg(child->line, &header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		log_debug("association %s: %s", child->id, strerror(errno));
}

static void give_auditor(struct server *server, struct child *child)
{
	int line = audit_line_open(server->auditor, child->id, child->peer);

	if (line < 0)
		return; /* it has just died; its successor serves those that want it */
	child->wants_auditor = false;
	send_line(child, line);
	close(line);
}

void children_renew_auditor(struct server *server)
{
	for (struct child *c = server->first; c; c = c->next)
		if (c->line >= 0 && c->wants_auditor)
			give_auditor(server, c);
}

static void asked_auditor(struct server *server, struct child *child)
{
	child->wants_auditor = true;
	if (server->auditor_ready)
		give_auditor(server, child);
}

void child_heard(struct server *server, struct child *child)
{
	struct association_word word = { 0 };
	ssize_t size = recv(child->line, &word, sizeof(word), MSG_DONTWAIT);

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (size != (ssize_t)sizeof(word)) {
		child_forget(server, child); /* end of file, or nonsense */
		return;
	}
	switch (word.kind) {
	case ASSOCIATION_ASKS_PLACE:
		asked_place(server, child, word.modality);
		break;
	case ASSOCIATION_RETURNS_PLACE:
		leave_place(server, child);
		break;
	case ASSOCIATION_ASKS_AUDITOR:
		asked_auditor(server, child);
		break;
	default:
		child_forget(server, child);
	}
}

void children_kill(struct server *server)
{
	for (struct child *c = server->first; c; c = c->next)
		if (c->pid > 0)
			kill(c->pid, SIGKILL);
}

void child_drop_oldest(struct server *server)
{
	for (struct child *c = server->first; c; c = c->next) {
		if (c->state != CHILD_HANDSHAKING || c->pid == 0)
			continue;
		if (server->auditor >= 0)
			audit_line_ending(server->auditor, c->id,
					  REASON_LIMIT_ASSOCIATIONS);
		kill(c->pid, SIGKILL);
		leave_place(server, c);
		return;
	}
}
