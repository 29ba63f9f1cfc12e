#include "cathgate/association/contact.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "cathgate/base/descriptors.h"
#include "cathgate/base/log.h"

int contact_receive(struct contact *contact, struct association_notice *ret,
		    int ret_came[ASSOCIATION_PAPER_COUNT], size_t *ret_count)
{
	ssize_t size =
		descriptors_receive(contact->channel, ret, sizeof(*ret), ret_came,
				    ASSOCIATION_PAPER_COUNT, ret_count, MSG_DONTWAIT);

	if (size < 0 && errno == EAGAIN)
		return 0;
	return size == (ssize_t)sizeof(*ret) ? 1 : -1;
}

int contact_send(const struct contact *contact, const struct association_notice *notice)
{
	if (send(contact->channel, notice, sizeof(*notice), MSG_NOSIGNAL) ==
	    (ssize_t)sizeof(*notice))
		return 0;
	log_debug("the supervisor is gone");
	return -1;
}

bool contact_sort_out(uint32_t bits, const int *came, size_t count, int *ret,
		      size_t kinds)
{
	size_t used = 0;
	bool is_whole = true;

	for (size_t i = 0; i < kinds; i++) {
		bool is_named = bits & 1U << i;

		ret[i] = is_named && used < count ? came[used++] : -1;
		is_whole = is_whole && (!is_named || ret[i] >= 0);
	}
	return is_whole;
}

/* One that nobody waits for any longer is closed: it was for a wait that was interrupted.
 */
void contact_take_call(struct contact *contact, const struct association_call *called,
		       const int *came, size_t count, unsigned trusts)
{
	int brought[ASSOCIATION_BROUGHT_COUNT];
	bool is_whole = contact_sort_out(called->brings, came, count, brought,
					 ASSOCIATION_BROUGHT_COUNT);
	struct outbound_call call = { .fd = brought[ASSOCIATION_SOCKET],
				      .signer = brought[ASSOCIATION_SIGNER],
				      .error = called->error,
				      .address = called->address,
				      .count = called->count,
				      .trusts = trusts };

	contact->call_is_due = false;
	if (!contact->call_is_wanted || !is_whole) {
		outbound_hang_up(&call);
		call.fd = call.signer = -1;
		call.error = EMFILE;
	}
	if (contact->call_is_wanted)
		contact->call = call;
}

/* Until the connection that was asked for has come. */
MUST_USE static int await_call(const struct contact *contact, struct leg *leg)
{
	while (contact->call_is_due) {
		if (contact->is_gone)
			leg->interrupted = REASON_GATEWAY_STOPPING;
		if (leg_wait(leg, contact->channel, POLLIN) != 0)
			return -1;
	}
	return 0;
}

int contact_dial(struct contact *contact, struct association_notice *asked,
		 struct leg *leg, size_t number, struct outbound_call *ret)
{
	int rc;

	asked->kind = ASSOCIATION_ASKS_CONNECTION;
	asked->number = (uint32_t)number;
	/* The supervisor takes one request at a time, and an earlier one may still be
	 * due. */
	if (await_call(contact, leg) != 0)
		return -1;
	contact->call_is_due = contact->call_is_wanted = true;
	contact->call = (struct outbound_call){ .fd = -1, .signer = -1 };
	if (contact_send(contact, asked) != 0)
		contact->is_gone = true;
	rc = await_call(contact, leg);
	contact->call_is_wanted = false;
	if (rc == 0)
		*ret = contact->call;
	else /* it may have come with what interrupts the wait */
		outbound_hang_up(&contact->call);
	return rc;
}
