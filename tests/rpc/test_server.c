/* SPDX-License-Identifier: BSD-3-Clause */
/* The server over a real socket, driven from the same thread: no waiting, no clocks. */
#include <fcntl.h>
#include <sys/resource.h>

#include "server_test.h"

static void a_request_is_answered(void **state)
{
	int fd = connected();

	(void)state;
	push(fd, COUNT "\n", sizeof(COUNT));
	expect(fd, counted(1), false);
	close(fd);
}

static void a_request_may_come_byte_by_byte(void **state)
{
	int fd = connected();

	(void)state;
	for (size_t i = 0; i < sizeof(COUNT) - 2; i++) {
		push(fd, &COUNT[i], 1);
		expect(fd, "", false);
	}
	push(fd, "}", 1);
	expect(fd, counted(1), false);
	close(fd);
}

static void pretty_printed_and_crowded_texts_are_understood(void **state)
{
	static const char text[] =
		"{\n\t\"jsonrpc\": \"2.0\",\r\n\t\"id\": 1,\n\t\"method\": \"test.count\"\n}"
		"{\"jsonrpc\":\"2.0\",\"method\":\"test.count\"}" COUNT;
	int fd = connected();

	(void)state;
	push(fd, text, sizeof(text) - 1);
	expect(fd,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}\n{\"jsonrpc\":\"2.0\",\"id\":1,"
		"\"result\":3}\n",
		false);
	close(fd);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
	int fd = connected();
	char *all, *p;
	bool end;

	(void)state;
	for (int i = 0; i < 1000; i++)
		push(fd, COUNT, sizeof(COUNT) - 1);
	p = all = pull(fd, &end);
	for (unsigned int i = 1; i <= 1000; i++) {
		assert_memory_equal(p, counted(i), strlen(counted(i)));
		p += strlen(counted(i));
	}
	assert_string_equal(p, "");
	free(all);
	close(fd);
}

static void broken_text_is_answered_and_the_next_is_understood(void **state)
{
	int fd = connected();
	bool end;
	char *all;

	(void)state;
	push(fd, "nonsense\n{\"a\":}\n{\"x\n" COUNT "\n", 9 + 7 + 4 + sizeof(COUNT));
	all = pull(fd, &end);
	assert_false(end);
	assert_non_null(strstr(all, "1:1: an unknown word"));
	assert_non_null(strstr(all, "1:6: a value was expected"));
	assert_non_null(strstr(all, "the text ends inside a string"));
	assert_non_null(strstr(all, counted(1)));
	free(all);
	close(fd);
}

static void a_message_at_the_limit_is_answered(void **state)
{
	char *text = padded(SL_MESSAGE_MAX);
	int fd = connected();

	(void)state;
	push(fd, text, SL_MESSAGE_MAX);
	expect(fd, counted(1), false);
	free(text);
	close(fd);
}

static void a_message_beyond_the_limit_ends_the_connection(void **state)
{
	char *text = padded(SL_MESSAGE_MAX + 1);
	int fd = connected();

	(void)state;
	push(fd, text, SL_MESSAGE_MAX + 1);
	expect_refusal(fd, "a message has at most 16 MiB");
	assert_int_equal(fake_calls, 0);
	free(text);
	close(fd);
}

static void text_without_an_end_ends_the_connection(void **state)
{
	char chunk[65536];
	int fd = connected();

	(void)state;
	memset(chunk, 'x', sizeof(chunk));
	for (size_t n = 0; n <= SL_MESSAGE_MAX; n += sizeof(chunk))
		push(fd, chunk, sizeof(chunk));
	expect_refusal(fd, "a message has at most 16 MiB");
	close(fd);
}

static void the_client_beyond_the_limit_is_told_and_closed(void **state)
{
	int fd[SL_SERVER_CLIENTS_MAX], extra;

	(void)state;
	for (int i = 0; i < SL_SERVER_CLIENTS_MAX; i++)
		fd[i] = connected();
	extra = connected();
	expect_refusal(extra, "64 clients are connected");
	close(extra);
	close(fd[10]);
	run();
	fd[10] = connected();
	push(fd[10], COUNT, sizeof(COUNT) - 1);
	expect(fd[10], counted(1), false);
	for (int i = 0; i < SL_SERVER_CLIENTS_MAX; i++)
		close(fd[i]);
}

