/* SPDX-License-Identifier: BSD-3-Clause */
/* The server over a real socket, driven from the same thread: no waiting, no clocks. */
#include <fcntl.h>
#include <grp.h>
#include <sys/resource.h>

#include "server_test.h"

#define NOBODY	65534
#define STRANGE 54321 /* a group nobody is in */

static void expect_refusal(int fd, const char *part)
{
	bool end;
	char *all = pull(fd, &end);

	if (strstr(all, part) == NULL)
		fail_msg("expected \"%s\" in \"%s\"", part, all);
	assert_true(end);
	free(all);
}

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

/* An echo request of exactly n bytes. */
static char *padded(size_t n)
{
	static const char head[] =
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"test.count\",\"params\":{}";
	char *text = malloc(n);

	memset(text, ' ', n);
	memcpy(text, head, sizeof(head) - 1);
	text[n - 1] = '}';
	return text;
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

static void the_socket_has_mode_0660_whatever_the_umask(void **state)
{
	static const mode_t masks[] = {0, 022, 0177};
	struct stat st;
	mode_t before;

	(void)state;
	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		sl_server_destroy(server);
		before = umask(masks[i]);
		server = sl_server_create(path, &fake_rpc, NULL);
		umask(before);
		assert_non_null(server);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0660);
	}
}

static void expect_no_server(const char *where, const char *message)
{
	struct sl_err e = {0};

	assert_null(sl_server_create(where, &fake_rpc, &e));
	if (strstr(e.message, message) == NULL)
		fail_msg("expected \"%s\" in \"%s\"", message, e.message);
}

static void a_live_socket_is_not_taken(void **state)
{
	int fd;

	(void)state;
	expect_no_server(path, "another program listens there");
	run();
	fd = connected();
	push(fd, COUNT, sizeof(COUNT) - 1);
	expect(fd, counted(1), false);
	close(fd);
}

static void a_stale_socket_is_replaced(void **state)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	sl_server_destroy(server);
	strcpy(sun.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	close(fd);
	server = sl_server_create(path, &fake_rpc, NULL);
	assert_non_null(server);
	fd = connected();
	push(fd, COUNT, sizeof(COUNT) - 1);
	expect(fd, counted(1), false);
	close(fd);
}

