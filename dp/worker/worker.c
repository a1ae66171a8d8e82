/* SPDX-License-Identifier: BSD-3-Clause */
#include <sys/prctl.h>

#include <rte_cycles.h>

#include "dp/egress/egress.h"
#include "sluice/port_tag.h"
#include "vlan.h"
#include "worker.h"

enum {
	INJECTS_A_TURN = 32,
	FLUSH_AT_A_TIME = 64, /* packets: their copies fit the second cache */
	/* Sleeps by the clock: so many of one length, then twice as long. */
	NAPS_A_STEP = 4,
	NAP_MIN_US = 1,
	NAP_MAX_US = 100,
	/* Not for ever: the worker's counters of its time stay current, and a device that loses an
	 * interrupt loses no more than this. */
	BLOCK_MAX_US = 100000,
	TIMER_SLACK_NS = 1000, /* the default of 50 us is much longer than the short steps */
};

/* The port that a packet came in by, as its driver has noted; SL_PORT_NONE for a
 * generated packet. */
static uint16_t came_by(const struct sl_worker *w, const struct rte_mbuf *m)
{
	if (m->port >= SL_TAGS_MAX)
		return SL_PORT_NONE;
	return atomic_load_explicit(&w->port_of_tag[m->port], memory_order_relaxed);
}

/* Drop packets that cannot leave by `port`, whose view is p, or NULL when the port is gone. */
static __rte_noinline void drop_unsent(struct sl_worker *w, enum sl_drop reason, uint16_t port,
	const struct sl_port_dp *p, struct rte_mbuf **m, unsigned int n)
{
	uint16_t in = SL_PORT_NONE;

	for (unsigned int i = 0; i < n; i++) {
		struct sl_sample s = {.reason = (uint8_t)reason,
			.out_port = port,
			.outer = p != NULL && p->underlay};

		if (i == 0 || m[i]->port != m[i - 1]->port) /* most packets came in by one port */
			in = came_by(w, m[i]);
		s.in_port = in;
		s.origin = in != SL_PORT_NONE ? in : SL_SAMPLE_NOWHERE;

		sl_drop_late(&w->counters, &w->samples, &s, m[i]);
	}
	rte_pktmbuf_free_bulk(m, n);
}

/* Packets and bytes as they are on the wire. */
struct wire {
	uint32_t packets;
	uint64_t bytes;
};

static struct wire on_the_wire(struct rte_mbuf *const *pkt, unsigned int n)
{
	struct wire sum = {0};

	for (unsigned int i = 0; i < n; i++) {
		uint32_t segments = sl_super_segments(pkt[i]);

		sum.packets += segments;
		sum.bytes += sl_super_bytes(pkt[i], segments);
	}
	return sum;
}

static void free_refused(struct sl_worker *w, struct sl_tx_buffer *t, uint16_t port,
	const struct sl_port_dp *p, enum sl_drop why)
{
	sl_count(&w->counters.port[port]->n.tx_dropped, on_the_wire(t->pkt, t->n).packets);
	drop_unsent(w, why, port, p, t->pkt, t->n);
	t->n = 0;
}

static uint64_t bytes_of(struct rte_mbuf *const *pkt, unsigned int n)
{
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < n; i++)
		bytes += pkt[i]->pkt_len;
	return bytes;
}

/*
 * Puts the port's tag on packets. Those whose buffers have no room for it are dropped. Returns the
 * number of the others, which come first.
 */
static __rte_noinline uint16_t tag_all(struct sl_worker *w, uint16_t port,
	const struct sl_port_dp *p, struct rte_mbuf **pkt, uint16_t n)
{
	uint16_t kept = 0;

	for (uint16_t i = 0; i < n; i++) {
		if (sl_vlan_push(pkt[i], p->vlan)) {
			pkt[kept++] = pkt[i];
			continue;
		}
		sl_count(&w->counters.port[port]->n.tx_dropped, sl_super_segments(pkt[i]));
		drop_unsent(w, SL_DROP_HEADROOM, port, p, &pkt[i], 1);
	}
	return kept;
}

/* Returns how many of the packets the device accepted. Tries twice, for queues that free slots during
 * the call. */
static uint16_t transmit(
	const struct sl_port_dp *p, unsigned int worker, struct rte_mbuf **pkt, uint16_t n)
{
	const struct sl_txq *q = &p->txq[worker];
	uint16_t sent;

	if (q->lock != NULL)
		rte_spinlock_lock(q->lock);
	sent = p->transmit(q->queue, pkt, n);
	if (unlikely(sent < n))
		sent += p->transmit(q->queue, pkt + sent, (uint16_t)(n - sent));
	if (q->lock != NULL)
		rte_spinlock_unlock(q->lock);
	return sent;
}

