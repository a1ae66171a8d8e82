/* SPDX-License-Identifier: BSD-3-Clause */
#include <poll.h>

#include "engine_state.h"

/* A worker that never sleeps has no use for the descriptors of queues that it polls all the time. */
static int wanted_fd(const struct sl_port *p, unsigned int queue, const struct sl_worker *w)
{
	if (p->driver->ready_fd == NULL || (!p->driver->asked && w->idle == SL_IDLE_SPIN))
		return -1;
	return p->driver->ready_fd(p->dev, queue);
}

static void unwatch(const struct sl_engine *g, struct sl_rxq_watch *at)
{
	if (at->n_worker != 0)
		sl_wake_unwatch(&g->worker[at->n_worker - 1]->wake, at->fd);
	at->n_worker = 0;
}

/* If the set does not accept the descriptor, the queue is polled as one without. */
static void watch(struct sl_port *p, unsigned int queue, unsigned int worker, int fd)
{
	struct sl_engine *g = p->engine;
	int ret = sl_wake_watch(
		&g->worker[worker]->wake, fd, sl_wake_key(p->id, queue), p->driver->asked);

	if (ret == 0)
		p->watch[queue] = (struct sl_rxq_watch){(uint8_t)(worker + 1), fd};
	else
		sl_engine_notice(g,
			"port %s: the worker on core %u cannot be woken by it, and polls it all "
			"the "
			"time: epoll: %s",
			p->name, g->worker[worker]->core, strerror(-ret));
}

/* A queue that moves is in no set for a moment. Its packets wait in the device: the set reports them
 * when it gets the descriptor. */
void sl_port_watch(struct sl_port *p)
{
	const struct sl_engine *g = p->engine;

	for (unsigned int q = 0; q < p->n_rxq; q++) {
		bool polled = p->state == SL_PORT_PUBLISHED && p->rxq_worker[q] >= 0;
		unsigned int worker = polled ? (unsigned int)p->rxq_worker[q] : 0;
		int fd = polled ? wanted_fd(p, q, g->worker[worker]) : -1;
		struct sl_rxq_watch *at = &p->watch[q];

		if (fd >= 0 && at->n_worker == worker + 1 && at->fd == fd)
			continue;
		unwatch(g, at);
		if (fd >= 0)
			watch(p, q, worker, fd);
	}
}

bool sl_port_is_asked(const struct sl_port *p, unsigned int queue)
{
	return p->driver->asked && p->watch[queue].n_worker != 0;
}

bool sl_port_is_unready(const struct sl_port *p, unsigned int queue)
{
	struct pollfd fd = {.fd = p->watch[queue].fd, .events = POLLIN};

	return sl_port_is_asked(p, queue) && poll(&fd, 1, 0) == 0;
}

void sl_port_ring(struct sl_port *p)
{
	for (unsigned int q = 0; q < p->n_rxq; q++)
		if (p->rxq_worker[q] >= 0)
			sl_bell_ring(&p->engine->worker[p->rxq_worker[q]]->wake.bell);
}
