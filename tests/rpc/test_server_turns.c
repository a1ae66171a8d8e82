/* SPDX-License-Identifier: BSD-3-Clause */
/* The server's turns: a client's part of a poll among others, and the effect of a failed disk. */
#include "server_test.h"

static void one_client_gets_a_bounded_share_of_a_poll(void **state)
{
	int greedy = connected(), modest = connected();
	const int n = 2000; /* more than a turn has room for, however fast */
	static char many[2000 * (sizeof(COUNT) - 1)];

	(void)state;
	for (int i = 0; i < n; i++)
		memcpy(many + (size_t)i * (sizeof(COUNT) - 1), COUNT, sizeof(COUNT) - 1);
	assert_int_equal(send(greedy, many, sizeof(many), 0), (ssize_t)sizeof(many));
	assert_int_equal(send(modest, COUNT, sizeof(COUNT) - 1, 0), (ssize_t)sizeof(COUNT) - 1);
	sl_server_poll(server);
	assert_in_range(fake_calls, 17, 1025);
	assert_true(server_has_work());
	run();
	assert_int_equal(fake_calls, n + 1);
	assert_false(server_has_work());
	close(greedy);
	close(modest);
}

#define WORK "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"test.work\",\"params\":{\"n\":5000}}"

static void all_clients_together_get_a_bounded_share_of_a_poll(void **state)
{
	int fd[3];
	char byte;

	(void)state;
	for (int i = 0; i < 3; i++)
		fd[i] = connected();
	for (int i = 0; i < 3; i++)
		assert_int_equal(send(fd[i], WORK, sizeof(WORK) - 1, 0), sizeof(WORK) - 1);
	for (int polls = 1; polls <= 3; polls++) {
		int answered = 0;

		assert_true(server_has_work());
		sl_server_poll(server);
		for (int i = 0; i < 3; i++)
			answered += recv(fd[i], &byte, 1, MSG_PEEK) == 1;
		assert_int_equal(answered, polls);
	}
	for (int i = 0; i < 3; i++)
		close(fd[i]);
}

/* However few they are: the server checks the time after each. */
static void long_requests_of_one_client_are_a_poll_each(void **state)
{
	static const char two[] = WORK WORK COUNT;
	int fd = connected();

	(void)state;
	assert_int_equal(send(fd, two, sizeof(two) - 1, 0), sizeof(two) - 1);
	for (int polls = 1; polls <= 2; polls++) {
		assert_true(server_has_work());
		sl_server_poll(server);
		assert_int_equal(fake_calls, 0);
	}
	run();
	assert_int_equal(fake_calls, 1);
	close(fd);
}

static void a_batch_is_run_request_by_request_as_turns_come(void **state)
{
	static const char batch[] = " [" WORK "," WORK "," COUNT "]";
	int fd = connected(), other = connected();

	(void)state;
	assert_int_equal(send(fd, batch, sizeof(batch) - 1, 0), sizeof(batch) - 1);
	sl_server_poll(server);
	assert_int_equal(send(other, COUNT, sizeof(COUNT) - 1, 0), sizeof(COUNT) - 1);
	run();
	expect(other, counted(1), false);
	expect(fd,
		"[{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":true},"
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":true},"
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":2}]\n",
		false);
	close(fd);
	close(other);
}

static int failing_disk(struct sl_ctrl *c)
{
	(void)c;
	return -EIO;
}

static void who_cannot_be_told_the_truth_is_closed_and_told_nothing(void **state)
{
	struct sl_rpc failing = fake_rpc;
	struct sl_err e;
	int fd[2];

	(void)state;
	sl_server_destroy(server);
	failing.make_durable = failing_disk;
	server = sl_server_create(path, &failing, &e);
	for (int i = 0; i < 2; i++)
		fd[i] = connected();
	for (int i = 0; i < 2; i++)
		assert_int_equal(send(fd[i], COUNT, sizeof(COUNT) - 1, 0), sizeof(COUNT) - 1);
	sl_server_poll(server);
	assert_int_equal(fake_calls, 2);
	for (int i = 0; i < 2; i++) {
		expect(fd[i], "", true);
		close(fd[i]);
	}
}

