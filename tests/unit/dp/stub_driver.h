/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A port driver for tests of the engine. devargs "stubN" or "stubN,slow": a device that loops back.
 * What is sent by its one transmit queue is received by its one receive queue. A slow device takes
 * SLOW_MS to open and to close. Include this after engine_test.h.
 * Threads: as in port_driver.h.
 * Ownership: static.
 */
#ifndef SL_TESTS_STUB_DRIVER_H
#define SL_TESTS_STUB_DRIVER_H

#include <rte_ring.h>

enum {
	SLOW_MS = 300,
	STUB_DEPTH = 64,
};

struct stub {
	unsigned int head, n;
	rte_spinlock_t lock; /* protects the fields below: two workers send, one receives */
	struct rte_mbuf *pkt[STUB_DEPTH];
};

static _Atomic(unsigned int) stubs_open;
static _Atomic(bool) stub_fails; /* opening fails */

static inline bool stub_serves(const char *devargs)
{
	return strncmp(devargs, "stub", 4) == 0;
}

static inline int stub_parse(
	const char *devargs, const char *port, char *name, size_t size, struct sl_err *e)
{
	(void)port;
	(void)e;
	snprintf(name, size, "%.*s", (int)strcspn(devargs, ","), devargs);
	return 0;
}

static inline void stub_wait(const struct sl_port_device *d)
{
	if (strstr(d->devargs, ",slow") != NULL)
		rte_delay_us_sleep(SLOW_MS * 1000);
}

static inline int stub_open(struct sl_port_device *d, struct sl_err *e)
{
	struct stub *s;

	stub_wait(d);
	if (stub_fails)
		return sl_err_set(e, SL_ERR_DEVICE, "devargs", "port %s: told to fail", d->name);
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return sl_err_set(e, SL_ERR_LIMIT, "", "out of memory");
	rte_spinlock_init(&s->lock);
	d->own = s;
	for (unsigned int q = 0; q < d->n_rxq; q++)
		d->rxq[q] = s;
	d->n_txq = d->n_workers;
	for (unsigned int q = 0; q < d->n_txq; q++)
		d->txq[q] = s;
	d->mac = d->mac_asked;
	d->mtu = 1500;
	d->keeps = SL_KEEPS_UNTIL_CLOSED;
	stubs_open++;
	return 0;
}

static inline void stub_close(struct sl_port_device *d)
{
	struct stub *s = d->own;

	if (s == NULL)
		return;
	stub_wait(d);
	for (unsigned int i = 0; i < s->n; i++)
		rte_pktmbuf_free(s->pkt[(s->head + i) % STUB_DEPTH]);
	free(s);
	d->own = NULL;
	stubs_open--;
}

static inline uint16_t stub_receive(void *rxq, struct rte_mbuf **pkt, uint16_t n)
{
	struct stub *s = rxq;
	uint16_t got = 0;

	if (__atomic_load_n(&s->n, __ATOMIC_RELAXED) == 0)
		return 0;
	rte_spinlock_lock(&s->lock);
	for (; got < n && s->n > 0; s->n--) {
		pkt[got++] = s->pkt[s->head];
		s->head = (s->head + 1) % STUB_DEPTH;
	}
	rte_spinlock_unlock(&s->lock);
	return got;
}

static inline uint16_t stub_transmit(void *txq, struct rte_mbuf **pkt, uint16_t n)
{
	struct stub *s = txq;
	uint16_t sent = 0;

	rte_spinlock_lock(&s->lock);
	for (; sent < n && s->n < STUB_DEPTH; sent++)
		s->pkt[(s->head + s->n++) % STUB_DEPTH] = pkt[sent];
	rte_spinlock_unlock(&s->lock);
	return sent;
}

static const struct sl_port_driver stub_driver = {
	.name = "stub",
	.serves = stub_serves,
	.parse = stub_parse,
	.open = stub_open,
	.close = stub_close,
	.receive = stub_receive,
	.transmit = stub_transmit,
};
static const struct sl_port_driver *const stub_drivers[] = {&stub_driver, NULL};

#endif
