/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Requests and answers of one byte over the kernel's TCP, for the benchmark of workloads.
 *
 *	exchange serve PORT PORTS		answers each byte with one, until it is killed
 *	exchange ask ADDRESS PORT PORTS same|new AT-ONCE SECONDS
 *		AT-ONCE connections that ask again and again (same), or close and open anew after each
 *		answer (new), spread over PORTS ports; prints, as JSON, what was done and the median time
 *
 * Threads: one.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	EVENTS = 256,
	MOST_PORTS = 64,
	MOST_AT_ONCE = 1024,
	BACKLOG = 4096,
	WAIT_MS = 100,
	SLOTS_A_US = 4, /* of the histogram */
	SLOTS = 1 << 20,
};

/* A connection of the asking side. */
struct asker {
	int fd;
	bool connected;
	uint64_t begun_ns;
};

struct run {
	int poll;
	struct sockaddr_in to;
	uint16_t first_port, n_ports;
	uint32_t opened; /* all connections so far; the next one's port follows from it */
	bool anew;
	uint64_t done, failed;
	uint32_t *histogram; /* of SLOTS */
};

static void die(const char *what)
{
	fprintf(stderr, "exchange: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static long number(const char *text, long least, long most)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*end != '\0' || end == text || value < least || value > most) {
		fprintf(stderr, "exchange: %s is not a number from %ld to %ld\n", text, least,
			most);
		exit(2);
	}
	return value;
}

static void watch(int poll, int fd, uint32_t events, uint32_t key)
{
	struct epoll_event e = {.events = events, .data.u32 = key};

	if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e) != 0) {
		die("epoll_ctl");
	}
}

static void at_once(int fd)
{
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static int listen_on(uint16_t port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
		bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, BACKLOG) != 0) {
		die("listen");
	}
	return fd;
}

static void accept_all(int poll, int listener)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		at_once(fd);
		watch(poll, fd, EPOLLIN, (uint32_t)fd);
	}
}

/* Each byte is one request. A connection that ended is closed after the asker's end. */
static void answer(int fd)
{
	char bytes[64];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	if (n < 0 && errno == EAGAIN) {
		return;
	}
	if (n <= 0 || send(fd, bytes, (size_t)n, MSG_NOSIGNAL) != n) {
		close(fd);
	}
}

static _Noreturn void serve(uint16_t port, uint16_t n_ports)
{
	struct epoll_event events[EVENTS];
	int poll = epoll_create1(EPOLL_CLOEXEC), first = -1, last = -1;

	for (uint16_t i = 0; i < n_ports; i++) {
		last = listen_on((uint16_t)(port + i));
		first = first < 0 ? last : first;
		watch(poll, last, EPOLLIN, (uint32_t)last);
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(poll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			int fd = (int)events[i].data.u32;

			if (fd >= first && fd <= last) {
				accept_all(poll, fd);
			} else {
				answer(fd);
			}
		}
	}
}

/* The clock of a new connection begins before it is asked for. */
static void open_one(struct run *r, struct asker *a, uint32_t key)
{
	a->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (a->fd < 0) {
		die("socket");
	}
	at_once(a->fd);
	a->connected = false;
	a->begun_ns = now_ns();
	r->to.sin_port = htons((uint16_t)(r->first_port + r->opened++ % r->n_ports));
	if (connect(a->fd, (struct sockaddr *)&r->to, sizeof(r->to)) != 0 && errno != EINPROGRESS) {
		die("connect");
	}
	watch(r->poll, a->fd, EPOLLOUT, key);
}

static void close_one(struct run *r, struct asker *a, uint32_t key)
{
	close(a->fd);
	open_one(r, a, key);
}

static void ask(struct run *r, struct asker *a, uint32_t key)
{
	if (send(a->fd, "?", 1, MSG_NOSIGNAL) != 1) {
		r->failed++;
		close_one(r, a, key);
	}
}

static void connected(struct run *r, struct asker *a, uint32_t key)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u32 = key};
	int error = 0;
	socklen_t len = sizeof(error);

	getsockopt(a->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	if (error != 0) {
		r->failed++;
		close_one(r, a, key);
		return;
	}
	a->connected = true;
	epoll_ctl(r->poll, EPOLL_CTL_MOD, a->fd, &e);
	if (!r->anew) {
		a->begun_ns = now_ns();
	}
	ask(r, a, key);
}

static void answered(struct run *r, struct asker *a, uint32_t key)
{
	char byte;
	uint64_t slot;

	if (read(a->fd, &byte, 1) != 1) {
		r->failed++;
		close_one(r, a, key);
		return;
	}
	slot = (now_ns() - a->begun_ns) * SLOTS_A_US / 1000;
	r->histogram[slot < SLOTS ? slot : SLOTS - 1]++;
	r->done++;
	if (r->anew) {
		close_one(r, a, key);
		return;
	}
	a->begun_ns = now_ns();
	ask(r, a, key);
}

static double median_us(const struct run *r)
{
	uint64_t seen = 0;

	for (uint32_t i = 0; i < SLOTS; i++) {
		seen += r->histogram[i];
		if (2 * seen >= r->done && seen > 0) {
			return (i + 0.5) / SLOTS_A_US;
		}
	}
	return 0;
}

static int ask_all(struct run *r, uint32_t n, double seconds)
{
	static struct asker askers[MOST_AT_ONCE];
	struct epoll_event events[EVENTS];
	uint64_t begun = now_ns(), end = begun + (uint64_t)(seconds * 1e9), now;

	r->poll = epoll_create1(EPOLL_CLOEXEC);
	r->histogram = calloc(SLOTS, sizeof(*r->histogram));
	if (r->poll < 0 || r->histogram == NULL) {
		die("no memory");
	}
	for (uint32_t i = 0; i < n; i++) {
		open_one(r, &askers[i], i);
	}
	while ((now = now_ns()) < end) {
		int ready = epoll_wait(r->poll, events, EVENTS, WAIT_MS);

		for (int i = 0; i < ready; i++) {
			uint32_t key = events[i].data.u32;

			if (askers[key].connected) {
				answered(r, &askers[key], key);
			} else {
				connected(r, &askers[key], key);
			}
		}
	}
	printf("{\"done\": %llu, \"failed\": %llu, \"seconds\": %.6f, \"median_us\": %.2f}\n",
		(unsigned long long)r->done, (unsigned long long)r->failed,
		(double)(now - begun) / 1e9, median_us(r));
	free(r->histogram);
	return 0;
}

int main(int argc, char **argv)
{
	struct run r = {.to.sin_family = AF_INET};

	if (argc == 4 && strcmp(argv[1], "serve") == 0) {
		serve((uint16_t)number(argv[2], 1, 65000),
			(uint16_t)number(argv[3], 1, MOST_PORTS));
	}
	if (argc != 8 || strcmp(argv[1], "ask") != 0 ||
		inet_pton(AF_INET, argv[2], &r.to.sin_addr) != 1) {
		fputs("usage: exchange serve PORT PORTS\n"
		      "       exchange ask ADDRESS PORT PORTS same|new AT-ONCE SECONDS\n",
			stderr);
		return 2;
	}
	r.first_port = (uint16_t)number(argv[3], 1, 65000);
	r.n_ports = (uint16_t)number(argv[4], 1, MOST_PORTS);
	r.anew = strcmp(argv[5], "new") == 0;
	return ask_all(&r, (uint32_t)number(argv[6], 1, MOST_AT_ONCE), strtod(argv[7], NULL));
}
