/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dp/device/socket_file.h"
#include "server_internal.h"
#include "sluice/clock.h"

#define ACCEPTS_A_POLL 64u
#define EVENTS_MAX     (SL_SERVER_CLIENTS_MAX + 2)

struct sl_server {
	const struct sl_rpc *rpc;
	int epoll_fd, listen_fd;
	int wake_fd;  /* readable while a client is due, which epoll cannot know */
	int spare_fd; /* closed for a moment when descriptors run out, to refuse a client */
	bool awake;
	unsigned int first; /* the client that is first in the next poll */
	struct sl_server_client *clients[SL_SERVER_CLIENTS_MAX];
	struct stat file; /* the file that the server made */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

static int watch(const struct sl_server *s, int op, int fd, uint32_t events, void *ptr)
{
	struct epoll_event ev = {.events = events, .data.ptr = ptr};

	return epoll_ctl(s->epoll_fd, op, fd, &ev);
}

struct sl_server *sl_server_create(const char *path, const struct sl_rpc *rpc, struct sl_err *e)
{
	struct sl_server *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		sl_err_set(e, SL_ERR_INTERNAL, NULL, "out of memory");
		return NULL;
	}
	s->rpc = rpc;
	s->listen_fd = -1;
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (s->epoll_fd < 0 || s->wake_fd < 0 || s->spare_fd < 0 ||
		watch(s, EPOLL_CTL_ADD, s->wake_fd, EPOLLIN, &s->wake_fd) != 0) {
		sl_err_set(e, SL_ERR_INTERNAL, NULL, "the RPC server: %s", strerror(errno));
		goto destroy;
	}
	s->listen_fd = sl_server_listen(path, &s->file, e);
	if (s->listen_fd < 0)
		goto destroy;
	memcpy(s->path, path, strlen(path) + 1); /* it fits, because the server listens there */
	sl_socket_own(SL_SOCKET_OF_CONTROL, s->path, &s->file);
	if (watch(s, EPOLL_CTL_ADD, s->listen_fd, EPOLLIN, &s->listen_fd) != 0) {
		sl_err_set(e, SL_ERR_INTERNAL, NULL, "the RPC server: %s", strerror(errno));
		goto destroy;
	}
	return s;
destroy:
	sl_server_destroy(s);
	return NULL;
}

int sl_server_fd(const struct sl_server *s)
{
	return s->epoll_fd;
}

static void set_awake(struct sl_server *s, bool awake)
{
	uint64_t n = 1;
	ssize_t ret;

	if (awake == s->awake)
		return;
	ret = awake ? write(s->wake_fd, &n, sizeof(n)) : read(s->wake_fd, &n, sizeof(n));
	if (ret == sizeof(n))
		s->awake = awake;
}

/* A session has something to push, or one of its calls can continue. */
static void wake_for(struct sl_session *session)
{
	set_awake(((struct sl_server_client *)session)->server, true);
}

