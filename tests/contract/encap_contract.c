/* SPDX-License-Identifier: BSD-3-Clause */
#include "encap_contract.h"

#include "pipelines/parse/parse_dp.h"

static void own_vxlan(struct sl_frame *f)
{
	sl_frame_vxlan(f, .vni = VNI);
}

static const struct wire vxlan_wire = {
	.own = own_vxlan,
	.bad = {{0, 0x00, SL_DROP_TUNNEL_MALFORMED}, {0, 0xf7, SL_DROP_TUNNEL_MALFORMED}},
	.n_bad = 2,
	.ignored = {{0, 0xff}, {1, 0xff}, {2, 0xff}, {3, 0xff}, {7, 0xff}},
	.n_ignored = 5,
};

struct contract contracts[SL_ENCAP_COUNT] = {
#define X(ID, NAME, SYM) [SL_ENCAP_##ID] = {.id = SL_ENCAP_##ID, .row = &SYM, .name = NAME},
	SL_ENCAP_LIST(X)
#undef X
};

struct sl_burst burst;
struct sl_frame inner, outer;
struct sl_tunnel tunnel;
unsigned int n_outer_layers;

void params(struct sl_tunnel_params *p)
{
	*p = (struct sl_tunnel_params){
		.local = sl_test_ip("192.0.2.1"),
		.remote = sl_test_ip("192.0.2.2"),
		.next_hop = sl_test_ip("192.0.2.254"),
		.local_mac = sl_test_mac("02:00:00:00:0a:01"),
		.next_hop_mac = sl_test_mac("02:00:00:00:0b:01"),
		.resolved = true,
		.reachable = true,
		.port = 2,
		.underlay_mtu = 1600,
		.id = 77,
		.node = 7,
	};
}

void build(const struct contract *c)
{
	struct sl_tunnel_params p;

	params(&p);
	assert_int_equal(sl_tunnel_init(&tunnel, c->id, &p), 0);
}

enum sl_drop push(const struct contract *c, struct rte_mbuf *m)
{
	struct sl_meta *md = &burst.meta[0];

	sl_test_burst_free(&burst);
	sl_test_burst_add(&burst, m);
	md->network = 1;
	sl_parse(&burst, sl_test_all, 1);
	if (burst.verdict[0] != SL_KEEP)
		fail_msg("inner frame does not parse");
	md->hash = HASH;
	md->act.vni = VNI;
	md->act.identity = 1001;
	md->tunnel = &tunnel;
	c->row->push(&burst, sl_test_all, 1, NULL);
	return burst.verdict[0];
}

enum sl_drop pop(const struct contract *c, struct rte_mbuf *m)
{
	sl_test_burst_free(&burst);
	sl_test_burst_add(&burst, m);
	sl_parse_outer(&burst, 0);
	if (burst.verdict[0] == SL_KEEP)
		c->row->pop(&burst, sl_test_all, 1);
	return burst.verdict[0];
}

struct rte_mbuf *exact(const struct sl_frame *f)
{
	return sl_test_mbuf_exact(f->b, f->len, NULL, 0);
}

void wrap(const struct contract *c, struct sl_frame *out, const struct sl_frame *in, uint8_t tos)
{
	const struct sl_encap *row = c->row;

	sl_frame_start(out);
	sl_frame_eth(out, .src = "02:00:00:00:0a:01", .dst = "02:00:00:00:0b:01");
	sl_frame_ip4(out, .src = "192.0.2.1", .dst = "192.0.2.2", .frag = 0x4000, .tos = tos,
		.proto = row->udp_port != 0 ? 0 : row->ip_proto);
	if (row->udp_port != 0)
		sl_frame_udp(out, .sport = 49153, .dport = row->udp_port, .no_checksum = true);
	if (c->wire != NULL)
		c->wire->own(out);
	else
		sl_frame_bytes(out, c->own, c->own_len);
	n_outer_layers = out->n_layers;
	sl_frame_copy(out, in, 0);
	sl_frame_end(out);
}

/* The own header of each row is taken from what its push writes. */
int setup(void **state)
{
	if (sl_test_eal(state) < 0)
		return -1;
	contracts[SL_ENCAP_VXLAN].wire = &vxlan_wire;
	for (struct contract *c = contracts; c < contracts + SL_ENCAP_COUNT; c++) {
		uint32_t transport = c->row->udp_port != 0 ? 8 : 0;

		c->hdr_len = 14 + 20 + c->row->header_len;
		c->own_off = 14 + 20 + transport;
		c->own_len = c->row->header_len - transport;
		assert_true(c->hdr_len <= SL_TUNNEL_HDR_MAX);
		assert_true(c->row->inner_ethernet);
		build(c);
		sl_frame_udp4(&inner, 4);
		assert_int_equal(push(c, sl_frame_mbuf(&inner)), SL_KEEP);
		memcpy(c->own, rte_pktmbuf_mtod_offset(burst.pkt[0], uint8_t *, c->own_off),
			c->own_len);
	}
	return 0;
}

int teardown(void **state)
{
	(void)state;
	sl_test_burst_free(&burst);
	return sl_test_pool_in_use() == 0 ? 0 : -1;
}
