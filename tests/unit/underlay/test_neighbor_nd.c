/* SPDX-License-Identifier: BSD-3-Clause */
/* Neighbour discovery as a neighbour protocol: frames, and the table that uses them. */
#include <netinet/icmp6.h>
#include <netinet/in.h>

#include <rte_ip.h>

#include "ctrl/underlay/neighbor_proto.h"
#include "neighbor_link.h"

#define OUR_MAC "02:00:00:00:0a:01"
#define OURS	"2001:db8::1"
#define HOP	"2001:db8::2"
#define ND_OFF	54u
#define TARGET	(ND_OFF + 8)
#define OPTION	(ND_OFF + 24)

/* A solicitation or advertisement, but for what a test changes. */
struct nd {
	uint8_t type; /* ND_NEIGHBOR_* */
	const char *mac, *src, *dst, *target;
	uint8_t flags, hops, code;
	bool no_option;
	uint8_t extra[16]; /* behind the option */
	unsigned int n_extra;
};

static struct sl_frame f;

static const struct nd solicitation = {.type = ND_NEIGHBOR_SOLICIT,
	.mac = OLD,
	.src = HOP,
	.dst = OURS,
	.target = OURS,
	.hops = 255};
static const struct nd advertisement = {.type = ND_NEIGHBOR_ADVERT,
	.mac = OLD,
	.src = HOP,
	.dst = OURS,
	.target = HOP,
	.flags = 0x60, /* solicited, override */
	.hops = 255};

static struct rte_mbuf *frame_of(const struct nd *nd)
{
	struct sl_ip target = sl_test_ip(nd->target);
	struct sl_mac mac = sl_test_mac(nd->mac);
	uint8_t option[8] = {
		nd->type == ND_NEIGHBOR_SOLICIT ? ND_OPT_SOURCE_LINKADDR : ND_OPT_TARGET_LINKADDR,
		1};

	memcpy(option + 2, mac.b, 6);
	sl_frame_start(&f);
	sl_frame_eth(&f, .dst = OUR_MAC, .src = nd->mac);
	sl_frame_ip6(&f, .src = nd->src, .dst = nd->dst, .hops = nd->hops);
	sl_frame_icmp6(&f, .type = nd->type, .code = nd->code, .rest = (uint32_t)nd->flags << 24);
	sl_frame_bytes(&f, target.b, 16);
	if (!nd->no_option)
		sl_frame_bytes(&f, option, sizeof(option));
	sl_frame_bytes(&f, nd->extra, nd->n_extra);
	sl_frame_end(&f);
	return sl_test_mbuf_exact(f.b, f.len, NULL, 0);
}

/* What the row makes of the frame; false: nothing. */
static bool reads(const struct nd *nd, struct sl_heard *h)
{
	struct rte_mbuf *m = frame_of(nd);
	bool read;

	assert_ptr_equal(sl_neighbor_proto_of(m), &sl_neighbor_nd);
	read = sl_neighbor_nd.read(m, h);
	rte_pktmbuf_free(m);
	return read;
}

static bool is(const struct sl_ip *ip, const char *text)
{
	struct sl_ip want = sl_test_ip(text);

	return sl_ip_equal(ip, &want);
}

static void solicitation_is_a_question_about_its_target(void **state)
{
	struct sl_mac mac = sl_test_mac(OLD);
	struct sl_heard h;

	(void)state;
	assert_true(reads(&solicitation, &h));
	assert_int_equal(h.kind, SL_HEARD_QUESTION);
	assert_true(is(&h.ip, HOP) && is(&h.about, OURS));
	assert_true(h.names_mac && sl_mac_equal(&h.mac, &mac));
}

static void advertisement_answers_only_when_it_is_solicited(void **state)
{
	struct nd unasked = advertisement;
	struct sl_heard h;

	(void)state;
	assert_true(reads(&advertisement, &h));
	assert_int_equal(h.kind, SL_HEARD_ANSWER);
	assert_true(is(&h.ip, HOP) && is(&h.about, OURS));
	unasked.flags = 0x20;
	assert_true(reads(&unasked, &h));
	assert_true(is(&h.ip, HOP) && is(&h.about, "::"));
}

