/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The client library on a socket whose other end the test holds. The test sends answers before the
 * calls.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "sluice/client.h"

static char dir[64], path[80];
static int listener, daemon_end;
static struct sl_client *client;

static int setup(void **state)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};

	(void)state;
	strcpy(dir, "/tmp/sl-client-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/s.sock", dir);
	strcpy(sun.sun_path, path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(listener, 4), 0);
	client = sl_client_connect(path);
	assert_non_null(client);
	daemon_end = accept(listener, NULL, NULL);
	return daemon_end < 0;
}

static int teardown(void **state)
{
	(void)state;
	sl_client_close(client);
	close(daemon_end);
	close(listener);
	unlink(path);
	return rmdir(dir);
}

static void daemon_says(const char *text)
{
	assert_int_equal(send(daemon_end, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void daemon_heard(const char *expected)
{
	char buf[512];
	ssize_t n = recv(daemon_end, buf, sizeof(buf) - 1, 0);

	assert_true(n >= 0);
	buf[n] = '\0';
	assert_string_equal(buf, expected);
}

static void expect_call(const char *method, const char *params, const char *expected)
{
	char *line = sl_client_call(client, method, params);

	assert_string_equal(line != NULL ? line : strerror(errno), expected);
	free(line);
}

static void a_call_sends_one_line_and_returns_one(void **state)
{
	(void)state;
	daemon_says("{\"a\":1}\n{\"b\":2}\n");
	expect_call("x.y", NULL, "{\"a\":1}");
	daemon_heard("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x.y\"}\n");
	expect_call("x.y", "{\"n\":1}", "{\"b\":2}");
	daemon_heard("{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"x.y\",\"params\":{\"n\":1}}\n");
}

static void the_method_is_quoted_as_json_needs(void **state)
{
	(void)state;
	daemon_says("1\n");
	expect_call("a\"\\\n\x01z", NULL, "1");
	daemon_heard("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\\\"\\\\\\u000a\\u0001z\"}\n");
}

static void a_raw_line_gets_its_line_break(void **state)
{
	char *line;

	(void)state;
	daemon_says("x\ny\n");
	line = sl_client_exchange(client, "abc", 3);
	assert_string_equal(line, "x");
	free(line);
	line = sl_client_exchange(client, "def\n", 4);
	assert_string_equal(line, "y");
	free(line);
	daemon_heard("abc\ndef\n");
}

static void a_closed_connection_is_told(void **state)
{
	(void)state;
	shutdown(daemon_end, SHUT_RDWR);
	assert_null(sl_client_call(client, "x", NULL));
	assert_int_equal(errno, EPIPE);
	assert_null(sl_client_call(client, "x", NULL));
	assert_int_equal(errno, EPIPE);
}

static void the_last_words_of_a_daemon_are_heard(void **state)
{
	(void)state;
	daemon_says("{\"error\":{}}\n");
	shutdown(daemon_end, SHUT_RDWR);
	expect_call("x", NULL, "{\"error\":{}}");
	assert_null(sl_client_call(client, "x", NULL));
	assert_int_equal(errno, EPIPE);
}

static void half_a_line_is_no_answer(void **state)
{
	(void)state;
	daemon_says("{\"a\":");
	shutdown(daemon_end, SHUT_WR);
	assert_null(sl_client_call(client, "x", NULL));
	assert_int_equal(errno, EPIPE);
}

static void a_silent_daemon_is_left_after_the_timeout(void **state)
{
	(void)state;
	sl_client_set_timeout(client, 1);
	assert_null(sl_client_call(client, "x", NULL));
	assert_int_equal(errno, ETIMEDOUT);
	/* the answer could still come, and would be taken for the next call's */
	assert_null(sl_client_call(client, "x", NULL));
	assert_int_equal(errno, EPIPE);
}

static void without_a_daemon_there_is_no_connection(void **state)
{
	char longer[200];

	(void)state;
	assert_null(sl_client_connect("/nonexistent/s.sock"));
	assert_int_equal(errno, ENOENT);
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	assert_null(sl_client_connect(longer));
	assert_int_equal(errno, ENAMETOOLONG);
	close(listener);
	listener = -1;
	assert_null(sl_client_connect(path));
	assert_int_equal(errno, ECONNREFUSED);
	sl_client_close(NULL);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_call_sends_one_line_and_returns_one),
		T(the_method_is_quoted_as_json_needs),
		T(a_raw_line_gets_its_line_break),
		T(a_closed_connection_is_told),
		T(the_last_words_of_a_daemon_are_heard),
		T(half_a_line_is_no_answer),
		T(a_silent_daemon_is_left_after_the_timeout),
		T(without_a_daemon_there_is_no_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
