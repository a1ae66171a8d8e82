/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker's real loop over fixed packets, for counting instructions: every seed is fixed, the
 * devices are arrays, and callgrind looks only at the pass that counts.
 *
 *	workload CASE	prints, as JSON, how many packets were counted and what built the program
 *
 * Threads: one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_version.h>
#include <valgrind/callgrind.h>

#include "pipelines/flow/flow_dp.h"
#include "tests/lib/rig.h"

#ifdef __clang__
#define COMPILER       "clang"
#define COMPILER_MAJOR __clang_major__
#else
#define COMPILER       "gcc"
#define COMPILER_MAJOR __GNUC__
#endif

enum {
	FLOWS = 1024,
	WARM_PASSES = 3, /* connections opened; every worker's shortcut to them learnt */
	WARM_FLOWS = 256,
	PAYLOAD = 18, /* 64 bytes on the wire */
	FIRST_PORT = 1024,
	WARM_PORT = 40000,
};

enum kind { ENCAP, DECAP, LOCAL };

struct workload {
	const char *name;
	enum kind kind;
	bool ip6;
	bool new_flows; /* the counted packets open connections */
};

static const struct workload workloads[] = {
	{"encap", ENCAP, false, false},
	{"decap", DECAP, false, false},
	{"local", LOCAL, false, false},
	{"encap_ip6", ENCAP, true, false},
	{"decap_ip6", DECAP, true, false},
	{"encap_first", ENCAP, false, true},
	{"decap_first", DECAP, false, true},
};

/* A device: what is received from it, and what was sent to it. */
struct device {
	struct rte_mbuf *pkt[FLOWS];
	unsigned int n, at;
	struct sl_worker *stops; /* after the last packet */
};

static struct device from, to;

static uint16_t take(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct device *d = queue;
	unsigned int left = d->n - d->at;

	n = (uint16_t)RTE_MIN((unsigned int)n, left);
	memcpy(pkts, &d->pkt[d->at], n * sizeof(pkts[0]));
	d->at += n;
	if (d->at == d->n)
		atomic_store(&d->stops->stop, true);
	return n;
}

static uint16_t give(void *queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct device *d = queue;

	n = (uint16_t)RTE_MIN((unsigned int)n, FLOWS - d->n);
	memcpy(&d->pkt[d->n], pkts, n * sizeof(pkts[0]));
	d->n += n;
	return n;
}

/* Stand in for a driver without ethdev's administration: the worker calls nothing else of it. */
static void plug(uint16_t dev)
{
	static void *rxq[RTE_MAX_QUEUES_PER_PORT], *txq[RTE_MAX_QUEUES_PER_PORT];
	static void *no_callbacks[RTE_MAX_QUEUES_PER_PORT];
	struct rte_eth_fp_ops *ops = &rte_eth_fp_ops[dev];

	rxq[0] = &from;
	txq[0] = &to;
	ops->rx_pkt_burst = take;
	ops->tx_pkt_burst = give;
	ops->rxq.data = rxq;
	ops->txq.data = txq;
	ops->rxq.clbk = no_callbacks;
	ops->txq.clbk = no_callbacks;
}

static void build(const struct workload *c, struct sl_frame *f, uint16_t sport)
{
	static const struct {
		const char *src_mac, *dst_mac, *src[2], *dst[2];
	} ends[] = {
		[ENCAP] = {"02:00:00:00:00:05", "02:00:00:00:00:07", {"10.0.0.5", "fd00::5"},
			{"10.0.0.7", "fd00::7"}},
		[DECAP] = {"02:00:00:00:00:07", "02:00:00:00:00:05", {"10.0.0.7", "fd00::7"},
			{"10.0.0.5", "fd00::5"}},
		[LOCAL] = {"02:00:00:00:00:05", "02:00:00:00:00:06", {"10.0.0.5", "fd00::5"},
			{"10.0.0.6", "fd00::6"}},
	};
	static struct sl_frame inner;
	struct sl_frame *in = c->kind == DECAP ? &inner : f;

	sl_frame_start(in);
	sl_frame_eth(in, .src = ends[c->kind].src_mac, .dst = ends[c->kind].dst_mac);
	if (c->ip6)
		sl_frame_ip6(in, .src = ends[c->kind].src[1], .dst = ends[c->kind].dst[1]);
	else
		sl_frame_ip4(in, .src = ends[c->kind].src[0], .dst = ends[c->kind].dst[0]);
	sl_frame_udp(in, .sport = sport, .dport = 80);
	sl_frame_payload(in, PAYLOAD);
	sl_frame_end(in);
	if (c->kind == DECAP)
		sl_rig_wrap(f, in);
}