static void without_an_option_the_frame_source_is_no_named_mac(void **state)
{
	struct nd bare = advertisement;
	struct sl_mac mac = sl_test_mac(OLD);
	struct sl_heard h;

	(void)state;
	bare.no_option = true;
	assert_true(reads(&bare, &h));
	assert_false(h.names_mac);
	assert_true(sl_mac_equal(&h.mac, &mac));
}

/* RFC 4861 section 4.6: other options, also unknown ones, are stepped over. */
static void other_options_are_stepped_over(void **state)
{
	struct nd longer = advertisement;
	struct sl_heard h;

	(void)state;
	longer.extra[0] = 253;
	longer.extra[1] = 2;
	longer.n_extra = 16;
	assert_true(reads(&longer, &h));
	assert_true(h.names_mac);
}

/* RFC 4861 sections 7.1.1 and 7.1.2, one rule after the other. */
static void what_the_rfc_discards_is_not_read(void **state)
{
	const struct nd bad[] = {
		{ND_NEIGHBOR_SOLICIT, OLD, HOP, OURS, OURS, 0, .hops = 254},
		{ND_NEIGHBOR_ADVERT, OLD, HOP, OURS, HOP, 0x60, .hops = 1},
		{ND_NEIGHBOR_SOLICIT, OLD, HOP, OURS, OURS, 0, 255, .code = 1},
		{ND_NEIGHBOR_ADVERT, OLD, HOP, OURS, HOP, 0x60, 255, .code = 1},
		{ND_NEIGHBOR_SOLICIT, OLD, HOP, OURS, "ff02::1", 0, .hops = 255},
		{ND_NEIGHBOR_ADVERT, OLD, HOP, OURS, "ff02::1", 0x60, .hops = 255},
		/* an option without length, one that ends behind the message, half an option */
		{ND_NEIGHBOR_SOLICIT, OLD, HOP, OURS, OURS, 0, 255, 0, false, {14, 0}, 8},
		{ND_NEIGHBOR_ADVERT, OLD, HOP, OURS, HOP, 0x60, 255, 0, false, {14, 2}, 8},
		{ND_NEIGHBOR_ADVERT, OLD, HOP, OURS, HOP, 0x60, 255, 0, false, {14, 1}, 4},
		/* from nobody: to another group, or with an option */
		{ND_NEIGHBOR_SOLICIT, OLD, "::", OURS, OURS, 0, 255, 0, .no_option = true},
		{ND_NEIGHBOR_SOLICIT, OLD, "::", "ff02::1:ff00:2", OURS, 0, 255, 0,
			.no_option = true},
		{ND_NEIGHBOR_SOLICIT, OLD, "::", "ff02::1:ff00:1", OURS, 0, .hops = 255},
		/* solicited, and to many */
		{ND_NEIGHBOR_ADVERT, OLD, HOP, "ff02::1", HOP, 0x40, .hops = 255},
		/* from a group */
		{ND_NEIGHBOR_SOLICIT, OLD, "ff02::2", OURS, OURS, 0, .hops = 255},
	};
	const struct nd from_nobody = {ND_NEIGHBOR_SOLICIT, OLD, "::", "ff02::1:ff00:1", OURS, 0,
		255, 0, .no_option = true};
	struct sl_heard h;

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(bad); i++)
		if (reads(&bad[i], &h))
			fail_msg("case %u was read", i);
	assert_true(reads(&from_nobody, &h));
	assert_true(is(&h.ip, "::"));
}

