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

#include <netinet/in.h>
#include <rte_version.h>
#include <valgrind/callgrind.h>

#include "pipelines/context/world.h"
#include "pipelines/flow/flow_dp.h"
#include "pipelines/parse/parse_dp.h"
#include "pipelines/rewrite/rewrite_dp.h"
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
	WARM_PASSES = 3,
	WARM_FLOWS = 256,
	PAYLOAD = 18,	/* UDP: 64 bytes on the wire */
	OWN_SEQ = 1000, /* TCP: what the opener's SYN carries */
	PEER_SEQ = 5000,
	FIRST_PORT = 1024,
	WARM_PORT = 40000,
};

enum kind { ENCAP, DECAP, LOCAL };

struct workload {
	const char *name;
	enum kind kind;
	bool ip6;
	bool new_flows; /* the counted packets open connections */
	bool tcp;
	enum sl_encap_id encap;
	enum sl_family underlay;
	uint16_t what; /* SL_REWRITE_*: what becomes of the opener's packets */
};

/* A packet's place in its connection. */
enum step {
	OPENS,	 /* TCP: SYN */
	ANSWERS, /* the other end's; TCP: SYN and ACK */
	GOES_ON, /* TCP: with data */
};

static const struct workload workloads[] = {
	{"encap", ENCAP, false, false, false},
	{"decap", DECAP, false, false, false},
	{"local", LOCAL, false, false, false},
	{"encap_ip6", ENCAP, true, false, false},
	{"decap_ip6", DECAP, true, false, false},
	{"encap_first", ENCAP, false, true, false},
	{"decap_first", DECAP, false, true, false},
	{"encap_tcp", ENCAP, false, false, true},
	{"decap_tcp", DECAP, false, false, true},
	{"local_tcp", LOCAL, false, false, true},
	{"encap_tcp_ip6", ENCAP, true, false, true},
	{"decap_tcp_ip6", DECAP, true, false, true},
	{"encap_tcp_first", ENCAP, false, true, true},
	{"decap_tcp_first", DECAP, false, true, true},
	{"encap_vxlan6", ENCAP, .underlay = SL_FAMILY_IP6},
	{"decap_vxlan6", DECAP, .underlay = SL_FAMILY_IP6},
	{"encap_gbp", ENCAP, .encap = SL_ENCAP_VXLAN_GBP},
	{"decap_gbp", DECAP, .encap = SL_ENCAP_VXLAN_GBP},
	{"encap_gbp6", ENCAP, .encap = SL_ENCAP_VXLAN_GBP, .underlay = SL_FAMILY_IP6},
	{"decap_gbp6", DECAP, .encap = SL_ENCAP_VXLAN_GBP, .underlay = SL_FAMILY_IP6},
	{"encap_geneve", ENCAP, .encap = SL_ENCAP_GENEVE},
	{"decap_geneve", DECAP, .encap = SL_ENCAP_GENEVE},
	{"encap_geneve6", ENCAP, .encap = SL_ENCAP_GENEVE, .underlay = SL_FAMILY_IP6},
	{"decap_geneve6", DECAP, .encap = SL_ENCAP_GENEVE, .underlay = SL_FAMILY_IP6},
	{"encap_ipip", ENCAP, .encap = SL_ENCAP_IPIP},
	{"encap_ipip6", ENCAP, .encap = SL_ENCAP_IPIP, .underlay = SL_FAMILY_IP6},
	{"routed", LOCAL, false, .what = SL_REWRITE_MACS | SL_REWRITE_HOP},
	{"routed_ip6", LOCAL, true, .what = SL_REWRITE_MACS | SL_REWRITE_HOP},
	{"translated", LOCAL, false, .what = SL_REWRITE_MACS | SL_REWRITE_HOP | SL_REWRITE_SRC},
	{"translated_ip6", LOCAL, true, .what = SL_REWRITE_MACS | SL_REWRITE_HOP | SL_REWRITE_SRC},
};

/* A device: what is received from it, and what was sent to it. */
struct device {
	struct rte_mbuf *pkt[FLOWS];
	unsigned int n, at;
	struct sl_worker *stops; /* after the last packet */
};

