/* SPDX-License-Identifier: BSD-3-Clause */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <rte_alarm.h>
#include <rte_cycles.h>

#include "memif_guard.h"

enum {
	ROUNDS = 8,
	ROUND_MS = 1, /* longer than one round takes */
};

static bool is_unix_packet(int fd)
{
	int domain = 0, type = 0;
	socklen_t len = sizeof(domain);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) != 0 || domain != AF_UNIX)
		return false;
	len = sizeof(type);
	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET;
}

static ssize_t size_of(const struct msghdr *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->msg_iovlen; i++)
		n += m->msg_iov[i].iov_len;
	return (ssize_t)n;
}

__attribute__((visibility("default"))) ssize_t sendmsg(
	int fd, const struct msghdr *message, int flags)
{
	ssize_t ret = syscall(SYS_sendmsg, fd, message, flags);
	int error = errno;

	if (ret >= 0 || (error != EPIPE && error != ECONNRESET && error != ENOTCONN))
		return ret;
	if (is_unix_packet(fd))
		return size_of(message);
	errno = error;
	return ret;
}

bool sl_memif_is_guarded(void)
{
	return dlsym(RTLD_DEFAULT, "sendmsg") == (void *)(uintptr_t)sendmsg;
}

static _Atomic(unsigned int) n_rounds;

static void count_round(void *arg)
{
	(void)arg;
	atomic_fetch_add(&n_rounds, 1);
}

/* One thread serves alarms and connections, one after the other. */
void sl_memif_wait_accepted(void)
{
	for (unsigned int i = 0; i < ROUNDS; i++) {
		unsigned int before = atomic_load(&n_rounds);

		if (rte_eal_alarm_set(1, count_round, NULL) != 0)
			return;
		for (unsigned int k = 0; k < ROUND_MS * 20 && atomic_load(&n_rounds) == before; k++)
			rte_delay_us_sleep(50);
	}
}

static bool has_served;

void sl_memif_note_server(void)
{
	has_served = true;
}

bool sl_memif_has_served(void)
{
	return has_served;
}