static void idle_clients_make_no_work(void **state)
{
	int fd[SL_SERVER_CLIENTS_MAX];

	(void)state;
	for (int i = 0; i < SL_SERVER_CLIENTS_MAX; i++)
		fd[i] = connected();
	assert_false(server_has_work());
	for (int i = 0; i < SL_SERVER_CLIENTS_MAX; i++)
		close(fd[i]);
	assert_true(server_has_work());
	run();
	assert_false(server_has_work());
}

#define STREAM \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"test.stream\",\"params\":{\"n\":20000000}}"

/* A long answer is made while the client reads it, and only a small part of it is in memory. */
static void a_long_answer_is_made_as_it_is_read(void **state)
{
	int fd = connected();
	char *all, *p;
	bool end;

	(void)state;
	assert_int_equal(send(fd, STREAM, sizeof(STREAM) - 1, 0), sizeof(STREAM) - 1);
	run();
	assert_int_equal(fake_streams, 1);
	p = all = pull(fd, &end);
	assert_false(end);
	assert_int_equal(fake_streams, 0);
	assert_memory_equal(p, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"", 34);
	p += 34;
	assert_int_equal(strspn(p, "x"), 20000000);
	assert_string_equal(p + 20000000, "\"}\n");
	free(all);
	close(fd);
}

static void a_long_answer_in_a_batch_is_made_in_pieces_too(void **state)
{
	static const char batch[] = "[" COUNT "," STREAM "," COUNT "]";
	int fd = connected();
	char *all;
	bool end;

	(void)state;
	assert_int_equal(send(fd, batch, sizeof(batch) - 1, 0), sizeof(batch) - 1);
	run();
	assert_int_equal(fake_calls, 1);
	all = pull(fd, &end);
	assert_int_equal(fake_calls, 2);
	assert_int_equal(strlen(all), 20000000 + 34 + 2 + 2 * 35 + 5);
	assert_non_null(strstr(all, "x\"},{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":2}]\n"));
	free(all);
	close(fd);
}

static void who_goes_amid_an_answer_leaves_nothing(void **state)
{
	int fd = connected();

	(void)state;
	assert_int_equal(send(fd, STREAM, sizeof(STREAM) - 1, 0), sizeof(STREAM) - 1);
	run();
	assert_int_equal(fake_streams, 1);
	close(fd);
	run();
	assert_int_equal(fake_streams, 0);
}

static void a_client_that_never_reads_is_not_served_and_slows_nobody(void **state)
{
	int deaf = connected(), other = connected();

	(void)state;
	for (unsigned int i = 0; i < 100; i++) {
		assert_int_equal(send(deaf, STREAM, sizeof(STREAM) - 1, 0), sizeof(STREAM) - 1);
		push(other, COUNT, sizeof(COUNT) - 1);
		expect(other, counted(i + 1), false);
	}
	assert_int_equal(fake_streams, 1);
	assert_false(server_has_work());
	close(deaf);
	run();
	assert_int_equal(fake_streams, 0);
	close(other);
}

/*
 * Answers that are made in one go can be long: clients that do not read them are closed in the end.
 */
static void all_clients_answers_are_bounded_together(void **state)
{
	static const char text[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"test.large\","
				   "\"params\":{\"n\":30000000}}";
	int fd[5], modest = connected(), closed = 0;
	char *all;
	bool end;

	(void)state;
	for (int i = 0; i < 5; i++) {
		fd[i] = connected();
		push(fd[i], text, sizeof(text) - 1);
	}
	push(modest, COUNT, sizeof(COUNT) - 1);
	expect(modest, counted(1), false);
	for (int i = 0; i < 5; i++) {
		all = pull(fd[i], &end);
		closed += end;
		assert_true(end ? i == 0 : strlen(all) > 30000000);
		free(all);
		close(fd[i]);
	}
	assert_int_equal(closed, 1);
	close(modest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(one_client_gets_a_bounded_share_of_a_poll),
		T(all_clients_together_get_a_bounded_share_of_a_poll),
		T(who_cannot_be_told_the_truth_is_closed_and_told_nothing),
		T(idle_clients_make_no_work),
		T(long_requests_of_one_client_are_a_poll_each),
		T(a_batch_is_run_request_by_request_as_turns_come),
		T(a_long_answer_is_made_as_it_is_read),
		T(a_long_answer_in_a_batch_is_made_in_pieces_too),
		T(who_goes_amid_an_answer_leaves_nothing),
		T(a_client_that_never_reads_is_not_served_and_slows_nobody),
		T(all_clients_answers_are_bounded_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