static void send_offloads(struct sl_worker *w, uint16_t port, const struct sl_port_dp *p,
	struct rte_mbuf **pkt, uint16_t n)
{
	struct sl_port_counters *c = &w->counters.port[port]->n;
	struct wire all;
	uint16_t sent;

	if (unlikely(p->vlan != 0))
		n = tag_all(w, port, p, pkt, n);
	all = on_the_wire(pkt, n); /* accepted packets are no longer ours */
	sent = transmit(p, w->id, pkt, n);
	if (unlikely(sent < n)) {
		struct wire left = on_the_wire(pkt + sent, (unsigned int)(n - sent));

		all.packets -= left.packets;
		all.bytes -= left.bytes;
		drop_unsent(w, SL_DROP_TX_FULL, port, p, pkt + sent, (unsigned int)(n - sent));
		sl_count(&c->tx_dropped, left.packets);
	}
	sl_count(&w->counters.sent, all.packets);
	sl_count(&c->tx_packets, all.packets);
	sl_count(&c->tx_bytes, all.bytes);
}

/* The buffer's packets as the device takes them, a few at a time. */
static __rte_noinline void flush_offloads(
	struct sl_worker *w, uint16_t port, const struct sl_port_dp *p, struct sl_tx_buffer *t)
{
	const struct sl_egress_to to = {p->takes, p->merge, w->pool, p->pool};
	struct rte_mbuf *out[FLUSH_AT_A_TIME];
	struct sl_egress e;
	uint16_t n;

	sl_egress_begin(&e, &to, t->pkt, t->n);
	while ((n = sl_egress_next(&e, out, FLUSH_AT_A_TIME)) > 0)
		send_offloads(w, port, p, out, n);
	for (uint16_t i = 0; i < e.n_lost; i++) {
		sl_count(&w->counters.port[port]->n.tx_dropped, sl_super_segments(t->pkt[i]));
		drop_unsent(w, e.why[i], port, p, &t->pkt[i], 1);
	}
	t->n = 0;
}

void sl_tx_flush_port(struct sl_worker *w, uint16_t port)
{
	const struct sl_port_dp *p = atomic_load_explicit(&w->ports[port], memory_order_acquire);
	struct sl_port_counters *c = &w->counters.port[port]->n;
	struct sl_tx_buffer *t = sl_tx_buffer(w, port);
	uint16_t sent, left;
	uint64_t bytes;

	if (unlikely(p == NULL || p->refuse != SL_KEEP)) {
		free_refused(w, t, port, p, p == NULL ? SL_DROP_PORT_GONE : p->refuse);
		return;
	}
	if (unlikely(p->merge || w->offloads)) {
		flush_offloads(w, port, p, t);
		return;
	}
	if (unlikely(p->vlan != 0))
		t->n = tag_all(w, port, p, t->pkt, t->n);
	/* before transmitting: accepted packets are no longer ours */
	bytes = bytes_of(t->pkt, t->n);
	sent = transmit(p, w->id, t->pkt, t->n);
	left = t->n - sent;
	if (unlikely(left > 0)) {
		bytes -= bytes_of(t->pkt + sent, left);
		drop_unsent(w, SL_DROP_TX_FULL, port, p, t->pkt + sent, left);
		sl_count(&c->tx_dropped, left);
	}
	t->n = 0;
	sl_count(&w->counters.sent, sent);
	sl_count(&c->tx_packets, sent);
	sl_count(&c->tx_bytes, bytes);
}

/* Transmits the buffers of all ports. */
static void flush_ports(struct sl_worker *w)
{
	for (unsigned int i = 0; i < w->n_dirty; i++)
		sl_tx_flush_port(w, w->dirty[i]);
	w->n_dirty = 0;
	w->offloads = false;
}

/* Returns how many packets it got. */
static uint16_t receive(struct sl_worker *w, const struct sl_rxq *q)
{
	struct sl_burst *b = &w->burst;
	uint64_t start = rte_rdtsc(), cycles;
	uint16_t n = q->receive(q->queue, b->pkt, SL_BURST_MAX);
	struct sl_port_counters *c = &w->counters.port[q->port->id]->n;

	if (n == 0) {
		sl_count(&q->state->dry, 1);
		return 0;
	}
	sl_stages_begin(&w->stages, start);
	b->n = n;
	b->in_port = q->port->id;
	if (unlikely(q->port->offloads_in))
		sl_note_offloads(w, b->pkt, n);
	sl_count(&w->counters.received, n);
	sl_count(&w->counters.bursts, 1);
	sl_count(&c->rx_packets, n);
	sl_count(&c->rx_bytes, bytes_of(b->pkt, n));
	sl_stage_mark(w, SL_STAGE_RECEIVE, n);
	w->run(w, q->port, b);
	flush_ports(w);
	cycles = rte_rdtsc() - start;
	sl_stages_end(&w->stages, n, cycles);
	sl_count(&q->state->packets, n);
	sl_count(&q->state->cycles, cycles);
	return n;
}

