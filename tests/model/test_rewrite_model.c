/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rewritten packets against a slow twin (rewrite_twin.h): random packets of both families, whole and
 * in fragments, with unfinished checksums and as super-segments, in one buffer and in chains, there
 * and back; and ICMP errors that quote them. Every byte is compared.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>
#include <netinet/in.h>

#include "dp/lib/hash.h"
#include "pipelines/parse/parse_dp.h"
#include "pipelines/flow/flow_plain.h"
#include "rewrite_twin.h"
#include "sluice/super.h"

#define ROUNDS	60000
#define INSIDE	5 /* networks */
#define OUTSIDE 9

static uint64_t seed, state;
static uint64_t walked; /* as sl_parse says of the packet */
static struct sl_burst b;
static unsigned int zeros, wrong_sums, quotes, supers, chains, plain;

static uint32_t below(uint32_t n)
{
	state += SL_HASH_K0;
	return (uint32_t)(sl_hash_fold(state, state ^ SL_HASH_K1) % n);
}

static bool once_in(uint32_t n)
{
	return below(n) == 0;
}

static struct sl_ip random_ip(bool ip4)
{
	struct sl_ip ip;

	for (unsigned int i = 0; i < 16; i++)
		ip.b[i] = (uint8_t)(once_in(4) ? (below(2) ? 0xff : 0) : below(256));
	ip.b[0] = 0x20;
	if (ip4)
		ip = sl_ip_from_v4(rte_cpu_to_be_32(0x0a000000 | below(1 << 24)));
	return ip;
}

static uint16_t random_port(void)
{
	return (uint16_t)(once_in(8) ? (below(2) ? 0xffff : 0) : below(65536));
}

static uint8_t random_type(bool ip4)
{
	static const uint8_t types[2][3] = {{128, 129, 140}, {8, 0, 13}};

	return types[ip4][below(3)];
}

static struct twin random_packet(void)
{
	static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDP,
		IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP, IPPROTO_UDPLITE, IPPROTO_DCCP, 47};
	struct twin t = {.ip4 = below(2),
		.proto = protos[below(RTE_DIM(protos))],
		.hops = (uint8_t)(2 + below(254)),
		.options = (uint8_t)(once_in(4) ? below(3) : 0),
		.payload = (uint16_t)below(200),
		.seed = below(UINT32_MAX),
		.extra = (uint16_t)below(65536),
		.sport = random_port(),
		.dport = random_port()};

	for (unsigned int i = 0; i < 12; i++)
		t.macs[i] = (uint8_t)(i % 6 == 0 ? 2 : below(256));
	t.src = random_ip(t.ip4);
	t.dst = random_ip(t.ip4);
	if (t.proto == IPPROTO_ICMP) {
		t.icmp = random_type(t.ip4);
		if (!t.ip4)
			t.proto = IPPROTO_ICMPV6;
	}
	if (once_in(6)) {
		t.part = once_in(2) ? TWIN_FIRST : TWIN_LATER;
		t.payload = (uint16_t)(200 + below(100));
	}
	t.no_checksum = t.proto == IPPROTO_UDP && once_in(4);
	return t;
}

/* Unfinished, or a super-segment: see sluice/super.h. */
static void add_offloads(struct twin *t)
{
	if ((t->proto != IPPROTO_TCP && t->proto != IPPROTO_UDP) || t->part != TWIN_WHOLE ||
		t->no_checksum || !once_in(3))
		return;
	t->unfinished = true;
	if (once_in(2))
		t->payload = (uint16_t)(1000 + below(2000));
}

/* The packet as its port hands it over. */
static struct rte_mbuf *mbuf_of(const struct twin *t)
{
	uint8_t frame[TWIN_MAX + 64];
	uint32_t l4, len = twin_make(t, frame, &l4), cuts[2];
	struct rte_mbuf *m;

