/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "sluice/client.h"
#include "sluice/clock.h"

#define TIMEOUT_DEFAULT 30
#define ANSWER_MAX	(1u << 30) /* a configuration of a million objects is smaller */
#define CHUNK		65536u

struct sl_client {
	int fd; /* -1: broken; answers would no longer match requests */
	unsigned int timeout_s;
	unsigned long last_id;
	char *in;
	size_t len, room;
};

struct sl_client *sl_client_connect(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct timeval patience = {.tv_sec = TIMEOUT_DEFAULT};
	struct sl_client *c;
	int err;

	if (path == NULL)
		path = SL_SOCKET_DEFAULT;
	if (strlen(path) >= sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	memcpy(sun.sun_path, path, strlen(path));
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return NULL;
	c->timeout_s = TIMEOUT_DEFAULT;
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/*
	 * connect blocks only while the daemon's queue of new connections is full, and at most this
	 * long
	 */
	if (c->fd < 0 ||
		setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) != 0 ||
		connect(c->fd, (struct sockaddr *)&sun, sizeof(sun)) != 0 ||
		fcntl(c->fd, F_SETFL, O_NONBLOCK) != 0) {
		err = errno;
		sl_client_close(c);
		errno = err;
		return NULL;
	}
	return c;
}

static void disconnect(struct sl_client *c)
{
	int err = errno;

	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	errno = err;
}

void sl_client_close(struct sl_client *c)
{
	if (c == NULL)
		return;
	disconnect(c);
	free(c->in);
	free(c);
}

void sl_client_set_timeout(struct sl_client *c, unsigned int seconds)
{
	c->timeout_s = seconds;
}

static long long now_ms(void)
{
	return (long long)(sl_now_ns() / SL_NS_PER_MS);
}

/* Waits until the socket is ready; false with errno ETIMEDOUT. deadline 0: none. */
static bool wait_for(const struct sl_client *c, short events, long long deadline)
{
	struct pollfd p = {.fd = c->fd, .events = events};
	int n;

	do {
		long long left = deadline != 0 ? deadline - now_ms() : -1;

		if (deadline != 0 && left <= 0)
			break;
		n = poll(&p, 1, (int)left);
		if (n > 0)
			return true;
	} while (n == 0 || errno == EINTR);
	errno = ETIMEDOUT;
	return false;
}

static bool send_all(struct sl_client *c, const char *text, size_t len, long long deadline)
{
	while (len > 0) {
		ssize_t n = send(c->fd, text, len, MSG_NOSIGNAL);

		if (n < 0) {
			if (errno != EAGAIN && errno != EINTR)
				return false;
			if (!wait_for(c, POLLOUT, deadline))
				return false;
			continue;
		}
		text += n;
		len -= (size_t)n;
	}
	return true;
}

static bool make_room(struct sl_client *c)
{
	char *p;

	if (c->room - c->len >= CHUNK)
		return true;
	if (c->len > ANSWER_MAX) {
		errno = EMSGSIZE;
		return false;
	}
	p = realloc(c->in, 2 * c->room + CHUNK);
	if (p == NULL)
		return false;
	c->in = p;
	c->room = 2 * c->room + CHUNK;
	return true;
}

/* Takes the first n bytes of the input, without their newline, as a new string. */
static char *take_line(struct sl_client *c, size_t n)
{
	char *line = strndup(c->in, n);

	c->len -= n + 1;
	memmove(c->in, c->in + n + 1, c->len);
	return line;
}

static char *read_line(struct sl_client *c, long long deadline)
{
	size_t seen = 0;

	for (;;) {
		char *newline = c->len > seen ? memchr(c->in + seen, '\n', c->len - seen) : NULL;
		ssize_t n;

		if (newline != NULL)
			return take_line(c, (size_t)(newline - c->in));
		seen = c->len;
		if (!make_room(c))
			return NULL;
		n = recv(c->fd, c->in + c->len, c->room - c->len, 0);
		if (n > 0) {
			c->len += (size_t)n;
		} else if (n == 0 || errno == ECONNRESET) {
			errno = EPIPE;
			return NULL;
		} else if (errno != EINTR && (errno != EAGAIN || !wait_for(c, POLLIN, deadline))) {
			return NULL;
		}
	}
}

char *sl_client_exchange(struct sl_client *c, const char *text, size_t len)
{
	long long deadline = c->timeout_s != 0 ? now_ms() + c->timeout_s * 1000ll : 0;
	bool sent;
	char *line;

	if (c->fd < 0) {
		errno = EPIPE;
		return NULL;
	}
	sent = send_all(c, text, len, deadline) &&
	       (len == 0 || text[len - 1] == '\n' || send_all(c, "\n", 1, deadline));
	/* A daemon that closes the connection has often sent the reason before. */
	if (!sent && errno != EPIPE) {
		disconnect(c);
		return NULL;
	}
	line = read_line(c, deadline);
	if (line == NULL || !sent)
		disconnect(c);
	return line;
}

/* Writes s as a JSON string at p; at most 6 bytes for each byte, and the quotes. */
static char *put_string(char *p, const char *s)
{
	*p++ = '"';
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s < 0x20)
			p += snprintf(p, sizeof("\\u0000"), "\\u%04x", (unsigned char)*s);
		else if (*s == '"' || *s == '\\')
			p += snprintf(p, sizeof("\\x"), "\\%c", *s);
		else
			*p++ = *s;
	}
	*p++ = '"';
	return p;
}

char *sl_client_call(struct sl_client *c, const char *method, const char *params)
{
	static const char head[] = "{\"jsonrpc\":\"2.0\",\"id\":";
	size_t room =
		sizeof(head) + 6 * strlen(method) + (params != NULL ? strlen(params) : 0) + 96;
	char *text = malloc(room), *p = text, *answer;

	if (text == NULL)
		return NULL;
	p += snprintf(p, room, "%s%lu,\"method\":", head, ++c->last_id);
	p = put_string(p, method);
	if (params != NULL)
		p += snprintf(p, room - (size_t)(p - text), ",\"params\":%s", params);
	*p++ = '}';
	answer = sl_client_exchange(c, text, (size_t)(p - text));
	free(text);
	return answer;
}
