/* SPDX-License-Identifier: BSD-3-Clause */
/* A program with the socket server and a fake method table, for tests of sluicectl. */
#include <poll.h>
#include <stdio.h>

#include "ctrl/rpc/server.h"
#include "tests/rpc/fake_rpc.h"

int main(int argc, char **argv)
{
	struct sl_err e = {0};
	struct sl_server *s = argc == 2 ? sl_server_create(argv[1], &fake_rpc, &e) : NULL;
	struct pollfd fds[2];

	if (s == NULL) {
		fprintf(stderr, "fake_sluiced: %s\n", e.message);
		return 1;
	}
	puts("ready");
	fflush(stdout);
	/* until standard input ends: never left behind by the test that started it */
	fds[0] = (struct pollfd){.fd = 0, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = sl_server_fd(s), .events = POLLIN};
	while (poll(fds, 2, -1) > 0 && fds[0].revents == 0)
		sl_server_poll(s);
	sl_server_destroy(s);
	fake_reset();
	return 0;
}