	if (len < 1500 && once_in(4)) {
		cuts[0] = below(len);
		cuts[1] = cuts[0] + below(len - cuts[0] + 1);
		m = sl_test_mbuf_chain(frame, len, cuts, 2);
		chains++;
	} else {
		m = sl_test_mbuf(frame, len);
	}
	if (!t->unfinished)
		return m;
	m->ol_flags |= t->proto == IPPROTO_TCP ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM;
	m->l2_len = 14;
	m->l3_len = (uint16_t)(l4 - 14);
	m->l4_len = t->proto == IPPROTO_TCP ? 20 : 8;
	if (t->payload > 900) {
		m->ol_flags |=
			t->proto == IPPROTO_TCP ? RTE_MBUF_F_TX_TCP_SEG : RTE_MBUF_F_TX_UDP_SEG;
		m->tso_segsz = 500;
		supers++;
	}
	return m;
}

/* Parsed, alone in the burst. */
static struct rte_mbuf *arrive(const struct twin *t, uint32_t network)
{
	struct rte_mbuf *m = mbuf_of(t);

	b.n = 0;
	sl_test_burst_add(&b, m);
	walked = sl_parse_access(&b, 3, network);
	assert_int_equal(b.verdict[0], SL_KEEP);
	return m;
}

static bool is_error(const struct twin *t)
{
	return t->quoted != NULL;
}

/* The packet is now as the twin says. With wrong: but for its checksum. */
static void leaves_as(struct rte_mbuf *m, const struct twin *t, bool wrong)
{
	uint8_t want[TWIN_MAX + 64], got[TWIN_MAX + 64];
	uint32_t l4, len = twin_make(t, want, &l4), at = twin_checksum_at(t);

	assert_int_equal(sl_test_mbuf_bytes(m, got, sizeof(got)), len);
	if (wrong && !t->unfinished && at != 0) {
		assert_memory_not_equal(got + l4 + at, want + l4 + at, 2);
		memcpy(got + l4 + at, want + l4 + at, t->proto == IPPROTO_SCTP ? 4 : 2);
		wrong_sums++;
	}
	zeros += t->part != TWIN_LATER && at != 0 && !is_error(t) &&
		 (memcmp(want + l4 + at, "\xff\xff", 2) == 0 ||
			 memcmp(want + l4 + at, "\0\0", 2) == 0);
	assert_bytes_equal(got, len, want, len);
	rte_pktmbuf_free(m);
}

static bool has_ports(const struct twin *t)
{
	return t->proto == IPPROTO_TCP || t->proto == IPPROTO_UDP || t->proto == IPPROTO_SCTP;
}

static bool is_echo(const struct twin *t)
{
	return t->proto == IPPROTO_ICMP	    ? t->icmp == 8 || t->icmp == 0
	       : t->proto == IPPROTO_ICMPV6 ? t->icmp == 128 || t->icmp == 129
					    : false;
}

static bool is_request(const struct twin *t)
{
	return is_echo(t) && (t->icmp == 8 || t->icmp == 128);
}

/* A random record for packets with this key: what is not translated stays as it is in the key. */
static struct sl_rewrite random_record(const struct twin *t)
{
	struct sl_rewrite r = {.what = (uint16_t)below(16),
		.network = once_in(2) ? INSIDE : OUTSIDE,
		.src = random_ip(t->ip4),
		.dst = random_ip(t->ip4),
		.sport_be = t->ip4 ? b.key4[0].sport_be : b.key6[0].sport_be,
		.dport_be = t->ip4 ? b.key4[0].dport_be : b.key6[0].dport_be};

	for (unsigned int i = 0; i < 12; i++)
		r.macs[i] = (uint8_t)(i % 6 == 0 ? 2 : below(256));
	if (t->part != TWIN_LATER && (has_ports(t) || is_request(t)))
		r.sport_be = random_port();
	if (t->part != TWIN_LATER && (has_ports(t) || (is_echo(t) && !is_request(t))))
		r.dport_be = random_port();
	if (t->proto == IPPROTO_SCTP && t->part == TWIN_FIRST) {
		r.sport_be = rte_cpu_to_be_16(t->sport);
		r.dport_be = rte_cpu_to_be_16(t->dport);
	}
	if (t->ip4)
		sl_rewrite_finish4(&r, &b.key4[0]);
	else
		sl_rewrite_finish6(&r, &b.key6[0]);
	return r;
}