/* Between two turns: all packets from these queues were handed to the devices. */
static void hand_over(struct sl_worker *w, const struct sl_rxq_list *l)
{
	for (uint32_t i = 0; i < l->n_give; i++) {
		uint32_t me = w->id;

		atomic_compare_exchange_strong_explicit(&l->give[i].state->owner, &me,
			l->give[i].to, memory_order_release, memory_order_relaxed);
	}
	atomic_store_explicit(&w->rxqs_seen, l->seq, memory_order_release);
}

static bool owns(const struct sl_worker *w, const struct sl_rxq *q)
{
	return atomic_load_explicit(&q->state->owner, memory_order_acquire) == w->id;
}

static void send_injected(struct sl_worker *w, struct sl_inject *in)
{
	const struct sl_port_dp *p =
		atomic_load_explicit(&w->ports[in->port], memory_order_acquire);

	if (p != NULL && p->epoch == in->epoch) {
		sl_note_offloads(w, &in->m, 1);
		sl_tx_put(w, in->port, in->m);
		return;
	}
	drop_unsent(w, SL_DROP_PORT_GONE, in->port, NULL, &in->m, 1);
}

static bool drain_injects(struct sl_worker *w)
{
	struct sl_inject in[INJECTS_A_TURN];
	unsigned int n = rte_ring_sc_dequeue_burst_elem(
		w->rings.inject, in, sizeof(in[0]), INJECTS_A_TURN, NULL);

	for (unsigned int i = 0; i < n; i++)
		send_injected(w, &in[i]);
	if (n > 0)
		flush_ports(w);
	return n > 0;
}

/* Whether to ask which queues are ready. A worker that has nothing else to do asks in every turn. */
static bool is_time_to_ask(struct sl_wake *k, const struct sl_rxq_list *l, uint64_t bursts)
{
	bool idle = l->n == 0 || k->bursts == bursts;

	k->bursts = bursts;
	return (k->n_ready == 0 && idle) || rte_rdtsc() >= k->ask_at;
}

/*
 * The queues of drivers that are asked only when they are ready. Each gets one burst a turn. One that
 * has filled the burst may have more. The others are empty, or the set reports them again.
 */
static bool poll_ready(struct sl_worker *w, const struct sl_rxq_list *l)
{
	struct sl_wake *k = &w->wake;
	uint32_t n, kept = 0;
	bool found = false;

	if (is_time_to_ask(k, l, w->counters.bursts))
		sl_wake_ask(k, l);
	n = k->n_ready;
	for (uint32_t i = 0; i < n; i++) {
		const struct sl_rxq *q = &l->asked[k->ready[i]];
		uint16_t got = likely(owns(w, q)) ? receive(w, q) : 0;

		found |= got > 0;
		if (got == SL_BURST_MAX)
			k->ready[kept++] = k->ready[i];
	}
	k->n_ready = kept;
	return found;
}

/* For a list that is new, or has asked queues. */
static __rte_noinline bool turn_beside(struct sl_worker *w, const struct sl_rxq_list *l)
{
	if (l->seq != atomic_load_explicit(&w->rxqs_seen, memory_order_relaxed)) {
		w->wake.n_ready = 0;
		w->wake.ask_at = 0;
		hand_over(w, l);
	}
	if (l->n_asked > 0)
		return poll_ready(w, l);
	w->plain_seq = l->seq;
	return false;
}

static __rte_always_inline bool turn(struct sl_worker *w)
{
	const struct sl_rxq_list *l = atomic_load_explicit(&w->rxqs, memory_order_acquire);
	bool found = false;

	if (l != NULL && unlikely(l->seq != w->plain_seq))
		found = turn_beside(w, l);
	for (uint32_t i = 0; l != NULL && i < l->n; i++)
		if (likely(owns(w, &l->q[i])))
			found |= receive(w, &l->q[i]) > 0;
	found |= drain_injects(w);
	if (!found && w->spare != NULL) {
		w->offloads = true; /* what was put aside may have had some */
		w->spare(w);
		flush_ports(w);
	}
	rte_rcu_qsbr_quiescent(w->qsbr, w->id);
	return found;
}

static __rte_noinline bool turn_of_adaptive(struct sl_worker *w)
{
	return turn(w);
}

static bool are_owned(const struct sl_worker *w, const struct sl_rxq *q, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (!owns(w, &q[i]))
			return false;
	return true;
}

