/* SPDX-License-Identifier: BSD-3-Clause */
#include "wake.h"

#include <errno.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>

#define KEY_BELL UINT32_MAX /* no port has such a key */

enum { ASK_US = 20 };

int sl_wake_init(struct sl_wake *k)
{
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET, .data.u32 = KEY_BELL};

	k->ask_cycles = rte_get_tsc_hz() / US_PER_S * ASK_US;
	k->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (k->epoll < 0 || sl_bell_init(&k->bell) != 0 ||
		epoll_ctl(k->epoll, EPOLL_CTL_ADD, k->bell.fd, &ev) != 0)
		return -errno;
	return 0;
}

void sl_wake_fini(struct sl_wake *k)
{
	sl_bell_fini(&k->bell);
	if (k->epoll >= 0)
		close(k->epoll);
	k->epoll = -1;
}

int sl_wake_watch(const struct sl_wake *k, int fd, uint32_t key, bool asked)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = key};

	if (!asked)
		ev.events |= EPOLLET;
	return epoll_ctl(k->epoll, EPOLL_CTL_ADD, fd, &ev) == 0 ? 0 : -errno;
}

void sl_wake_unwatch(const struct sl_wake *k, int fd)
{
	(void)epoll_ctl(k->epoll, EPOLL_CTL_DEL, fd, NULL);
}

/* Index of a key in the list's asked queues, which are in the order of their keys; or UINT32_MAX. */
static uint32_t find(const struct sl_rxq_list *l, uint32_t key)
{
	uint32_t from = 0, to = l->n_asked;

	while (from < to) {
		uint32_t middle = (from + to) / 2;

		if (l->key[middle] < key)
			from = middle + 1;
		else
			to = middle;
	}
	return from < l->n_asked && l->key[from] == key ? from : UINT32_MAX;
}

static void note(struct sl_wake *k, const struct epoll_event *ev, int n)
{
	k->n_keys = 0;
	for (int i = 0; i < n; i++) {
		k->key[k->n_keys++] = ev[i].data.u32;
		k->rung |= ev[i].data.u32 == KEY_BELL;
	}
}

void sl_wake_ask(struct sl_wake *k, const struct sl_rxq_list *l)
{
	struct epoll_event ev[SL_WAKE_READY];

	if (k->n_keys == 0)
		note(k, ev, epoll_wait(k->epoll, ev, SL_WAKE_READY, 0));
	k->n_ready = 0;
	for (uint32_t i = 0; i < k->n_keys; i++) {
		uint32_t at = find(l, k->key[i]); /* of queues that are not asked, none */

		if (at != UINT32_MAX)
			k->ready[k->n_ready++] = at;
	}
	k->n_keys = 0;
	k->ask_at = rte_rdtsc() + k->ask_cycles;
}

void sl_wake_sleep(struct sl_wake *k, unsigned int us)
{
	const struct timespec t = {.tv_sec = us / US_PER_S, .tv_nsec = us % US_PER_S * 1000L};
	struct epoll_event ev[SL_WAKE_READY];
	int n = epoll_pwait2(k->epoll, ev, SL_WAKE_READY, &t, NULL);

	note(k, ev, n);
	/* A kernel before 5.11, or a filter of system calls that does not know this one. */
	if (n < 0 && errno != EINTR)
		rte_delay_us_sleep(RTE_MIN(us, 100u));
}
