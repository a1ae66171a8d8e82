/* SPDX-License-Identifier: BSD-3-Clause */
/* One client: reads bytes and writes answers, each in bounded portions. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server_internal.h"
#include "sluice/clock.h"

#define OUT_ROOM_IDLE (16u << 10) /* a larger buffer is freed once it is empty */

/*
 * Reads without a control buffer: the kernel then closes file descriptors that a peer passes, and
 * they never enter this process (unix(7), SCM_RIGHTS).
 */
static void receive(struct sl_server_client *c)
{
	size_t total = 0, room;
	ssize_t n;

	while (total < SL_CLIENT_BYTES_A_POLL) {
		char *at = sl_frame_reserve(&c->in, &room);

		if (at == NULL) {
			c->dead = true;
			return;
		}
		n = recv(c->fd, at, room, MSG_DONTWAIT);
		if (n == 0)
			c->input_end = true;
		else if (n < 0 && errno != EAGAIN && errno != EINTR)
			c->dead = true;
		if (n <= 0)
			return;
		sl_frame_filled(&c->in, (size_t)n);
		total += (size_t)n;
	}
}

static void flush_out(struct sl_server_client *c)
{
	while (sl_server_client_unsent(c) > 0 && !c->dead) {
		ssize_t n = send(c->fd, c->out.p + c->out_start, sl_server_client_unsent(c),
			MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0) {
			if (errno != EAGAIN && errno != EINTR)
				c->dead = true;
			return;
		}
		c->out_start += (size_t)n;
		c->sent_ns = sl_now_ns();
	}
	c->out.len = c->out_start = 0;
	if (c->out.room > OUT_ROOM_IDLE)
		sl_text_fini(&c->out);
}

/* Drops the sent bytes to make room. It moves no more than SL_CLIENT_UNSENT bytes. */
static void forget_sent(struct sl_server_client *c)
{
	size_t unsent = sl_server_client_unsent(c);

	if (c->out_start > 0)
		memmove(c->out.p, c->out.p + c->out_start, unsent);
	c->out.len = unsent;
	c->out_start = 0;
}

static void refuse_too_long(struct sl_server_client *c)
{
	size_t len;
	char *answer = sl_rpc_refuse(SL_ERR_LIMIT,
		c->session.granted >= SL_RPC_WRITE
			? "a message has at most 16 MiB"
			: "a message has at most 256 KiB from a user who may only read",
		&len);

	if (answer != NULL)
		sl_text_add(&c->out, answer, len);
	free(answer);
	sl_frame_fini(&c->in);
	c->input_end = true;
}

/* Begins to reply to the next message, if there is a whole one. */
static void begin_reply(struct sl_server_client *c)
{
	const char *msg;
	size_t len;

	switch (sl_frame_next(&c->in,
		c->session.granted >= SL_RPC_WRITE ? SL_MESSAGE_MAX : SL_MESSAGE_READ_MAX, &msg,
		&len)) {
	case SL_FRAME_TOO_LONG:
		refuse_too_long(c);
		return;
	case SL_FRAME_MORE:
		if (!c->input_end || !sl_frame_rest(&c->in, &msg, &len))
			return;
		break;
	case SL_FRAME_MESSAGE:
		break;
	}
	sl_reply_begin(&c->reply, &c->session, msg, len, true);
	c->replying = true;
}

/* True when pushed notifications may be sent: the client reads, and no answer is half written. */
static bool may_push(const struct sl_server_client *c)
{
	return sl_server_client_unsent(c) < SL_CLIENT_UNSENT &&
	       (!c->replying || sl_reply_is_unwritten(&c->reply));
}

static void push_some(struct sl_server_client *c)
{
	if (sl_session_is_due(&c->session) && may_push(c))
		sl_session_drain(&c->session, &c->out);
}

static bool is_waiting(const struct sl_server_client *c)
{
	return c->replying && sl_reply_is_waiting(&c->reply);
}

static void answer_some(struct sl_server_client *c, uint64_t end_ns)
{
	uint64_t own_end = sl_now_ns() + SL_CLIENT_TURN_NS;
	const struct sl_turn turn = {
		.end_ns = own_end < end_ns ? own_end : end_ns, .len_max = SL_CLIENT_UNSENT};

	c->backlog = false;
	for (unsigned int n = 0; !c->dead; n++) {
		if (n > 0 && (n >= SL_CLIENT_REQUESTS_MAX || sl_turn_is_over(&turn, &c->out))) {
			c->backlog = true;
			return;
		}
		push_some(c);
		if (!c->replying)
			begin_reply(c);
		if (!c->replying)
			return;
		c->replying = sl_reply_more(&c->reply, &c->out, &turn);
		if (!c->replying)
			sl_reply_end(&c->reply);
		c->dead = c->dead || c->out.failed;
		if (is_waiting(c)) {
			c->backlog = true;
			return;
		}
	}
}

bool sl_server_client_is_due(const struct sl_server_client *c)
{
	return c->ready != 0 || (sl_session_is_due(&c->session) && may_push(c)) ||
	       (c->backlog && !is_waiting(c) && sl_server_client_unsent(c) < SL_CLIENT_UNSENT);
}

void sl_server_client_serve(struct sl_server_client *c, uint64_t end_ns)
{
	bool readable = (c->ready & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0;

	/*
	 * Nothing is read or sent while a call waits, so only this shows that the client is gone.
	 */
	if ((c->ready & (EPOLLHUP | EPOLLERR)) != 0 && is_waiting(c))
		c->dead = true;
	c->ready = 0;
	c->served = true;
	/* Unsent bytes are from an earlier poll, so their changes are durable. */
	if (sl_server_client_unsent(c) > 0)
		flush_out(c);
	if (sl_server_client_unsent(c) >= SL_CLIENT_UNSENT)
		return;
	forget_sent(c);
	if (readable && !c->input_end && !c->backlog)
		receive(c);
	if (sl_server_client_unsent(c) == 0)
		c->sent_ns = sl_now_ns();
	if (!c->dead)
		answer_some(c, end_ns);
}

void sl_server_client_flush(struct sl_server_client *c, bool durable)
{
	c->served = false;
	/*
	 * It is not known whether the calls' changes are durable, so no answer may be sent. The
	 * client notices that its connection ends.
	 */
	if (!durable && sl_server_client_unsent(c) > 0)
		c->dead = true;
	if (!c->dead)
		flush_out(c);
}

bool sl_server_client_is_done(const struct sl_server_client *c)
{
	return c->dead || (c->input_end && !c->backlog && sl_server_client_unsent(c) == 0);
}

uint32_t sl_server_client_events(const struct sl_server_client *c)
{
	/*
	 * Nothing is read while a request of the client waits here. Its other requests stay in its
	 * socket, so the memory for it is bounded.
	 */
	return (c->input_end || c->backlog ? 0u : (uint32_t)EPOLLIN) |
	       (sl_server_client_unsent(c) > 0 ? (uint32_t)EPOLLOUT : 0u);
}

void sl_server_client_fini(struct sl_server_client *c)
{
	close(c->fd);
	if (c->replying)
		sl_reply_end(&c->reply);
	sl_session_fini(&c->session);
	sl_frame_fini(&c->in);
	sl_text_fini(&c->out);
}