/* One packet of each of n flows through the worker; false when some did not come out. */
static bool pass(
	const struct workload *c, struct sl_worker *w, uint16_t port, unsigned int n, bool counted)
{
	static struct sl_frame f;

	for (unsigned int i = 0; i < n; i++) {
		build(c, &f, (uint16_t)(port + i));
		from.pkt[i] = sl_frame_mbuf(&f);
	}
	from.n = n;
	from.at = to.n = 0;
	from.stops = w;
	atomic_store(&w->stop, false);
	if (counted)
		CALLGRIND_START_INSTRUMENTATION;
	sl_worker_main(w);
	if (counted)
		CALLGRIND_STOP_INSTRUMENTATION;
	for (unsigned int i = 0; i < to.n; i++)
		rte_pktmbuf_free(to.pkt[i]);
	return to.n == n;
}

static bool count(const struct workload *c)
{
	struct sl_rig *rig = sl_rig_create();
	struct sl_worker *w = sl_rig_worker(rig);
	uint16_t in = c->kind == DECAP ? SL_RIG_UNDERLAY : SL_RIG_WEB;
	static struct sl_rxq_state state; /* the one worker's */
	struct sl_rxq_list *poll = calloc(1, sizeof(*poll) + sizeof(poll->q[0]));
	uint16_t warm_port = c->new_flows ? WARM_PORT : FIRST_PORT;
	bool good = poll != NULL;

	if (!good)
		abort();
	sl_rig_allow_all(rig);
	w->run = sl_pipeline_run;
	for (uint16_t i = 0; i < 4; i++) {
		struct sl_port_dp *p = atomic_load(&w->ports[i]);

		p->dev = i;
		plug(i);
	}
	poll->n = 1;
	poll->q[0].state = &state;
	poll->q[0].port = atomic_load(&w->ports[in]);
	atomic_store(&w->rxqs, poll);
	for (unsigned int i = 0; i < WARM_PASSES; i++)
		good &= pass(c, w, warm_port, c->new_flows ? WARM_FLOWS : FLOWS, false);
	good &= pass(c, w, FIRST_PORT, FLOWS, true);
	sl_rig_destroy(rig);
	free(poll);
	return good;
}

int main(int argc, char **argv)
{
	/* Where a flow lies in its table follows from these. */
	for (unsigned int i = 0; i < RTE_DIM(sl_flow_seeds.s); i++)
		sl_flow_seeds.s[i] = 0x5eed0123456789abull * (2 * i + 1);
	if (sl_test_eal(NULL) != 0)
		return 1;
	for (unsigned int i = 0; i < RTE_DIM(workloads) && argc == 2; i++) {
		if (strcmp(argv[1], workloads[i].name) != 0)
			continue;
		if (!count(&workloads[i])) {
			fprintf(stderr, "%s: packets were lost\n", argv[1]);
			return 1;
		}
		printf("{\"packets\": %d, \"compiler\": \"%s %d\", \"dpdk\": \"%d.%02d\"}\n", FLOWS,
			COMPILER, COMPILER_MAJOR, RTE_VER_YEAR, RTE_VER_MONTH);
		return 0;
	}
	fprintf(stderr, "usage: workload CASE, one of:");
	for (unsigned int i = 0; i < RTE_DIM(workloads); i++)
		fprintf(stderr, " %s", workloads[i].name);
	fprintf(stderr, "\n");
	return 2;
}
