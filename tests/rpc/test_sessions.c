/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sessions: notifications that are pushed to a client, and calls that wait while others continue.
 */
#include "server_test.h"

#define SUBSCRIBE    "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"test.subscribe\"}"
#define SUBSCRIBED   "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":true}\n"
#define NEWS(params) "{\"jsonrpc\":\"2.0\",\"method\":\"test.news\",\"params\":" params "}\n"
#define WAIT(n)	     "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"test.wait\",\"params\":{\"n\":" n "}}"
#define WAITED(n)    "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":" n "}"

static void say(int fd, const char *text)
{
	push(fd, text, strlen(text));
	run();
}

static int subscriber(void)
{
	int fd = connected();

	say(fd, SUBSCRIBE);
	expect(fd, SUBSCRIBED, false);
	return fd;
}

static void news_are_pushed_to_those_who_asked_for_them(void **state)
{
	int fd = subscriber(), other = connected();

	(void)state;
	assert_int_equal(fake_publish("{\"n\":1}"), 1);
	assert_int_equal(fake_publish("{\"n\":2}"), 1);
	assert_true(server_has_work());
	expect(fd, NEWS("{\"n\":1}") NEWS("{\"n\":2}"), false);
	expect(other, "", false);
	assert_false(server_has_work());
	close(fd);
	close(other);
}

static void a_session_knows_who_its_client_is(void **state)
{
	int fd = subscriber();
	const struct sl_session *s = fake_subscriber();
	char label[64];

	(void)state;
	snprintf(label, sizeof(label), "uid %u, pid %d", geteuid(), getpid());
	assert_string_equal(s->label, label);
	assert_int_equal(s->peer.pid, getpid());
	assert_int_equal(s->peer.uid, geteuid());
	assert_int_equal(s->granted, geteuid() == 0 ? SL_RPC_ROOT : SL_RPC_WRITE);
	close(fd);
}

static void a_keeper_learns_that_its_session_has_ended(void **state)
{
	int fd = subscriber(), other = subscriber();

	(void)state;
	assert_int_equal(fake_subscribers, 2);
	close(fd);
	run();
	assert_int_equal(fake_subscribers, 1);
	assert_int_equal(fake_publish("{}"), 1);
	expect(other, NEWS("{}"), false);
	close(other);
	run();
	assert_int_equal(fake_subscribers, 0);
	assert_int_equal(fake_publish("{}"), 0);
}

/* How many of the numbered news are in text, from number 0 on without a gap; *rest follows them. */
static unsigned int count_news(char *text, char **rest)
{
	unsigned int n = 0;

	for (*rest = text;; n++) {
		char begin[80];

		snprintf(begin, sizeof(begin),
			"{\"jsonrpc\":\"2.0\",\"method\":\"test.news\",\"params\":{\"n\":%u,", n);
		if (strncmp(*rest, begin, strlen(begin)) != 0)
			return n;
		*rest = strchr(*rest, '\n') + 1;
	}
}

/* When a reader has stopped, the oldest news are in its socket, its buffer and its queue. */
static void a_slow_reader_has_the_oldest_and_a_gap_in_the_place_of_the_others(void **state)
{
	static char params[1100];
	int slow = subscriber(), other = connected();
	unsigned int all = 20000, kept = 0, n;
	char *text, *rest, gap[120];
	bool end;

	(void)state;
	for (n = 0; n < all; n++) {
		snprintf(params, sizeof(params), "{\"n\":%u,\"x\":\"%01000d\"}", n, 0);
		kept += fake_publish(params);
		run();
		if (n % 1000 == 0) { /* nobody else is held up */
			say(other, COUNT);
			expect(other, counted(n / 1000 + 1), false);
		}
	}
	assert_in_range(kept, 300, all - 1);
	assert_false(server_has_work());
	text = pull(slow, &end);
	assert_false(end);
	assert_int_equal(count_news(text, &rest), kept);
	snprintf(gap, sizeof(gap),
		"{\"jsonrpc\":\"2.0\",\"method\":\"rpc.gap\",\"params\":{\"lost\":%u}}\n",
		all - kept);
	assert_string_equal(rest, gap);
	free(text);
	assert_int_equal(fake_publish("{\"n\":1}"), 1);
	expect(slow, NEWS("{\"n\":1}"), false);
	close(slow);
	close(other);
}

static void what_never_fits_is_a_gap_by_itself(void **state)
{
	static char huge[SL_SESSION_PUSHED_MAX + 1];
	int fd = subscriber();

	(void)state;
	memset(huge, ' ', sizeof(huge) - 1);
	assert_int_equal(fake_publish(huge), 0);
	expect(fd, "{\"jsonrpc\":\"2.0\",\"method\":\"rpc.gap\",\"params\":{\"lost\":1}}\n", false);
	close(fd);
}

#define STREAM \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"test.stream\",\"params\":{\"n\":3000000}}"

static void news_never_stand_inside_an_answer(void **state)
{
	int fd = subscriber();
	char *text, *end_of_line;
	bool end;

	(void)state;
	say(fd, STREAM);
	assert_int_equal(fake_streams, 1);
	assert_int_equal(fake_publish("{}"), 1);
	text = pull(fd, &end);
	end_of_line = strchr(text, '\n');
	assert_int_equal(end_of_line[-1], '}');
	assert_true(end_of_line - text > 3000000);
	assert_string_equal(end_of_line + 1, NEWS("{}"));
	free(text);
	close(fd);
}

