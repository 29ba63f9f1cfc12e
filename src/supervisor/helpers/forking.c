#include "supervisor/helpers/forking.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "cathgate/base/clock.h"
#include "cathgate/base/descriptors.h"
#include "cathgate/base/log.h"

#ifdef __SANITIZE_ADDRESS__
#define ANSWER_MS 10000 /* to fork takes it far longer */
#else
#define ANSWER_MS 5000
#endif
#define PID_MAX	   (1 << 22) /* proc_sys_kernel(5); a larger one could wrap */
#define RENEW_MS   3600000
#define RENEWAL_MS 1000 /* at least, between two renewals after crashes */

bool forking_listens(const struct forking *forking)
{
	struct pollfd channel = { .fd = forking->helper->channel, .events = POLLOUT };

	return forking->helper->is_ready && poll(&channel, 1, 0) > 0 &&
	       channel.revents == POLLOUT;
}

/* Waits until then. False when it is too late; the forker is ended then. */
MUST_USE static bool await_forker(struct forking *forking, short events, int64_t end_ms)
{
	struct pollfd channel = { .fd = forking->helper->channel, .events = events };
	int64_t left_ms = end_ms - clock_ms();

	while (left_ms > 0 && poll(&channel, 1, (int)left_ms) <= 0)
		left_ms = end_ms - clock_ms();
	if (left_ms > 0)
		return true;
	log_error("the forker does not answer: starting another");
	helper_dismiss(forking->helper);
	errno = ETIMEDOUT;
	return false;
}

MUST_USE static int lose_forker(struct forking *forking)
{
	helper_hang_up(forking->helper);
	errno = ENOTCONN;
	return -1;
}

/* This function, and the others with `end_ms`: 0; or -1 with errno, and the forker is
 * gone. */
MUST_USE static int send_order(struct forking *forking, const struct forker_order *order,
			       const int *descriptors, size_t count, int64_t end_ms)
{
	while (descriptors_send(forking->helper->channel, order, sizeof(*order),
				descriptors, count, MSG_DONTWAIT) != 0) {
		if (errno != EAGAIN)
			return lose_forker(forking);
		if (!await_forker(forking, POLLOUT, end_ms))
			return -1;
	}
	return 0;
}

MUST_USE static int await_answer(struct forking *forking, struct forker_answer *ret,
				 int64_t end_ms)
{
	if (!await_forker(forking, POLLIN, end_ms))
		return -1;
	return recv(forking->helper->channel, ret, sizeof(*ret), MSG_DONTWAIT) ==
			       (ssize_t)sizeof(*ret)
		       ? 0
		       : lose_forker(forking);
}

/* Whether it is one, or says that there is none: a forker that was taken over could name
 * anybody's process, which would be ended some time. */
static bool is_own_child(int64_t pid)
{
	siginfo_t info;

	return pid == 0 ||
	       (pid > 0 && pid <= PID_MAX &&
		waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0);
}

pid_t forking_fork(struct forking *forking, const struct forker_order *order,
		   const int *descriptors, size_t count)
{
	int64_t end_ms = clock_ms() + ANSWER_MS;
	struct forker_answer answer;

	if (!forking->helper->is_ready)
		return lose_forker(forking);
	if (send_order(forking, order, descriptors, count, end_ms) != 0 ||
	    await_answer(forking, &answer, end_ms) != 0)
		return -1;
	if (!is_own_child(answer.pid))
		return lose_forker(forking);
	if (answer.pid > 0)
		return (pid_t)answer.pid;
	errno = answer.error;
	return -1;
}

void forking_hear(struct forking *forking)
{
	struct forker_answer answer = { 0 };
	ssize_t size =
		recv(forking->helper->channel, &answer, sizeof(answer), MSG_DONTWAIT);

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* Each other answer is awaited where its order was sent. */
	if (size != (ssize_t)sizeof(answer) || answer.pid != FORKER_READY) {
		helper_hang_up(forking->helper);
		return;
	}
	helper_became_ready(forking->helper);
}

void forking_renew(struct forking *forking)
{
	forking->is_suspect = false;
	helper_dismiss(forking->helper);
}

void forking_suspect(struct forking *forking)
{
	forking->is_suspect = true;
}

void forking_maintain(struct forking *forking)
{
	const struct helper *helper = forking->helper;
	int64_t now_ms = clock_ms(), age_ms = now_ms - helper->started_ms;

	if (helper->is_ready)
		forking->missing_ms = 0;
	else if (forking->missing_ms == 0)
		forking->missing_ms = now_ms;
	if (helper->is_ready &&
	    (age_ms > RENEW_MS || (forking->is_suspect && age_ms > RENEWAL_MS)))
		forking_renew(forking);
}