static void after_a_half_close_pending_answers_still_come(void **state)
{
	int fd = connected();

	(void)state;
	assert_int_equal(
		send(fd, COUNT COUNT, 2 * sizeof(COUNT) - 2, 0), 2 * (ssize_t)sizeof(COUNT) - 2);
	shutdown(fd, SHUT_WR);
	expect(fd,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}\n{\"jsonrpc\":\"2.0\",\"id\":1,"
		"\"result\":2}\n",
		true);
	assert_false(server_has_work());
	close(fd);
}

static void a_large_answer_survives_a_half_close(void **state)
{
	static const char text[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"test.large\","
				   "\"params\":{\"n\":5000000}}";
	int fd = connected();
	bool end;
	char *all;

	(void)state;
	push(fd, text, sizeof(text) - 1);
	shutdown(fd, SHUT_WR);
	all = pull(fd, &end);
	assert_true(end);
	assert_true(strlen(all) > 5000000);
	free(all);
	close(fd);
}

static void an_unfinished_text_before_a_half_close_is_a_parse_error(void **state)
{
	int fd = connected();

	(void)state;
	push(fd, "{\"jsonrpc\":", 11);
	shutdown(fd, SHUT_WR);
	expect_refusal(fd, "1:12: the text ends where a value was expected");
	close(fd);
}

static void a_client_that_vanishes_leaves_its_requests_done(void **state)
{
	int fd = connected();

	(void)state;
	assert_int_equal(send(fd, COUNT, sizeof(COUNT) - 1, 0), (ssize_t)sizeof(COUNT) - 1);
	close(fd);
	run();
	assert_int_equal(fake_calls, 1);
	assert_false(server_has_work());
}

static void send_descriptor(int fd, int passed)
{
	char control[CMSG_SPACE(sizeof(int))] = {0}, byte = ' ';
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr m = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &passed, sizeof(int));
	assert_int_equal(sendmsg(fd, &m, 0), 1);
}

static void passed_descriptors_are_closed(void **state)
{
	int fd = connected(), ends[2];
	char byte;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	send_descriptor(fd, ends[1]);
	close(ends[1]);
	run();
	/* end of file: no process has the writing end any more */
	assert_int_equal(read(ends[0], &byte, 1), 0);
	push(fd, COUNT, sizeof(COUNT) - 1);
	expect(fd, counted(1), false);
	close(ends[0]);
	close(fd);
}

static void without_descriptors_a_client_is_turned_away(void **state)
{
	struct rlimit before, none;
	int fd, probe;

	(void)state;
	fd = try_connect();
	probe = dup(fd);
	close(probe);
	getrlimit(RLIMIT_NOFILE, &before);
	none = before;
	none.rlim_cur = (rlim_t)probe;
	setrlimit(RLIMIT_NOFILE, &none);
	sl_server_poll(server);
	setrlimit(RLIMIT_NOFILE, &before);
	expect_refusal(fd, "no file descriptors left");
	assert_false(server_has_work());
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_request_is_answered),
		T(a_request_may_come_byte_by_byte),
		T(pretty_printed_and_crowded_texts_are_understood),
		T(pipelined_requests_are_answered_in_order),
		T(broken_text_is_answered_and_the_next_is_understood),
		T(a_message_at_the_limit_is_answered),
		T(a_message_beyond_the_limit_ends_the_connection),
		T(text_without_an_end_ends_the_connection),
		T(the_client_beyond_the_limit_is_told_and_closed),
		T(after_a_half_close_pending_answers_still_come),
		T(a_large_answer_survives_a_half_close),
		T(an_unfinished_text_before_a_half_close_is_a_parse_error),
		T(a_client_that_vanishes_leaves_its_requests_done),
		T(passed_descriptors_are_closed),
		T(without_descriptors_a_client_is_turned_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
