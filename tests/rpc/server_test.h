/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared by the tests of the server: one server on its own socket, its clients, and what they send
 * and expect. Nothing waits: run() polls while there is work. Threads: one. Ownership: static; one
 * server at a time.
 */
#ifndef SL_TESTS_SERVER_TEST_H
#define SL_TESTS_SERVER_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "ctrl/rpc/server.h"
#include "tests/rpc/fake_rpc.h"

#define COUNT "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"test.count\"}"

static char dir[64], path[80];
static struct sl_server *server;

static inline int setup(void **state)
{
	struct sl_err e = {0};

	(void)state;
	fake_reset();
	strcpy(dir, "/tmp/sl-server-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0755), 0);
	snprintf(path, sizeof(path), "%s/s.sock", dir);
	server = sl_server_create(path, &fake_rpc, &e);
	if (server == NULL)
		fail_msg("%s", e.message);
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	sl_server_destroy(server);
	server = NULL;
	fake_reset();
	unlink(path);
	return rmdir(dir);
}

static inline bool server_has_work(void)
{
	struct pollfd p = {.fd = sl_server_fd(server), .events = POLLIN};

	return poll(&p, 1, 0) > 0;
}

static inline void run(void)
{
	while (server_has_work())
		sl_server_poll(server);
}

static inline int try_connect(void)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	strcpy(sun.sun_path, path);
	assert_true(fd >= 0);
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	close(fd);
	return -1;
}

static inline int connected(void)
{
	int fd = try_connect();

	assert_true(fd >= 0);
	run();
	return fd;
}

static inline void push(int fd, const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		ssize_t n = send(fd, text + at, len - at, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return;
		at += n > 0 ? (size_t)n : 0;
		run();
	}
}

/* Read all that is there now; *end: the server has closed the connection. */
static inline char *pull(int fd, bool *end)
{
	size_t len = 0, room = 1 << 16;
	char *all = malloc(room);
	ssize_t n;

	for (;;) {
		run();
		if (room - len < 65536)
			all = realloc(all, room *= 2);
		n = recv(fd, all + len, room - len - 1, 0);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	*end = n == 0 || errno != EAGAIN;
	all[len] = '\0';
	return all;
}

static inline void expect(int fd, const char *expected, bool closed)
{
	bool end;
	char *all = pull(fd, &end);

	assert_string_equal(all, expected);
	assert_int_equal(end, closed);
	free(all);
}

/* The reply to the n-th COUNT. */
static inline const char *counted(unsigned int n)
{
	static char line[64];

	snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":%u}\n", n);
	return line;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* What comes has this part, and then the end. */
static inline void expect_refusal(int fd, const char *part)
{
	bool end;
	char *all = pull(fd, &end);

	if (strstr(all, part) == NULL)
		fail_msg("expected \"%s\" in \"%s\"", part, all);
	assert_true(end);
	free(all);
}

/* An echo request of exactly n bytes. */
static inline char *padded(size_t n)
{
	static const char head[] =
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"test.count\",\"params\":{}";
	char *text = malloc(n);

	memset(text, ' ', n);
	memcpy(text, head, sizeof(head) - 1);
	text[n - 1] = '}';
	return text;
}

#endif
