/* SPDX-License-Identifier: BSD-3-Clause */
/* The server's turns: what a client gets of a poll beside others, and what settling decides. */
#include <time.h>

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

/* Its calls take a while each: more than all clients have in a poll. */
static int slow_settle(struct sl_ctrl *c)
{
	struct timespec ts, now;

	(void)c;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - ts.tv_sec) * 1000000000L + now.tv_nsec - ts.tv_nsec < 5000000);
	return 0;
}

static void all_clients_together_get_a_bounded_share_of_a_poll(void **state)
{
	/* an answer so large that it is flushed, and settled before, in the client's turn */
	static const char large[] =
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"test.large\",\"params\":{\"n\":65536}}";
	struct sl_rpc slow = fake_rpc;
	struct sl_err e;
	int fd[3];
	char byte;

	(void)state;
	sl_server_destroy(server);
	slow.settle = slow_settle;
	server = sl_server_create(path, &slow, &e);
	for (int i = 0; i < 3; i++)
		fd[i] = connected();
	for (int i = 0; i < 3; i++)
		assert_int_equal(send(fd[i], large, sizeof(large) - 1, 0), sizeof(large) - 1);
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

static int failing_settle(struct sl_ctrl *c)
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
	failing.settle = failing_settle;
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

static void a_client_that_never_reads_is_closed_and_slows_nobody(void **state)
{
	static const char text[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"test.large\","
				   "\"params\":{\"n\":10000000}}";
	int deaf = connected(), other = connected();

	(void)state;
	for (unsigned int i = 0; i < 8; i++) {
		push(deaf, text, sizeof(text) - 1);
		push(other, COUNT, sizeof(COUNT) - 1);
		expect(other, counted(i + 1), false);
	}
	assert_int_equal(send(deaf, text, 1, MSG_NOSIGNAL), -1);
	assert_int_equal(errno, EPIPE);
	close(deaf);
	close(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(one_client_gets_a_bounded_share_of_a_poll),
		T(all_clients_together_get_a_bounded_share_of_a_poll),
		T(who_cannot_be_told_the_truth_is_closed_and_told_nothing),
		T(idle_clients_make_no_work),
		T(a_client_that_never_reads_is_closed_and_slows_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
