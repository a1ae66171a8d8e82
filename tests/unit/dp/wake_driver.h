/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The stub driver with a descriptor for each device, an eventfd that is readable while packets wait.
 * devargs begin with "asked" (polled only when the descriptor says so), "armed" (polled always; the
 * descriptor becomes readable only after arm) or "mute" (polled always, no descriptor). Include this
 * after stub_driver.h.
 * Threads: as in port_driver.h; wake_push is the test's.
 * Ownership: static.
 */
#ifndef SL_TESTS_WAKE_DRIVER_H
#define SL_TESTS_WAKE_DRIVER_H

#include <sys/eventfd.h>
#include <unistd.h>

struct waker {
	struct stub stub; /* the first: it is the argument of stub_receive and stub_transmit */
	int fd;
	bool asked;
	bool armed;	    /* protected by the stub's lock, as all below */
	uint64_t n_useless; /* polls that found nothing */
};

static _Atomic(unsigned int) wakers_open;

static inline bool wake_serves_asked(const char *devargs)
{
	return strncmp(devargs, "asked", 5) == 0;
}

static inline bool wake_serves_armed(const char *devargs)
{
	return strncmp(devargs, "armed", 5) == 0;
}

static inline bool wake_serves_mute(const char *devargs)
{
	return strncmp(devargs, "mute", 4) == 0;
}

static inline int wake_open(struct sl_port_device *d, struct sl_err *e)
{
	struct waker *k = calloc(1, sizeof(*k));

	(void)e;
	assert_non_null(k);
	rte_spinlock_init(&k->stub.lock);
	k->asked = wake_serves_asked(d->devargs);
	k->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	assert_true(k->fd >= 0);
	d->own = k;
	for (unsigned int q = 0; q < d->n_rxq; q++)
		d->rxq[q] = k;
	d->n_txq = d->n_workers;
	for (unsigned int q = 0; q < d->n_txq; q++)
		d->txq[q] = k;
	d->mac = d->mac_asked;
	d->mtu = 1500;
	d->keeps = SL_KEEPS_NOTHING;
	wakers_open++;
	return 0;
}

static inline void wake_close(struct sl_port_device *d)
{
	struct waker *k = d->own;

	if (k == NULL)
		return;
	for (unsigned int i = 0; i < k->stub.n; i++)
		rte_pktmbuf_free(k->stub.pkt[(k->stub.head + i) % STUB_DEPTH]);
	close(k->fd);
	free(k);
	d->own = NULL;
	wakers_open--;
}

static inline uint16_t wake_receive(void *rxq, struct rte_mbuf **pkt, uint16_t n)
{
	struct waker *k = rxq;
	uint16_t got = stub_receive(&k->stub, pkt, n);
	uint64_t was;

	rte_spinlock_lock(&k->stub.lock);
	k->n_useless += got == 0;
	if (k->asked && k->stub.n == 0)
		(void)!read(k->fd, &was, sizeof(was));
	rte_spinlock_unlock(&k->stub.lock);
	return got;
}

static inline uint16_t wake_transmit(void *txq, struct rte_mbuf **pkt, uint16_t n)
{
	struct waker *k = txq;
	uint16_t sent = stub_transmit(&k->stub, pkt, n);
	const uint64_t one = 1;

	rte_spinlock_lock(&k->stub.lock);
	if (k->stub.n > 0 && (k->asked || k->armed)) {
		(void)!write(k->fd, &one, sizeof(one));
		k->armed = false;
	}
	rte_spinlock_unlock(&k->stub.lock);
	return sent;
}

static inline int wake_ready_fd(const struct sl_port_device *d, unsigned int queue)
{
	(void)queue;
	return ((const struct waker *)d->own)->fd;
}

static inline bool wake_arm(void *rxq)
{
	struct waker *k = rxq;

	rte_spinlock_lock(&k->stub.lock);
	k->armed = true;
	rte_spinlock_unlock(&k->stub.lock);
	return true;
}

/* A packet comes in from outside. False: no room. */
static inline bool wake_push(struct waker *k, struct rte_mbuf *m)
{
	return wake_transmit(k, &m, 1) == 1;
}

static const struct sl_port_driver asked_driver = {
	.name = "asked",
	.asked = true,
	.serves = wake_serves_asked,
	.parse = stub_parse,
	.open = wake_open,
	.close = wake_close,
	.receive = wake_receive,
	.transmit = wake_transmit,
	.ready_fd = wake_ready_fd,
};
static const struct sl_port_driver armed_driver = {
	.name = "armed",
	.serves = wake_serves_armed,
	.parse = stub_parse,
	.open = wake_open,
	.close = wake_close,
	.receive = wake_receive,
	.transmit = wake_transmit,
	.ready_fd = wake_ready_fd,
	.arm = wake_arm,
};
static const struct sl_port_driver mute_driver = {
	.name = "mute",
	.serves = wake_serves_mute,
	.parse = stub_parse,
	.open = wake_open,
	.close = wake_close,
	.receive = wake_receive,
	.transmit = wake_transmit,
};
static const struct sl_port_driver *const wake_drivers[] = {
	&asked_driver, &armed_driver, &mute_driver, NULL};

#endif