static struct device from, to;
static struct sl_rxq_list *poll; /* the one queue it is received from */

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

/* Who sends from where: of each kind, the opener and its peer. */
struct end {
	const char *mac, *ip[2];
	uint16_t port;
};

static const struct end web = {"02:00:00:00:00:05", {"10.0.0.5", "fd00::5"}, SL_RIG_WEB};
static const struct end db = {"02:00:00:00:00:06", {"10.0.0.6", "fd00::6"}, SL_RIG_DB};
static const struct end far = {"02:00:00:00:00:07", {"10.0.0.7", "fd00::7"}, SL_RIG_UNDERLAY};
static const struct end *const ends[][2] = {
	[ENCAP] = {&web, &far},
	[DECAP] = {&far, &web},
	[LOCAL] = {&web, &db},
};

static void add_tcp(struct sl_frame *f, uint16_t sport, enum step step)
{
	switch (step) {
	case OPENS:
		sl_frame_tcp(f, .sport = sport, .dport = 80, .seq = OWN_SEQ, .flags = SL_TCP_SYN);
		break;
	case ANSWERS:
		sl_frame_tcp(f, .sport = 80, .dport = sport, .seq = PEER_SEQ, .ack = OWN_SEQ + 1,
			.flags = SL_TCP_SYN | SL_TCP_ACK);
		break;
	case GOES_ON:
		sl_frame_tcp(f, .sport = sport, .dport = 80, .seq = OWN_SEQ + 1,
			.ack = PEER_SEQ + 1, .flags = SL_TCP_PSH | SL_TCP_ACK);
		break;
	}
}

static const struct end *sender(const struct workload *c, enum step step)
{
	return ends[c->kind][step == ANSWERS];
}

static void build(const struct workload *c, struct sl_frame *f, uint16_t sport, enum step step)
{
	const struct end *src = sender(c, step), *dst = ends[c->kind][step != ANSWERS];
	static struct sl_frame inner;
	struct sl_frame *in = src == &far ? &inner : f;

	sl_frame_start(in);
	sl_frame_eth(in, .src = src->mac, .dst = dst->mac);
	if (c->ip6)
		sl_frame_ip6(in, .src = src->ip[1], .dst = dst->ip[1]);
	else
		sl_frame_ip4(in, .src = src->ip[0], .dst = dst->ip[0]);
	if (c->tcp)
		add_tcp(in, sport, step);
	else
		sl_frame_udp(in, .sport = sport, .dport = 80);
	if (!c->tcp || step == GOES_ON)
		sl_frame_payload(in, PAYLOAD);
	sl_frame_end(in);
	if (in != f)
		sl_rig_wrap_as(f, in, c->encap, c->underlay);
}

/* One packet of each of n flows through the worker; false when some did not come out. */
static bool pass(const struct workload *c, struct sl_worker *w, uint16_t port, unsigned int n,
	enum step step, bool counted)
{
	static struct sl_frame f;