static void every_truncation_and_every_wrong_sum_is_refused(void **state)
{
	struct sl_heard h;

	(void)state;
	rte_pktmbuf_free(frame_of(&advertisement));
	for (uint32_t len = ND_OFF + 1; len < f.len; len++) {
		struct rte_mbuf *m = sl_test_mbuf_exact(f.b, len, NULL, 0);

		assert_false(sl_neighbor_nd.read(m, &h));
		rte_pktmbuf_free(m);
	}
	for (uint32_t at = ND_OFF + 1; at < f.len; at++) {
		struct rte_mbuf *m;

		f.b[at] ^= 0x10;
		m = sl_test_mbuf_exact(f.b, f.len, NULL, 0);
		assert_false(sl_neighbor_nd.read(m, &h));
		rte_pktmbuf_free(m);
		f.b[at] ^= 0x10;
	}
}

/* Frames too short for the headers, or of other protocols, are of no row. */
static void other_frames_are_of_no_row(void **state)
{
	struct rte_mbuf *m;

	(void)state;
	rte_pktmbuf_free(frame_of(&advertisement));
	for (uint32_t len = 14; len <= ND_OFF; len++) {
		m = sl_test_mbuf_exact(f.b, len, NULL, 0);
		assert_null(sl_neighbor_proto_of(m));
		rte_pktmbuf_free(m);
	}
	sl_frame_udp6(&f, 20);
	m = sl_frame_mbuf(&f);
	assert_null(sl_neighbor_proto_of(m));
	rte_pktmbuf_free(m);
}

/* A question of ours as another host's stack checks it: read back by the row. */
static void question_goes_to_the_solicited_node_group_or_to_the_holder(void **state)
{
	static const uint8_t group_mac[] = {0x33, 0x33, 0xff, 0, 0, 2};
	struct sl_mac holder = sl_test_mac(OLD);
	struct sl_neighbor_question q = {
		.mac = sl_test_mac(OUR_MAC), .from = sl_test_ip(OURS), .asked = sl_test_ip(HOP)};
	struct sl_ip group = sl_test_ip("ff02::1:ff00:2");
	struct sl_heard h;

	(void)state;
	for (int unicast = 0; unicast < 2; unicast++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(sl_test_pool());
		const uint8_t *p = rte_pktmbuf_mtod(m, const uint8_t *);

		q.to = unicast ? &holder : NULL;
		assert_true(sl_neighbor_nd.ask(m, &q));
		assert_int_equal(m->pkt_len, 86);
		assert_memory_equal(p, unicast ? holder.b : group_mac, 6);
		assert_memory_equal(p + 6, q.mac.b, 6);
		assert_memory_equal(p + 38, unicast ? q.asked.b : group.b, 16);
		assert_true(sl_neighbor_nd.read(m, &h));
		assert_int_equal(h.kind, SL_HEARD_QUESTION);
		assert_true(is(&h.ip, OURS) && is(&h.about, HOP));
		assert_true(h.names_mac && sl_mac_equal(&h.mac, &q.mac));
		rte_pktmbuf_free(m);
	}
}

static void answer_goes_to_who_asked_or_to_all_nodes(void **state)
{
	const struct nd from_nobody = {ND_NEIGHBOR_SOLICIT, OTHER, "::", "ff02::1:ff00:1", OURS, 0,
		255, 0, .no_option = true};
	struct sl_mac mac = sl_test_mac(OUR_MAC);
	struct sl_heard h, back;

	(void)state;
	for (int probe = 0; probe < 2; probe++) {
		struct rte_mbuf *m;

		rte_pktmbuf_free(frame_of(probe ? &from_nobody : &solicitation));
		m = sl_frame_mbuf(&f);
		assert_true(sl_neighbor_nd.read(m, &h));
		assert_true(sl_neighbor_nd.answer(m, &h, &mac));
		assert_int_equal(m->pkt_len, 86);
		assert_memory_equal(rte_pktmbuf_mtod(m, const uint8_t *), h.mac.b, 6);
		assert_true(sl_neighbor_nd.read(m, &back));
		assert_int_equal(back.kind, SL_HEARD_ANSWER);
		assert_true(is(&back.ip, OURS) && is(&back.about, probe ? "::" : HOP));
		assert_true(back.names_mac && sl_mac_equal(&back.mac, &mac));
		rte_pktmbuf_free(m);
	}
}

