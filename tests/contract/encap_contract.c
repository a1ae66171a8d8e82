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

/* The inner packet of these tests has the identity 1001. */
static void own_gbp(struct sl_frame *f)
{
	sl_frame_vxlan(f, .vni = VNI, .flags = 0x88, .group = 1001);
}

static const struct wire gbp_wire = {
	.own = own_gbp,
	.bad = {{0, 0x00, SL_DROP_TUNNEL_MALFORMED}, {0, 0xf7, SL_DROP_TUNNEL_MALFORMED}},
	.n_bad = 2,
	.ignored = {{0, 0xff}, {0, 0x08}, {1, 0xff}, {7, 0xff}},
	.n_ignored = 4,
};

static void own_geneve(struct sl_frame *f)
{
	static const uint8_t bytes[16] = {0x02, 0x00, 0x65, 0x58, 0xab, 0xcd, 0xef, 0x00, 0xff,
		0x01, 0x01, 0x01, 0x00, 0x00, 0x03, 0xe9};

	sl_frame_bytes(f, bytes, sizeof(bytes));
}

static const struct wire geneve_wire = {
	.own = own_geneve,
	/* version, control packet, protocol, options that overrun, a critical unknown option */
	.bad = {{0, 0x42, SL_DROP_TUNNEL_MALFORMED}, {0, 0xc2, SL_DROP_TUNNEL_MALFORMED},
		{1, 0x80, SL_DROP_TUNNEL_MALFORMED}, {3, 0x59, SL_DROP_TUNNEL_MALFORMED},
		{0, 0x01, SL_DROP_TUNNEL_MALFORMED}, {11, 0x02, SL_DROP_TUNNEL_MALFORMED},
		{12, 0x01, SL_DROP_TUNNEL_MALFORMED}, {10, 0x81, SL_DROP_GENEVE_OPTION}},
	.n_bad = 8,
	.ignored = {{1, 0x7f}, {7, 0xff}, {11, 0xe1}, {10, 0x7f}, {8, 0x01}},
	.n_ignored = 5,
};

static void own_nothing(struct sl_frame *f)
{
	(void)f;
}

static const struct wire ipip_wire = {
	.own = own_nothing,
	/* the inner packet's version, and its protocol */
	.bad = {{0, 0x65, SL_DROP_TUNNEL_MALFORMED}, {9, 4, SL_DROP_TUNNEL_NESTED},
		{9, 41, SL_DROP_TUNNEL_NESTED}},
	.n_bad = 3,
};

static const struct wire *const wires[SL_ENCAP_COUNT] = {
	[SL_ENCAP_VXLAN] = &vxlan_wire,
	[SL_ENCAP_VXLAN_GBP] = &gbp_wire,
	[SL_ENCAP_GENEVE] = &geneve_wire,
	[SL_ENCAP_IPIP] = &ipip_wire,
};

struct contract contracts[N_CONTRACTS] = {
#define X(ID, NAME, SYM)                                                         \
	[SL_ENCAP_##ID *                                                         \
		SL_FAMILIES] = {.id = SL_ENCAP_##ID, .row = &SYM, .name = NAME}, \
		[SL_ENCAP_##ID * SL_FAMILIES + 1] = {                            \
			.id = SL_ENCAP_##ID, .family = SL_FAMILY_IP6, .row = &SYM, .name = NAME},
	SL_ENCAP_LIST(X)
#undef X
};

struct sl_burst burst;
struct sl_frame inner, outer;
struct sl_tunnel tunnel;
unsigned int n_outer_layers;

void params(struct sl_tunnel_params *p, enum sl_family family)
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
	if (family == SL_FAMILY_IP6) {
		p->local = sl_test_ip("2001:db8::1");
		p->remote = sl_test_ip("2001:db8::2");
		p->next_hop = sl_test_ip("fe80::1");
	}
}

void build(const struct contract *c)
{
	struct sl_tunnel_params p;

	params(&p, c->family);
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

static void wrap_ip(const struct contract *c, struct sl_frame *out, uint8_t proto, uint8_t tos)
{
	if (c->family == SL_FAMILY_IP4)
		sl_frame_ip4(out, .src = "192.0.2.1", .dst = "192.0.2.2", .frag = 0x4000,
			.tos = tos, .proto = proto);
	else
		sl_frame_ip6(out, .src = "2001:db8::1", .dst = "2001:db8::2", .tclass = tos,
			.flow = HASH & 0xfffff, .proto = proto);
}

void wrap(const struct contract *c, struct sl_frame *out, const struct sl_frame *in, uint8_t tos)
{
	const struct sl_encap *row = c->row;
	bool ip6 = in->b[12] == 0x86;

	sl_frame_start(out);
	sl_frame_eth(out, .src = "02:00:00:00:0a:01", .dst = "02:00:00:00:0b:01");
	if (row->udp_port != 0)
		wrap_ip(c, out, 0, tos);
	else
		wrap_ip(c, out, ip6 ? row->ip_proto6 : row->ip_proto, tos);
	if (row->udp_port != 0)
		sl_frame_udp(out, .sport = 49153, .dport = row->udp_port, .no_checksum = true);
	if (c->wire != NULL)
		c->wire->own(out);
	else
		sl_frame_bytes(out, c->own, c->own_len);
	n_outer_layers = out->n_layers;
	sl_frame_copy(out, in, row->inner_ethernet ? 0 : 14);
	sl_frame_end(out);
}

const struct sl_frame *popped(const struct contract *c)
{
	static struct sl_frame f;

	f = inner;
	if (!c->row->inner_ethernet)
		memset(f.b, 0, 12);
	return &f;
}

/* The own header of each row is taken from what its push writes. */
int setup(void **state)
{
	if (sl_test_eal(state) < 0)
		return -1;
	for (struct contract *c = contracts; c < contracts + N_CONTRACTS; c++) {
		uint32_t transport = c->row->udp_port != 0 ? 8 : 0;
		uint32_t ip = c->family == SL_FAMILY_IP4 ? 20 : 40;

		c->wire = wires[c->id];
		if (c->row->ip_proto == 0)
			continue;
		c->hdr_len = 14 + ip + c->row->header_len;
		c->own_off = 14 + ip + transport;
		c->own_len = c->row->header_len - transport;
		assert_true(c->hdr_len <= SL_TUNNEL_HDR_MAX);
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