static void turn_away(int fd, const char *why)
{
	size_t len;
	char *line = sl_rpc_refuse(SL_ERR_LIMIT, why, &len);

	/*
	 * One line fits into an empty socket buffer. A client that does not get it sees that the
	 * connection is closed.
	 */
	if (line != NULL && send(fd, line, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		errno = 0;
	free(line);
	close(fd);
}

static void add_client(struct sl_server *s, int fd)
{
	enum sl_rpc_right granted;
	struct sl_server_client *c;
	struct ucred peer;
	size_t slot = 0;

	while (slot < SL_SERVER_CLIENTS_MAX && s->clients[slot] != NULL)
		slot++;
	if (slot == SL_SERVER_CLIENTS_MAX) {
		turn_away(fd, "64 clients are connected, no more are served");
		return;
	}
	c = calloc(1, sizeof(*c));
	if (c == NULL || watch(s, EPOLL_CTL_ADD, fd, EPOLLIN, c) != 0) {
		turn_away(fd, "out of memory for another client");
		free(c);
		return;
	}
	c->fd = fd;
	c->events = EPOLLIN;
	granted = sl_server_peer(fd, s->path, &s->file, &peer);
	sl_session_init(&c->session, s->rpc, &peer, granted);
	c->session.wake = wake_for;
	c->server = s;
	s->clients[slot] = c;
}

/* Without a free descriptor the listening socket would stay readable for ever. */
static void accept_without_descriptors(struct sl_server *s)
{
	int fd;

	close(s->spare_fd);
	fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0)
		turn_away(fd, "the daemon has no file descriptors left");
	s->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void accept_some(struct sl_server *s)
{
	for (unsigned int i = 0; i < ACCEPTS_A_POLL; i++) {
		int fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0)
			add_client(s, fd);
		else if ((errno == EMFILE || errno == ENFILE) && s->spare_fd >= 0)
			accept_without_descriptors(s);
		else if (errno != ECONNABORTED && errno != EINTR)
			return;
	}
}

static void remove_client(struct sl_server *s, size_t slot)
{
	sl_server_client_fini(s->clients[slot]);
	free(s->clients[slot]);
	s->clients[slot] = NULL;
}

static void flush_client(struct sl_server *s, size_t slot, bool durable)
{
	struct sl_server_client *c = s->clients[slot];
	uint32_t events;

	sl_server_client_flush(c, durable);
	if (sl_server_client_is_done(c)) {
		remove_client(s, slot);
		return;
	}
	events = sl_server_client_events(c);
	if (events != c->events && watch(s, EPOLL_CTL_MOD, c->fd, events, c) != 0) {
		remove_client(s, slot);
		return;
	}
	c->events = events;
}

/* True when a client is due for a turn and epoll does not know it. */
static bool flush_clients(struct sl_server *s)
{
	bool durable = s->rpc->make_durable == NULL || s->rpc->make_durable(s->rpc->ctrl) == 0;
	bool due = false;

	for (size_t slot = 0; slot < SL_SERVER_CLIENTS_MAX; slot++) {
		if (s->clients[slot] != NULL && s->clients[slot]->served)
			flush_client(s, slot, durable);
		due = due ||
		      (s->clients[slot] != NULL && sl_server_client_is_due(s->clients[slot]));
	}
	return due;
}

/*
 * Bounds the unread answers of all clients together. Of the clients with more than an even share,
 * it closes the one that has read nothing for longest. It does not close a client that reads.
 */
static void bound_output(struct sl_server *s)
{
	size_t sum = 0, victim = 0;

	for (size_t slot = 0; slot < SL_SERVER_CLIENTS_MAX; slot++)
		if (s->clients[slot] != NULL)
			sum += sl_server_client_unsent(s->clients[slot]);
	while (sum > SL_OUTPUT_MAX) {
		uint64_t oldest = UINT64_MAX;

		for (size_t slot = 0; slot < SL_SERVER_CLIENTS_MAX; slot++) {
			const struct sl_server_client *c = s->clients[slot];

			if (c != NULL &&
				sl_server_client_unsent(c) >
					SL_OUTPUT_MAX / SL_SERVER_CLIENTS_MAX &&
				c->sent_ns < oldest) {
				oldest = c->sent_ns;
				victim = slot;
			}
		}
		sum -= sl_server_client_unsent(s->clients[victim]);
		remove_client(s, victim);
	}
}

/*
 * Serves the clients that are due, until the poll's time is over. The requests of the other clients
 * stay in their sockets, and these clients are first in the next poll.
 */
static void serve_clients(struct sl_server *s)
{
	uint64_t end_ns = sl_now_ns() + SL_POLL_NS;
	unsigned int first = s->first;

	s->first = (first + 1) % SL_SERVER_CLIENTS_MAX;
	for (unsigned int i = 0; i < SL_SERVER_CLIENTS_MAX; i++) {
		unsigned int slot = (first + i) % SL_SERVER_CLIENTS_MAX;
		struct sl_server_client *c = s->clients[slot];

		if (c == NULL || !sl_server_client_is_due(c))
			continue;
		if (sl_now_ns() > end_ns) {
			s->first = slot;
			return;
		}
		sl_server_client_serve(c, end_ns);
	}
}

void sl_server_poll(struct sl_server *s)
{
	struct epoll_event events[EVENTS_MAX];
	int n = epoll_wait(s->epoll_fd, events, EVENTS_MAX, 0);
	bool due, accepting = false;

	for (int i = 0; i < n; i++) {
		void *ptr = events[i].data.ptr;

		if (ptr == &s->listen_fd)
			accepting = true;
		else if (ptr != &s->wake_fd)
			((struct sl_server_client *)ptr)->ready = events[i].events;
	}
	serve_clients(s);
	due = flush_clients(s);
	bound_output(s);
	/* After the clients: connections that wait can get places that became free. */
	if (accepting)
		accept_some(s);
	set_awake(s, due);
}

void sl_server_destroy(struct sl_server *s)
{
	struct stat st;

	if (s == NULL)
		return;
	for (size_t slot = 0; slot < SL_SERVER_CLIENTS_MAX; slot++)
		if (s->clients[slot] != NULL)
			remove_client(s, slot);
	sl_socket_disown(SL_SOCKET_OF_CONTROL);
	/* Removes only the file that it made: another daemon may use the path by now. */
	if (s->listen_fd >= 0 && lstat(s->path, &st) == 0 && st.st_dev == s->file.st_dev &&
		st.st_ino == s->file.st_ino)
		unlink(s->path);
	if (s->listen_fd >= 0)
		close(s->listen_fd);
	if (s->spare_fd >= 0)
		close(s->spare_fd);
	if (s->wake_fd >= 0)
		close(s->wake_fd);
	if (s->epoll_fd >= 0)
		close(s->epoll_fd);
	free(s);
}