static void hear(struct link *l, const struct nd *nd)
{
	rte_pktmbuf_free(frame_of(nd));
	sl_neighbor_hear(l->t, PORT, sl_frame_mbuf(&f), l->tick);
}

static void ip6_next_hop_is_resolved_probed_and_moves(void **state)
{
	struct nd moved = advertisement, bare = advertisement;
	struct link *l = *state;
	struct sl_mac mac;

	l->hop = sl_test_ip(HOP);
	moved.mac = OTHER;
	bare.no_option = true;
	assert_int_equal(sl_neighbor_hold(l->t, PORT, &l->hop, l->tick, &mac), 0);
	assert_int_equal(l->n_sent, 1);
	assert_ptr_equal(sl_neighbor_proto_of(l->sent[0]), &sl_neighbor_nd);
	hear(l, &bare); /* names no MAC, so there is nothing to learn: RFC 4861 section 7.2.5 */
	assert_int_equal(view(l).state, SL_NEIGHBOR_INCOMPLETE);
	hear(l, &advertisement);
	assert_int_equal(view(l).state, SL_NEIGHBOR_REACHABLE);
	assert_true(l->has_mac);
	forget_sent(l);

	/* Another MAC is only a reason to ask the holder, who answers without an option. */
	pass(l, 2 * SECOND);
	hear(l, &moved);
	assert_int_equal(view(l).state, SL_NEIGHBOR_PROBE);
	assert_int_equal(l->n_sent, 1);
	hear(l, &bare);
	assert_int_equal(view(l).state, SL_NEIGHBOR_REACHABLE);
	assert_int_equal(view(l).attempts, 1);
	forget_sent(l);
}

static void question_about_our_ip6_address_is_answered(void **state)
{
	struct nd other = solicitation;
	struct link *l = *state;

	hear(l, &solicitation);
	assert_int_equal(l->n_sent, 1);
	other.target = "2001:db8::9";
	hear(l, &other);
	assert_int_equal(l->n_sent, 1);
	assert_int_equal(l->counters.consumed, 2);
}

static void our_ip6_address_claimed_by_another_is_a_conflict(void **state)
{
	struct nd claim = advertisement;
	struct link *l = *state;

	claim.target = OURS;
	claim.dst = "ff02::1";
	claim.flags = 0x20;
	hear(l, &claim);
	assert_int_equal(l->n_reported, 1);
	assert_int_equal(l->reported.kind, SL_NEIGHBOR_CONFLICT);
	assert_true(is(&l->reported.ip, OURS));
}

static void malformed_discovery_has_its_own_reason(void **state)
{
	struct nd far = advertisement;
	struct link *l = *state;

	far.hops = 64;
	hear(l, &far);
	assert_int_equal(l->counters.drops[SL_DROP_ND_MALFORMED], 1);
	assert_int_equal(l->counters.consumed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(solicitation_is_a_question_about_its_target),
		T(advertisement_answers_only_when_it_is_solicited),
		T(without_an_option_the_frame_source_is_no_named_mac),
		T(other_options_are_stepped_over),
		T(what_the_rfc_discards_is_not_read),
		T(every_truncation_and_every_wrong_sum_is_refused),
		T(other_frames_are_of_no_row),
		T(question_goes_to_the_solicited_node_group_or_to_the_holder),
		T(answer_goes_to_who_asked_or_to_all_nodes),
		T(ip6_next_hop_is_resolved_probed_and_moves),
		T(question_about_our_ip6_address_is_answered),
		T(our_ip6_address_claimed_by_another_is_a_conflict),
		T(malformed_discovery_has_its_own_reason),
	};

	return cmocka_run_group_tests_name("neighbor_nd", tests, sl_test_eal, NULL);
}
