/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of the flow table share: a table with its RCU, and bursts of packets made from
 * keys by hand, without parse.
 * Threads: one.
 * Ownership: static; one table at a time.
 */
#ifndef SL_TESTS_FLOW_TEST_H
#define SL_TESTS_FLOW_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <rte_lcore.h>

#include "pipelines/flow/flow_ctl.h"
#include "pipelines/rewrite/rewrite_dp.h"
#include "tests/lib/packet.h"

enum { FIN = 1, SYN = 2, RST = 4, ACK = 16 };

#define GENERATION 7u
#define PORT_A	   3u /* where the opener's packets enter */
#define PORT_B	   4u
#define FRAME_LEN  100u

struct flow_fixture {
	struct sl_rcu *rcu;
	struct sl_flow_table *t;
	struct sl_burst b;
	struct rte_mbuf mbuf[SL_BURST_MAX];
	uint8_t bytes[SL_BURST_MAX][128];
	struct sl_flow_pass pass;
	uint32_t tick;
	uint64_t generation;
};

/* Connection number `id` of a family and protocol, seen from either end. */
struct flow_packet {
	uint32_t id;
	uint8_t proto; /* 0: UDP */
	bool v6;
	bool reply; /* from B to A */
	/* The replies are from another address and port, and in another network: two keys. */
	bool two;
	uint8_t tcp_flags; /* of TCP */
	uint16_t flags;	   /* SL_P_* other than family and protocol */
	/* TCP; 0: for a connection that has carried no data, see flow_tcp */
	uint32_t seq, ack;
	uint16_t data_len, window;
	uint8_t scale; /* for a SYN: the option's value + 1; 0: no option */
};

#define ISN_A 1000u
#define ISN_B 5000u

static inline void flow_setup(struct flow_fixture *x, uint32_t max_flows, unsigned int n_workers)
{
	memset(x, 0, sizeof(*x));
	x->tick = 1000;
	x->generation = GENERATION;
	x->rcu = sl_rcu_create(n_workers, SOCKET_ID_ANY);
	assert_non_null(x->rcu);
	x->t = sl_flow_table_create(max_flows, n_workers, SOCKET_ID_ANY, x->rcu);
	assert_non_null(x->t);
}

static inline void flow_teardown(struct flow_fixture *x)
{
	sl_rcu_drain(x->rcu);
	sl_flow_table_destroy(x->t);
	sl_rcu_destroy(x->rcu);
}

#define OTHER_NETWORK 7

static inline struct sl_key4 flow_key4(const struct flow_packet *p)
{
	struct sl_key4 k = {.src_be = rte_cpu_to_be_32(0x0a000000 | (p->id >> 8)),
		.dst_be = rte_cpu_to_be_32(0x0b000001),
		.sport_be = rte_cpu_to_be_16((uint16_t)(1024 + (p->id & 255))),
		.dport_be = rte_cpu_to_be_16(80),
		.net_proto = sl_key_net_proto(1, p->proto == 0 ? IPPROTO_UDP : p->proto)};

	if (!p->reply)
		return k;
	k = sl_key4_reverse(&k);
	if (p->two) {
		k.src_be ^= rte_cpu_to_be_32(0x00ff0000);
		k.sport_be = rte_cpu_to_be_16(8080);
		k.net_proto = sl_key_net_proto(OTHER_NETWORK, sl_key_proto(k.net_proto));
	}
	return k;
}

static inline struct sl_key6 flow_key6(const struct flow_packet *p)
{
	struct sl_key4 k4 = flow_key4(p);
	struct sl_key6 k = sl_key6_from4(&k4);

	k.src[0] = k.dst[0] = 0xfd;
	return k;
}

static inline void flow_clear(struct flow_fixture *x)
{
	x->b.n = 0;
}