static void a_call_that_waits_holds_up_its_own_session_only(void **state)
{
	int fd = connected(), other = connected();

	(void)state;
	say(fd, WAIT("1") COUNT);
	assert_int_equal(fake_waiting, 1);
	assert_int_equal(fake_calls, 1);
	assert_false(server_has_work());
	say(other, COUNT);
	expect(other, counted(2), false);
	expect(fd, "", false);
	fake_release();
	assert_true(server_has_work());
	run();
	assert_int_equal(fake_waiting, 0);
	expect(fd, WAITED("1") "\n{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":4}\n", false);
	close(fd);
	close(other);
}

static void a_call_may_wait_again_and_again(void **state)
{
	int fd = connected();

	(void)state;
	say(fd, WAIT("3"));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(fake_waiting, 1);
		expect(fd, "", false);
		fake_release();
		run();
	}
	assert_int_equal(fake_calls, 4);
	expect(fd, WAITED("3") "\n", false);
	close(fd);
}

static void a_batch_goes_on_where_a_call_of_it_has_waited(void **state)
{
	int fd = connected();

	(void)state;
	say(fd, "[" COUNT "," WAIT("1") "," WAIT("0") "," WAIT("2") "]");
	assert_int_equal(fake_calls, 2);
	fake_release();
	run();
	assert_int_equal(fake_waiting, 1);
	fake_release();
	run();
	fake_release();
	run();
	expect(fd,
		"[{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}," WAITED("1") "," WAITED(
			"0") "," WAITED("2") "]\n",
		false);
	close(fd);
}

static void news_pass_a_call_that_waits(void **state)
{
	int fd = subscriber();

	(void)state;
	say(fd, WAIT("1"));
	assert_int_equal(fake_publish("{}"), 1);
	expect(fd, NEWS("{}"), false);
	assert_false(server_has_work());
	fake_release();
	expect(fd, WAITED("1") "\n", false);
	close(fd);
}

/* Otherwise the news would be inside the answer of a batch. */
static void news_wait_for_a_batch_that_has_begun(void **state)
{
	int fd = subscriber();

	(void)state;
	say(fd, "[" COUNT "," WAIT("1") "]");
	assert_int_equal(fake_publish("{}"), 1);
	run();
	assert_false(server_has_work());
	fake_release();
	run();
	expect(fd, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}," WAITED("1") "]\n" NEWS("{}"),
		false);
	close(fd);
}

static void a_call_of_a_client_that_goes_is_cancelled(void **state)
{
	int fd = connected(), other = connected();

	(void)state;
	say(fd, WAIT("1") COUNT);
	say(other, "[" COUNT "," WAIT("1") "]");
	assert_int_equal(fake_waiting, 2);
	close(fd);
	run();
	assert_int_equal(fake_waiting, 1);
	assert_int_equal(fake_canceled, 1);
	assert_int_equal(fake_calls, 3);
	fake_release();
	run();
	assert_int_equal(fake_waiting, 0);
	assert_int_equal(fake_canceled, 1);
	close(other);
}

static void a_client_that_goes_before_its_resumed_call_runs_has_it_cancelled(void **state)
{
	int fd = connected();

	(void)state;
	say(fd, WAIT("2"));
	fake_release();
	run();
	assert_int_equal(fake_waiting, 1);
	close(fd);
	run();
	assert_int_equal(fake_waiting, 0);
	assert_int_equal(fake_canceled, 1);
}

static void a_notification_may_wait_too(void **state)
{
	int fd = connected();

	(void)state;
	say(fd, "{\"jsonrpc\":\"2.0\",\"method\":\"test.wait\",\"params\":{\"n\":1}}" COUNT);
	assert_int_equal(fake_waiting, 1);
	fake_release();
	run();
	expect(fd, counted(3), false);
	close(fd);
}

static void where_nothing_can_resume_it_a_call_is_refused(void **state)
{
	size_t len;
	char *line = sl_rpc_answer(&fake_rpc, WAIT("1"), strlen(WAIT("1")), SL_RPC_ROOT, &len);

	(void)state;
	assert_non_null(strstr(line, "would wait"));
	assert_int_equal(fake_waiting, 0);
	free(line);
}

static void a_server_that_ends_cancels_and_tells(void **state)
{
	int fd = subscriber();

	(void)state;
	say(fd, WAIT("1"));
	sl_server_destroy(server);
	server = NULL;
	assert_int_equal(fake_canceled, 1);
	assert_int_equal(fake_subscribers, 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(news_are_pushed_to_those_who_asked_for_them),
		T(a_session_knows_who_its_client_is),
		T(a_keeper_learns_that_its_session_has_ended),
		T(a_slow_reader_has_the_oldest_and_a_gap_in_the_place_of_the_others),
		T(what_never_fits_is_a_gap_by_itself),
		T(news_never_stand_inside_an_answer),
		T(a_call_that_waits_holds_up_its_own_session_only),
		T(a_call_may_wait_again_and_again),
		T(a_batch_goes_on_where_a_call_of_it_has_waited),
		T(news_pass_a_call_that_waits),
		T(news_wait_for_a_batch_that_has_begun),
		T(a_call_of_a_client_that_goes_is_cancelled),
		T(a_client_that_goes_before_its_resumed_call_runs_has_it_cancelled),
		T(a_notification_may_wait_too),
		T(where_nothing_can_resume_it_a_call_is_refused),
		T(a_server_that_ends_cancels_and_tells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
