/* SPDX-License-Identifier: BSD-3-Clause */
/* The socket of the server: its file, who may connect to it, and what that one may call. */
#include <fcntl.h>
#include <grp.h>

#include "server_test.h"

#define NOBODY	65534
#define STRANGE 54321 /* a group nobody is in */

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

/* A long text is read at once: who may change nothing cannot make others wait for that. */
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

/* It may be about to; and a server that is not asked is not disturbed. */
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
