/* SPDX-License-Identifier: BSD-3-Clause */
/* One client: bytes in, answers out, each a bounded share at a time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server_internal.h"
#include "sluice/clock.h"

#define OUT_ROOM_IDLE (16u << 10) /* a larger buffer is given back once it is empty */

/*
 * Read without a control buffer: file descriptors a peer passes are then closed by the kernel and
 * never enter this process (unix(7), SCM_RIGHTS).
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

/* What was sent makes room for what comes; no more than SL_CLIENT_UNSENT are moved. */
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
		c->granted >= SL_RPC_WRITE
			? "a message has at most 16 MiB"
			: "a message has at most 256 KiB from a user who may only read",
		&len);

	if (answer != NULL)
		sl_text_add(&c->out, answer, len);
	free(answer);
	sl_frame_fini(&c->in);
	c->input_end = true;
}

/* The next message, if there is a whole one. */
static void begin_reply(struct sl_server_client *c, const struct sl_rpc *rpc)
{
	const char *msg;
	size_t len;

	switch (sl_frame_next(&c->in,
		c->granted >= SL_RPC_WRITE ? SL_MESSAGE_MAX : SL_MESSAGE_READ_MAX, &msg, &len)) {
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
	sl_reply_begin(&c->reply, rpc, msg, len, c->granted);
	c->replying = true;
}

static void answer_some(struct sl_server_client *c, const struct sl_rpc *rpc, uint64_t end_ns)
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
		if (!c->replying)
			begin_reply(c, rpc);
		if (!c->replying)
			return;
		c->replying = sl_reply_more(&c->reply, &c->out, &turn);
		if (!c->replying)
			sl_reply_end(&c->reply);
		c->dead = c->dead || c->out.failed;
	}
}

bool sl_server_client_is_due(const struct sl_server_client *c)
{
	return c->ready != 0 || (c->backlog && sl_server_client_unsent(c) < SL_CLIENT_UNSENT);
}

void sl_server_client_serve(struct sl_server_client *c, const struct sl_rpc *rpc, uint64_t end_ns)
{
	bool readable = (c->ready & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0;

	c->ready = 0;
	c->served = true;
	/* What is unsent is of an earlier poll: settled. */
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
		answer_some(c, rpc, end_ns);
}

void sl_server_client_flush(struct sl_server_client *c, bool settled)
{
	c->served = false;
	/* Who waits for an answer that cannot be given finds out that way: what became of its calls
	 * is not known. */
	if (!settled && sl_server_client_unsent(c) > 0)
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
	/* Nothing is read while something waits here: what a client may have waiting stays bounded.
	 */
	return (c->input_end || c->backlog ? 0u : (uint32_t)EPOLLIN) |
	       (sl_server_client_unsent(c) > 0 ? (uint32_t)EPOLLOUT : 0u);
}

void sl_server_client_fini(struct sl_server_client *c)
{
	close(c->fd);
	if (c->replying)
		sl_reply_end(&c->reply);
	sl_frame_fini(&c->in);
	sl_text_fini(&c->out);
}