/*
 * Whether a descriptor tells of every queue from now on. One that another worker has not handed over
 * yet does not count: nobody would wake this worker then. Once they are all here, they stay as long
 * as the list does.
 */
static bool arm(struct sl_worker *w, const struct sl_rxq_list *l)
{
	bool armed = !l->blind;

	if (w->wake.all_owned != l->seq) {
		if (!are_owned(w, l->q, l->n) || !are_owned(w, l->asked, l->n_asked))
			return false;
		w->wake.all_owned = l->seq;
	}
	for (uint32_t i = 0; i < l->n_arm; i++)
		armed &= l->arm[i].arm(l->arm[i].queue);
	return armed;
}

/* How long to sleep: by the clock in growing steps, unless all that may happen wakes the worker. */
static unsigned int sleep_us(struct sl_worker *w, bool woken)
{
	unsigned int step = RTE_MIN(w->wake.n_naps / NAPS_A_STEP, 7u);

	if (woken)
		return w->waits != NULL && w->waits(w) ? NAP_MAX_US : BLOCK_MAX_US;
	w->wake.n_naps += w->wake.n_naps < UINT32_MAX;
	return RTE_MIN((unsigned int)NAP_MIN_US << step, (unsigned int)NAP_MAX_US);
}

static uint64_t seq_of(const struct sl_rxq_list *l)
{
	return l != NULL ? l->seq : 0;
}

/* Whether nothing has happened since `seq` was the list's that control does not ring for again. */
static bool may_sleep(const struct sl_worker *w, uint64_t seq)
{
	return !w->wake.rung && !atomic_load_explicit(&w->stop, memory_order_relaxed) &&
	       seq_of(atomic_load_explicit(&w->rxqs, memory_order_acquire)) == seq;
}

/*
 * Sleeps until there is something to do. Returns true, without having slept, when a last look found
 * packets. Offline in RCU while it sleeps: no grace period waits for a worker that sleeps.
 */
static bool rest(struct sl_worker *w)
{
	const struct sl_rxq_list *l = atomic_load_explicit(&w->rxqs, memory_order_acquire);
	uint64_t seq = seq_of(l);
	bool woken, found;

	w->wake.rung = false;
	sl_bell_listen(&w->wake.bell);
	woken = l == NULL || arm(w, l);
	found = turn_of_adaptive(w); /* l may be gone after it */
	if (!found && may_sleep(w, seq)) {
		unsigned int us = sleep_us(w, woken);

		rte_rcu_qsbr_thread_offline(w->qsbr, w->id);
		sl_wake_sleep(&w->wake, us);
		rte_rcu_qsbr_thread_online(w->qsbr, w->id);
	}
	sl_bell_ignore(&w->wake.bell);
	return found;
}

static void spin(struct sl_worker *w)
{
	uint64_t now, last = rte_rdtsc();

	while (!atomic_load_explicit(&w->stop, memory_order_relaxed)) {
		bool found = turn(w);

		if (!found)
			rte_pause();
		now = rte_rdtsc();
		sl_count(found ? &w->counters.busy_cycles : &w->counters.idle_cycles, now - last);
		last = now;
	}
}

/*
 * Control looks at upcalls every millisecond, unless it sleeps because nothing has happened for some
 * time. The bell's fence comes before it is asked whether control sleeps, so no upcall waits for as
 * long as control does.
 */
static void wake_control(const struct sl_worker *w)
{
	if (unlikely(!rte_ring_empty(w->rings.upcall)))
		sl_bell_ring(w->control);
}

static void adapt(struct sl_worker *w)
{
	uint64_t now, last = rte_rdtsc(), since = last;

	while (!atomic_load_explicit(&w->stop, memory_order_relaxed)) {
		bool found = turn_of_adaptive(w);

		if (!found && last - since >= w->spin_cycles)
			found = rest(w);
		else if (!found)
			rte_pause();
		now = rte_rdtsc();
		sl_count(found ? &w->counters.busy_cycles : &w->counters.idle_cycles, now - last);
		last = now;
		if (found) {
			since = now;
			w->wake.n_naps = 0;
			wake_control(w);
		}
	}
}

void *sl_worker_main(struct sl_worker *w)
{
	if (w->stages.until == 0)
		w->stages.until = SL_STAGE_STRIDE;
	prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS, 0, 0, 0);
	rte_rcu_qsbr_thread_online(w->qsbr, w->id);
	if (w->idle == SL_IDLE_SPIN)
		spin(w);
	else
		adapt(w);
	while (drain_injects(w))
		;
	rte_rcu_qsbr_thread_offline(w->qsbr, w->id);
	return NULL;
}