	poll->q[0].port = atomic_load(&w->ports[sender(c, step)->port]);
	for (unsigned int i = 0; i < n; i++) {
		build(c, &f, (uint16_t)(port + i), step);
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

/* What the packet alone in the burst becomes, and the key of its replies. */
static void add_record(const struct workload *c, const struct sl_burst *b, struct sl_rewrite *r,
	struct sl_key4 *reply, struct sl_key6 *reply6)
{
	struct sl_mac mac = sl_test_mac(db.mac);

	*r = (struct sl_rewrite){.what = c->what, .network = 1};
	memcpy(r->macs, mac.b, 6);
	memcpy(r->macs + 6, mac.b, 6);
	r->src = sl_test_ip(c->ip6 ? "2001:db8::9" : "198.51.100.9");
	r->sport_be = c->ip6 ? b->key6[0].sport_be : b->key4[0].sport_be;
	if (c->ip6) {
		sl_rewrite_finish6(r, &b->key6[0]);
		*reply6 = sl_rewrite_reply6(r, IPPROTO_UDP);
	} else {
		sl_rewrite_finish4(r, &b->key4[0]);
		*reply = sl_rewrite_reply4(r, IPPROTO_UDP);
	}
}

/* The connection of the packet alone in the burst. */
static bool open_rewritten(const struct workload *c, struct sl_pipeline *p, struct sl_burst *b)
{
	const struct sl_action act = {.kind = SL_ACT_PORT, .mtu = 1500, .out = SL_RIG_DB};
	struct sl_rewrite r;
	struct sl_key4 reply;
	struct sl_key6 reply6;
	struct sl_flow_install in = {
		.generation = atomic_load(&p->world)->generation, .tick = 100, .rewrite = {&r, &r}};

	add_record(c, b, &r, &reply, &reply6);
	in.side[0].act = in.side[1].act = act;
	in.side[0].origin = SL_RIG_WEB;
	in.side[1].origin = SL_RIG_DB;
	memcpy(in.side[0].macs, rte_pktmbuf_mtod(b->pkt[0], const void *), 12);
	if (c->what & SL_REWRITE_SRC && c->ip6)
		in.reply6 = &reply6;
	else if (c->what & SL_REWRITE_SRC)
		in.reply = &reply;
	return sl_flow_install(p->flows, 0, b, 0, &in) != NULL;
}

/* No stage makes such connections without more of a configuration than this program has. */
static bool open_all_rewritten(const struct workload *c, struct sl_pipeline *p)
{
	static struct sl_burst b;
	static struct sl_frame f;
	bool good = true;

	for (unsigned int i = 0; i < FLOWS; i++) {
		build(c, &f, (uint16_t)(FIRST_PORT + i), OPENS);
		b.n = 0;
		sl_test_burst_add(&b, sl_frame_mbuf(&f));
		sl_parse_access(&b, SL_RIG_WEB, 1);
		good &= open_rewritten(c, p, &b);
		rte_pktmbuf_free(b.pkt[0]);
	}
	return good;
}

/* Connections opened, and every worker's shortcut to them learnt. */
static bool warm_up(const struct workload *c, struct sl_worker *w)
{
	uint16_t port = c->new_flows ? WARM_PORT : FIRST_PORT;
	unsigned int n = c->new_flows ? WARM_FLOWS : FLOWS;
	bool good = pass(c, w, port, n, OPENS, false);

	if (c->tcp)
		good &= pass(c, w, port, n, ANSWERS, false);
	for (unsigned int i = 0; i < WARM_PASSES - 1; i++)
		good &= pass(c, w, port, n, GOES_ON, false);
	return good;
}

static bool count(const struct workload *c)
{
	struct sl_rig *rig = sl_rig_create();
	struct sl_worker *w = sl_rig_worker(rig);
	static struct sl_rxq_state state; /* the one worker's */
	bool good;

	poll = calloc(1, sizeof(*poll) + sizeof(poll->q[0]));
	if (poll == NULL)
		abort();
	sl_rig_allow_all(rig);
	if (c->encap != SL_ENCAP_VXLAN || c->underlay != SL_FAMILY_IP4)
		sl_rig_encap(rig, c->encap, c->underlay);
	w->run = sl_pipeline_run;
	for (uint16_t i = 0; i < 4; i++) {
		struct sl_port_dp *p = atomic_load(&w->ports[i]);

		p->transmit = give;
		p->txq[0].queue = &to;
	}
	poll->n = 1;
	poll->q[0].state = &state;
	poll->q[0].receive = take;
	poll->q[0].queue = &from;
	atomic_store(&w->rxqs, poll);
	good = c->what == 0 || open_all_rewritten(c, sl_rig_pipeline(rig));
	good &= warm_up(c, w);
	good &= pass(c, w, FIRST_PORT, FLOWS, c->new_flows ? OPENS : GOES_ON, true);
	sl_rig_destroy(rig);
	free(poll);
	return good;
}

int main(int argc, char **argv)
{
	/* Where a flow lies in its table follows from these. */
	for (unsigned int i = 0; i < RTE_DIM(sl_key_seeds.s); i++)
		sl_key_seeds.s[i] = 0x5eed0123456789abull * (2 * i + 1);
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