static struct sl_rewrite record_back(const struct twin *t, const struct sl_rewrite *r)
{
	struct sl_rewrite back = {.what = (uint16_t)below(4)};

	for (unsigned int i = 0; i < 12; i++)
		back.macs[i] = (uint8_t)(i % 6 == 0 ? 2 : below(256));
	if (t->ip4)
		sl_rewrite_back4(r, &b.key4[0], &back);
	else
		sl_rewrite_back6(r, &b.key6[0], &back);
	return back;
}

/* The answer to a packet. */
static struct twin answer(const struct twin *t)
{
	struct twin n = *t;

	n.src = t->dst;
	n.dst = t->src;
	n.seed = below(UINT32_MAX);
	n.hops = (uint8_t)(2 + below(254));
	if (is_echo(t)) {
		n.icmp = t->ip4 ? (uint8_t)(8 - t->icmp) : (uint8_t)(257 - t->icmp);
		return n;
	}
	n.sport = t->dport;
	n.dport = t->sport;
	return n;
}

/* The answer arrives with the key that the record says. */
static void check_reply_key(const struct twin *t, const struct sl_rewrite *r)
{
	struct sl_key4 k4;
	struct sl_key6 k6;

	/* Other ICMP has no answer of its kind, and a later fragment no key of its connection. */
	if (t->part == TWIN_LATER || (!is_echo(t) && t->icmp != 0))
		return;
	k4 = sl_rewrite_reply4(r, t->proto);
	k6 = sl_rewrite_reply6(r, t->proto);
	if (t->ip4)
		assert_memory_equal(&b.key4[0], &k4, sizeof(k4));
	else
		assert_memory_equal(&b.key6[0], &k6, sizeof(k6));
}

static void damage(struct rte_mbuf *m, const struct twin *t)
{
	uint32_t at = twin_checksum_at(t), l4;
	uint8_t frame[TWIN_MAX + 64], buf[2];
	const uint8_t *p;

	twin_make(t, frame, &l4);
	p = rte_pktmbuf_read(m, l4 + at, 2, buf);
	if (at == 0 || p == buf)
		return;
	*rte_pktmbuf_mtod_offset(m, uint8_t *, l4 + at) ^= 0x40;
}

/* Whether damage() finds the checksum in the first buffer, and the checksum means something. */
static bool may_damage(const struct rte_mbuf *m, const struct twin *t)
{
	uint32_t at = twin_checksum_at(t), l4;
	uint8_t frame[TWIN_MAX + 64];

	twin_make(t, frame, &l4);
	return at != 0 && !t->unfinished && !t->no_checksum && t->part != TWIN_LATER &&
	       m->data_len >= l4 + at + 2;
}

/* Errors are about packets that left here, so their quotes are whole from the start. */
static void quote_comes_back(const struct twin *orig, const struct twin *left,
	const struct sl_rewrite *r, const struct sl_rewrite *back)
{
	struct twin in = *left, was, error, want;
	uint8_t ip[TWIN_MAX];
	uint32_t l4, len;

	in.unfinished = false;
	in.payload = (uint16_t)RTE_MIN(in.payload, 300);
	in.hops = (uint8_t)(1 + below(64));
	len = twin_make_ip(&in, ip, &l4);
	was = in;
	was.src = orig->src;
	was.dst = orig->dst;
	was.sport = orig->sport;
	was.dport = orig->dport;
	was.crc_of = &in;
	error = (struct twin){.ip4 = in.ip4,
		.proto = in.ip4 ? IPPROTO_ICMP : IPPROTO_ICMPV6,
		.icmp = in.ip4 ? 3 : 1,
		.hops = (uint8_t)(2 + below(200)),
		.src = once_in(2) ? in.dst : random_ip(in.ip4),
		.dst = in.src,
		.quoted = &in,
		.quoted_len = (uint16_t)RTE_MIN(l4 + 8 + below(100), len)};
	/* Half a checksum stays as it is; no stack sends such a quote. */
	error.quoted_len -= error.quoted_len == l4 + twin_checksum_at(&in) + 1;
	memcpy(error.macs, in.macs, 12);
	want = twin_rewritten(&error, back);
	want.quoted = &was;
	(void)r;
	arrive(&error, back->network);
	assert_true(b.meta[0].flags & SL_P_ICMP_ERROR);
	assert_int_equal(sl_rewrite_apply_quoted(b.pkt[0], &b.meta[0], back), SL_KEEP);
	leaves_as(b.pkt[0], &want, false);
	quotes++;
}

