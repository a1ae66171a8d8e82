/* SPDX-License-Identifier: BSD-3-Clause */
/* One client: bytes in, answers out, each a bounded share at a time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "server_internal.h"

#define FLUSH_AT (64u << 10) /* pending bytes worth a system call before the next request */

static size_t pending(const struct sl_server_client *c)
{
	return c->out_len - c->out_start;
}

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
	while (pending(c) > 0 && !c->dead) {
		ssize_t n =
			send(c->fd, c->out + c->out_start, pending(c), MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0) {
			if (errno != EAGAIN && errno != EINTR)
				c->dead = true;
			return;
		}
		c->out_start += (size_t)n;
	}
	free(c->out);
	c->out = NULL;
	c->out_start = c->out_len = c->out_room = 0;
}

/* Takes answer. */
static void queue(struct sl_server_client *c, char *answer, size_t len)
{
	if (answer == NULL)
		return;
	if (pending(c) == 0) {
		free(c->out);
		c->out = answer;
		c->out_start = 0;
		c->out_len = c->out_room = len;
		return;
	}
	if (pending(c) + len > SL_OUTPUT_MAX) {
		c->dead = true; /* it does not read */
		goto out;
	}
	if (c->out_start > c->out_len / 2) {
		/* moves less than was sent since the last time: linear over all */
		memmove(c->out, c->out + c->out_start, pending(c));
		c->out_len -= c->out_start;
		c->out_start = 0;
	}
	if (c->out_len + len > c->out_room) {
		size_t room = 2 * c->out_room + len;
		char *p = realloc(c->out, room);

		if (p == NULL) {
			c->dead = true;
			goto out;
		}
		c->out = p;
		c->out_room = room;
	}
	memcpy(c->out + c->out_len, answer, len);
	c->out_len += len;
out:
	free(answer);
}

static void refuse_too_long(struct sl_server_client *c)
{
	size_t len;
	char *answer = sl_rpc_refuse(SL_ERR_LIMIT, "a message has at most 16 MiB", &len);

	queue(c, answer, len);
	sl_frame_fini(&c->in);
	c->input_end = true;
}

static void answer(
	struct sl_server_client *c, const struct sl_rpc *rpc, const char *msg, size_t len)
{
	size_t out_len;
	char *line = sl_rpc_answer(rpc, msg, len, c->granted, &out_len);

	queue(c, line, out_len);
	if (pending(c) < FLUSH_AT)
		return;
	if (rpc->settle == NULL || rpc->settle(rpc->ctrl) == 0)
		flush_out(c);
	else
		c->dead = true;
}

uint64_t sl_server_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* After so many requests since then: is it the next client's turn? */
static bool turn_is_over(unsigned int n, uint64_t since)
{
	return n >= SL_CLIENT_REQUESTS_A_POLL &&
	       (n >= SL_CLIENT_REQUESTS_MAX || sl_server_now_ns() - since > SL_CLIENT_TURN_NS);
}

static void answer_some(struct sl_server_client *c, const struct sl_rpc *rpc)
{
	uint64_t since = sl_server_now_ns();
	const char *msg;
	size_t len;

	c->backlog = false;
	for (unsigned int n = 0; !c->dead; n++) {
		if (turn_is_over(n, since)) {
			c->backlog = true;
			return;
		}
		switch (sl_frame_next(&c->in, SL_MESSAGE_MAX, &msg, &len)) {
		case SL_FRAME_MESSAGE:
			answer(c, rpc, msg, len);
			break;
		case SL_FRAME_TOO_LONG:
			refuse_too_long(c);
			return;
		case SL_FRAME_MORE:
			if (c->input_end && sl_frame_rest(&c->in, &msg, &len))
				answer(c, rpc, msg, len);
			return;
		}
	}
}

void sl_server_client_serve(struct sl_server_client *c, const struct sl_rpc *rpc)
{
	bool readable = (c->ready & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0;

	c->ready = 0;
	if (readable && !c->input_end && !c->backlog)
		receive(c);
	c->served = true;
	if (!c->dead)
		answer_some(c, rpc);
}

void sl_server_client_flush(struct sl_server_client *c, bool settled)
{
	c->served = false;
	/* Who waits for an answer that cannot be given finds out that way: what became of its calls
	 * is not known. */
	if (!settled && pending(c) > 0)
		c->dead = true;
	if (!c->dead)
		flush_out(c);
}

bool sl_server_client_is_done(const struct sl_server_client *c)
{
	return c->dead || (c->input_end && !c->backlog && pending(c) == 0);
}

uint32_t sl_server_client_events(const struct sl_server_client *c)
{
	/* With a backlog nothing is read: what a client may have waiting here stays bounded. */
	return (c->input_end || c->backlog ? 0u : (uint32_t)EPOLLIN) |
	       (pending(c) > 0 ? (uint32_t)EPOLLOUT : 0u);
}

void sl_server_client_fini(struct sl_server_client *c)
{
	close(c->fd);
	sl_frame_fini(&c->in);
	free(c->out);
}