static void other_files_and_links_are_refused(void **state)
{
	char other[96];
	struct stat st;
	int fd;

	(void)state;
	snprintf(other, sizeof(other), "%s/other", dir);
	fd = open(other, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	expect_no_server(other, "a file that is no socket is in the way");
	assert_int_equal(unlink(other), 0);
	assert_int_equal(symlink(path, other), 0);
	expect_no_server(other, "symbolic link");
	assert_int_equal(unlink(other), 0);
	assert_int_equal(symlink("nowhere", other), 0);
	expect_no_server(other, "symbolic link");
	assert_int_equal(lstat(other, &st), 0);
	assert_int_equal(unlink(other), 0);
}

static void paths_that_cannot_be_are_refused(void **state)
{
	char longer[200];

	(void)state;
	memset(longer, 'x', sizeof(longer));
	memcpy(longer, "/tmp/", 5);
	longer[sizeof(longer) - 1] = '\0';
	expect_no_server(longer, "the path is longer than 107 bytes");
	expect_no_server("", "the path is empty");
	expect_no_server("/nonexistent/dir/s.sock", "No such file or directory");
}

static void the_end_removes_the_socket_but_not_its_successor(void **state)
{
	struct sl_server *successor;
	struct stat st;

	(void)state;
	assert_int_equal(unlink(path), 0);
	successor = sl_server_create(path, &fake_rpc, NULL);
	assert_non_null(successor);
	sl_server_destroy(server);
	server = successor;
	assert_int_equal(lstat(path, &st), 0);
	sl_server_destroy(server);
	server = NULL;
	assert_int_equal(lstat(path, &st), -1);
}

/* Connect as user nobody with these groups; the credentials of that moment count. */
static int knock_as_nobody(gid_t gid, gid_t extra)
{
	gid_t before[64];
	int n = getgroups(64, before), fd;

	assert_int_equal(setgroups(1, &extra), 0);
	assert_int_equal(setegid(gid), 0);
	assert_int_equal(seteuid(NOBODY), 0);
	fd = try_connect();
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(setegid(0), 0);
	assert_int_equal(setgroups((size_t)n, before), 0);
	assert_true(fd >= 0);
	return fd;
}

static int connect_as_nobody(gid_t gid, gid_t extra)
{
	int fd = knock_as_nobody(gid, extra);

	run();
	return fd;
}

static void expect_right(int fd, bool may_write)
{
	static const char text[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"things.set\","
				   "\"params\":{\"name\":\"a\"}}";
	bool end;
	char *all;

	push(fd, text, sizeof(text) - 1);
	all = pull(fd, &end);
	assert_non_null(strstr(all, may_write ? "-32001" : "-32005"));
	free(all);
	close(fd);
}

static void credentials_decide_what_may_be_called(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("skip: needs root to change the socket's owner\n");
		skip();
	}
	assert_int_equal(chown(path, 0, STRANGE), 0);
	assert_int_equal(chmod(path, 0666), 0);
	expect_right(connected(), true);
	expect_right(connect_as_nobody(NOBODY, NOBODY), false);
	expect_right(connect_as_nobody(STRANGE, NOBODY), true);
	expect_right(connect_as_nobody(NOBODY, STRANGE), true);
}

/* A long text is parsed in one go, so a client that may only read must not send one. */
static void who_may_only_read_sends_short_messages(void **state)
{
	char *text = padded(SL_MESSAGE_READ_MAX + 1);
	int fd;

	(void)state;
	if (geteuid() != 0) {
		print_message("skip: needs root to change the socket's owner\n");
		skip();
	}
	assert_int_equal(chown(path, 0, STRANGE), 0);
	assert_int_equal(chmod(path, 0666), 0);
	fd = connect_as_nobody(STRANGE, NOBODY);
	push(fd, text, SL_MESSAGE_READ_MAX + 1);
	expect(fd, counted(1), false);
	close(fd);
	fd = connect_as_nobody(NOBODY, NOBODY);
	push(fd, text, SL_MESSAGE_READ_MAX + 1);
	expect_refusal(fd, "a message has at most 256 KiB from a user who may only read");
	assert_int_equal(fake_calls, 1);
	close(fd);
	free(text);
}

static enum sl_rpc_right noted[8];
static size_t n_noted;

static void note_caller(struct sl_ctrl *ctrl, enum sl_rpc_right granted)
{
	(void)ctrl;
	assert_true(n_noted < 8);
	noted[n_noted++] = granted;
}

/* What the call's right was, and that it ended with the call. */
static enum sl_rpc_right right_of(int fd)
{
	bool end;

	n_noted = 0;
	push(fd, COUNT, sizeof(COUNT) - 1);
	free(pull(fd, &end));
	close(fd);
	assert_int_equal(n_noted, 2);
	assert_int_equal(noted[1], SL_RPC_ROOT);
	return noted[0];
}

static void uid_0_alone_is_root(void **state)
{
	struct sl_rpc noting = fake_rpc;

	(void)state;
	if (geteuid() != 0) {
		print_message("skip: needs root to be others\n");
		skip();
	}
	noting.caller = note_caller;
	sl_server_destroy(server);
	server = sl_server_create(path, &noting, NULL);
	assert_non_null(server);
	assert_int_equal(chown(path, 0, STRANGE), 0);
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(right_of(connected()), SL_RPC_ROOT);
	assert_int_equal(right_of(connect_as_nobody(NOBODY, NOBODY)), SL_RPC_READ);
	assert_int_equal(right_of(connect_as_nobody(STRANGE, NOBODY)), SL_RPC_WRITE);
	assert_int_equal(right_of(connect_as_nobody(0, 0)), SL_RPC_READ);
	sl_server_destroy(server);
	server = NULL;
}

static void file_in_the_sockets_place_makes_nobody_a_member(void **state)
{
	char aside[96];
	int fd, file;

	(void)state;
	if (geteuid() != 0) {
		print_message("skip: needs root to change the socket's owner\n");
		skip();
	}
	assert_int_equal(chmod(path, 0666), 0);
	fd = knock_as_nobody(STRANGE, STRANGE);
	snprintf(aside, sizeof(aside), "%s.aside", path);
	assert_int_equal(rename(path, aside), 0);
	file = open(path, O_CREAT | O_EXCL | O_WRONLY, 0666);
	assert_int_equal(fchown(file, NOBODY, STRANGE), 0);
	close(file);
	run();
	expect_right(fd, false);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rename(aside, path), 0);
}

/* It may listen soon, and a server must not be disturbed. */
static void a_socket_that_does_not_listen_yet_is_not_taken(void **state)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)state;
	sl_server_destroy(server);
	server = NULL;
	strcpy(sun.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	expect_no_server(path, "another program listens there");
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
		T(the_socket_has_mode_0660_whatever_the_umask),
		T(a_live_socket_is_not_taken),
		T(a_stale_socket_is_replaced),
		T(other_files_and_links_are_refused),
		T(paths_that_cannot_be_are_refused),
		T(the_end_removes_the_socket_but_not_its_successor),
		T(credentials_decide_what_may_be_called),
		T(who_may_only_read_sends_short_messages),
		T(uid_0_alone_is_root),
		T(file_in_the_sockets_place_makes_nobody_a_member),
		T(a_socket_that_does_not_listen_yet_is_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