/* After Ethernet and IPv4, with an option of eight bytes for the window scale. */
static inline void flow_tcp(struct flow_fixture *x, unsigned int i, const struct flow_packet *p)
{
	uint32_t isn = p->reply ? ISN_B : ISN_A, other = p->reply ? ISN_A : ISN_B;
	uint32_t seq = p->seq != 0 ? p->seq : isn + !(p->tcp_flags & SYN);
	uint32_t ack = p->ack != 0 ? p->ack : other + 1;
	struct sl_meta *m = &x->b.meta[i];
	uint8_t *tcp = &x->bytes[i][34];
	uint8_t words = p->scale != 0 ? 7 : 5;
	uint16_t window_be = rte_cpu_to_be_16(p->window != 0 ? p->window : 1000);

	m->l3_off = 14;
	m->l4_off = 34;
	m->l3_len = (uint16_t)(20 + 4 * words + p->data_len);
	seq = rte_cpu_to_be_32(seq);
	ack = rte_cpu_to_be_32(p->tcp_flags & ACK ? ack : 0);
	memset(tcp, 0, 28);
	memcpy(tcp + 4, &seq, 4);
	memcpy(tcp + 8, &ack, 4);
	tcp[12] = (uint8_t)(words << 4);
	tcp[13] = p->tcp_flags;
	memcpy(tcp + 14, &window_be, 2);
	if (p->scale != 0)
		memcpy(tcp + 20, (uint8_t[]){1, 3, 3, p->scale - 1, 0}, 5);
}

/* Put a packet into the burst; returns its index. */
static inline unsigned int flow_add(struct flow_fixture *x, const struct flow_packet *p)
{
	static const uint8_t mac_a[6] = {2, 0, 0, 0, 0, 0xa}, mac_b[6] = {2, 0, 0, 0, 0, 0xb};
	unsigned int i = sl_test_burst_add(&x->b, &x->mbuf[x->b.n]);
	struct sl_meta *m = &x->b.meta[i];
	struct rte_mbuf *mb = &x->mbuf[i];

	mb->buf_addr = x->bytes[i];
	mb->data_off = 0;
	mb->data_len = sizeof(x->bytes[i]);
	mb->pkt_len = FRAME_LEN;
	memcpy(x->bytes[i], p->reply ? mac_a : mac_b, 6);
	memcpy(x->bytes[i] + 6, p->reply ? mac_b : mac_a, 6);
	m->proto = p->proto == 0 ? IPPROTO_UDP : p->proto;
	m->tcp_flags = p->proto == IPPROTO_TCP ? p->tcp_flags : 0;
	m->flags = (uint16_t)(p->flags | (p->proto == IPPROTO_TCP ? SL_P_TCP : 0) |
			      (p->v6 ? SL_P_IP6 : SL_P_IP4));
	m->origin = p->reply ? PORT_B : PORT_A;
	m->network = p->two && p->reply ? OTHER_NETWORK : 1;
	m->l3_off = 14;
	x->bytes[i][21] = x->bytes[i][22] = 64; /* hop limit, TTL */
	if (p->proto == IPPROTO_TCP)
		flow_tcp(x, i, p);
	x->b.verdict[i] = SL_KEEP;
	if (p->v6) {
		x->b.key6[i] = flow_key6(p);
		m->hash = sl_key6_hash(&x->b.key6[i]);
	} else {
		x->b.key4[i] = flow_key4(p);
		m->hash = sl_key4_hash(&x->b.key4[i]);
	}
	return i;
}

/* The resolution to install for packet i: send it to the other port. */
static inline struct sl_flow_install flow_resolution(const struct flow_fixture *x, unsigned int i)
{
	const struct sl_meta *m = &x->b.meta[i];
	uint32_t other = m->origin == PORT_A ? PORT_B : PORT_A;
	struct sl_flow_install in = {.generation = x->generation,
		.tick = x->tick,
		.policy_ingress = 11,
		.policy_egress = 12,
		.identity_src = 300,
		.identity_dst = 301};

	in.side[0].origin = m->origin;
	in.side[0].act = (struct sl_action){.kind = SL_ACT_PORT, .mtu = 1500, .out = other};
	in.side[1].origin = other;
	in.side[1].act = (struct sl_action){.kind = SL_ACT_PORT, .mtu = 1500, .out = m->origin};
	memcpy(in.side[0].macs, x->bytes[i], 12);
	memcpy(in.side[1].macs, x->bytes[i] + 6, 6);
	memcpy(in.side[1].macs + 6, x->bytes[i], 6);
	return in;
}