/* An entry and its record, as far apart as in the flow table. */
static struct {
	struct sl_flow flow;
	struct sl_rewrite record;
} place;

static enum sl_plain rewrite_plain(struct rte_mbuf *m, uint32_t begun, uint8_t track)
{
	struct sl_meta *md = &b.meta[0];

	atomic_store(&place.flow.seq, begun);
	place.flow.act =
		(struct sl_action){.kind = SL_ACT_PORT, .mtu = 65535, .flags = SL_ACT_REWRITE};
	md->act = place.flow.act;
	place.flow.act.flags |= track;
	md->flow = &place.flow;
	return sl_rewrite_plain(m, md, (uintptr_t)&place.record - (uintptr_t)&place.flow);
}

/* By the way of most packets, where it takes the packet; or by the other one. */
static void rewrite(struct rte_mbuf *m, const struct sl_rewrite *r)
{
	place.record = *r;
	if (walked == 0 && !once_in(3)) {
		/* It is being written, or was changed: the packet stays as it is. */
		assert_int_equal(rewrite_plain(m, 7, 0), SL_PLAIN_NOT);
		assert_int_equal(rewrite_plain(m, 8, SL_ACT_TRACK), SL_PLAIN_NOT);
		if (rewrite_plain(m, 8, 0) != SL_PLAIN_NOT) {
			plain++;
			return;
		}
	}
	assert_int_equal(sl_rewrite_apply(m, &b.meta[0], r), SL_KEEP);
}

static void one_round(void)
{
	struct twin t = random_packet(), left, reply, home;
	struct sl_rewrite r, back;
	struct rte_mbuf *m;
	bool wrong;

	add_offloads(&t);
	m = arrive(&t, INSIDE);
	r = random_record(&t);
	if (once_in(4) && t.payload >= 2 && t.proto != IPPROTO_SCTP && twin_checksum_at(&t) != 0 &&
		!t.unfinished && !t.no_checksum) {
		left = twin_rewritten(&t, &r);
		twin_force_zero(&left);
		t.extra = left.extra;
		rte_pktmbuf_free(m);
		m = arrive(&t, INSIDE);
	}
	back = record_back(&t, &r);
	left = twin_rewritten(&t, &r);
	wrong = once_in(16) && may_damage(m, &t);
	if (wrong)
		damage(m, &t);
	rewrite(m, &r);
	leaves_as(m, &left, wrong);
	reply = answer(&left);
	m = arrive(&reply, r.network);
	check_reply_key(&reply, &r);
	home = twin_rewritten(&reply, &back);
	rewrite(m, &back);
	leaves_as(m, &home, false);
	assert_true(sl_ip_equal(&home.src, &t.dst) && sl_ip_equal(&home.dst, &t.src));
	if (t.part == TWIN_WHOLE)
		quote_comes_back(&t, &left, &r, &back);
}

static void packets_become_what_the_slow_twin_says(void **unused)
{
	(void)unused;
	for (unsigned int i = 0; i < ROUNDS; i++)
		one_round();
	printf("%u checksums of 0, %u wrong ones, %u quotes, %u super-segments, %u chains, %u "
	       "plain ones\n",
		zeros, wrong_sums, quotes, supers, chains, plain);
	assert_true(zeros > 1000 && wrong_sums > 1000 && quotes > 10000 && supers > 1000 &&
		    chains > 10000 && plain > 5000);
	assert_int_equal(sl_test_pool_in_use(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_become_what_the_slow_twin_says),
	};
	const char *given = getenv("SEED");

	seed = state = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
	printf("seed %llu\n", (unsigned long long)seed);
	return cmocka_run_group_tests_name("rewrite model", tests, sl_test_eal, NULL);
}