/* What a packet of a connection with two keys becomes. The MACs tell which packet it was. */
static inline struct sl_rewrite flow_record(const struct flow_packet *p, uint64_t generation)
{
	struct sl_rewrite r = {
		.what = SL_REWRITE_MACS | SL_REWRITE_HOP | SL_REWRITE_SRC | SL_REWRITE_DST};
	struct flow_packet other = *p;
	struct sl_key4 k4 = flow_key4(p), o4;
	struct sl_key6 k6 = flow_key6(p), o6;
	uint32_t name = p->id * 2 + p->reply;

	other.reply = !p->reply;
	o4 = flow_key4(&other);
	o6 = flow_key6(&other);
	memcpy(r.macs, &name, sizeof(name));
	memcpy(r.macs + 4, &generation, sizeof(generation));
	r.network = sl_key_network(o4.net_proto);
	r.sport_be = o4.dport_be;
	r.dport_be = o4.sport_be;
	r.src = sl_ip_from_v4(o4.dst_be);
	r.dst = sl_ip_from_v4(o4.src_be);
	if (!p->v6) {
		sl_rewrite_finish4(&r, &k4);
		return r;
	}
	memcpy(r.src.b, o6.dst, 16);
	memcpy(r.dst.b, o6.src, 16);
	sl_rewrite_finish6(&r, &k6);
	return r;
}

/* What a resolution has besides for a packet with two keys. */
struct flow_translation {
	struct sl_key4 reply;
	struct sl_key6 reply6;
	struct sl_rewrite record[2];
};

static inline void flow_translate(struct flow_translation *to, const struct flow_packet *p,
	uint64_t generation, struct sl_flow_install *in)
{
	struct flow_packet other = *p;

	other.reply = !p->reply;
	to->reply = flow_key4(&other);
	to->reply6 = flow_key6(&other);
	to->record[0] = flow_record(p, generation);
	to->record[1] = flow_record(&other, generation);
	in->rewrite[0] = &to->record[0];
	in->rewrite[1] = &to->record[1];
	if (p->v6)
		in->reply6 = &to->reply6;
	else
		in->reply = &to->reply;
}

static inline struct sl_flow *flow_install(
	struct flow_fixture *x, unsigned int worker, const struct flow_packet *p)
{
	struct flow_translation translation;
	struct sl_flow_install in;
	unsigned int i;

	flow_clear(x);
	i = flow_add(x, p);
	in = flow_resolution(x, i);
	if (p->two)
		flow_translate(&translation, p, x->generation, &in);
	/* Only a SYN shows who opened the connection. */
	in.picked = p->proto == IPPROTO_TCP && (p->tcp_flags & (SYN | ACK)) != SYN;
	in.by_peer = in.picked && p->tcp_flags & SYN;
	return sl_flow_install(x->t, worker, &x->b, i, &in);
}

static inline void flow_lookup_all(struct flow_fixture *x)
{
	x->pass.worker = 0;
	x->pass.tick = x->tick;
	x->pass.generation = x->generation;
	x->pass.walked = UINT64_MAX; /* records are handed out, and not applied at once */
	sl_flow_lookup(x->t, &x->b, sl_test_all, x->b.n, &x->pass);
	assert_in_range(x->pass.n_miss, 0, x->b.n);
}

/* Whether the packet, alone in a burst, is a hit; meta[0] has its metadata. */
static inline bool flow_hits(struct flow_fixture *x, const struct flow_packet *p)
{
	flow_clear(x);
	flow_add(x, p);
	flow_lookup_all(x);
	return x->pass.n_miss == 0;
}

static inline struct sl_flow *flow_find(struct flow_fixture *x, const struct flow_packet *p)
{
	struct sl_key4 k4 = flow_key4(p);
	struct sl_key6 k6 = flow_key6(p);

	return p->v6 ? sl_flow_find6(x->t, &k6) : sl_flow_find4(x->t, &k4);
}

static inline enum sl_conn_state flow_state(struct flow_fixture *x, struct sl_flow *f)
{
	return (enum sl_conn_state)atomic_load(&sl_flow_conn(x->t, f)->state);
}

/* Remove all connections past their timeout at x->tick, and let the grace period pass. */
static inline unsigned int flow_age_all(struct flow_fixture *x)
{
	struct sl_flow_timeouts to;
	unsigned int n;

	sl_flow_timeouts_default(&to);
	n = sl_flow_age(x->t, &to, x->tick, UINT32_MAX);
	sl_rcu_drain(x->rcu);
	return n;
}

static inline int flow_del(struct flow_fixture *x, const struct flow_packet *p)
{
	struct sl_key4 k4 = flow_key4(p);
	struct sl_key6 k = p->v6 ? flow_key6(p) : sl_key6_from4(&k4);

	return sl_flow_del(x->t, &k, !p->v6);
}

#endif
