/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>

#include "dp/lib/addr_map.h"
#include "dp/lib/u32map.h"
#include "pipelines/overlay/overlay_dp.h"

/* Last: its names would shadow those of inline functions. */
#include "decap_scene.h"

struct sl_network networks[3] = {
	[NETWORK] = {.id = NETWORK, .vni = VNI, .present = true},
	[ROUTED] = {.id = ROUTED,
		.vni = 7,
		.encap = SL_ENCAP_IPIP,
		.accepts = 1 << SL_ENCAP_IPIP,
		.present = true},
};
struct sl_node_way ways[NODES];
struct sl_encap_ports ports;
struct sl_host_taps taps;
struct sl_world world;
static struct sl_mac own;
static uint8_t in[SL_BURST_MAX], host[SL_BURST_MAX];
unsigned int n_in, n_host;

const struct contract *contract(enum sl_encap_id id, enum sl_family family)
{
	return &contracts[id * SL_FAMILIES + family];
}

static void add_pair(struct sl_pmap_edit *e, uint32_t number, const char *remote, uint32_t network)
{
	struct sl_ip ip = sl_test_ip(remote);
	struct sl_pmap_key key = sl_pair_key(number << SL_LOCAL_NUMBER_SHIFT, &ip);

	assert_int_equal(sl_pmap_put(e, &key, (void *)(uintptr_t)network, NULL), 0);
}

int set_up_world(void **state)
{
	const uint32_t tunnel_bits = SL_LOCAL_ADDRESS | SL_LOCAL_TUNNEL;
	struct sl_u32map_slot vnis[] = {{VNI, NETWORK}};
	struct sl_addr_pair nodes[] = {{sl_test_ip("192.0.2.1"), NODE},
		{sl_test_ip("2001:db8::1"), NODE}, {sl_test_ip("192.0.2.7"), NODE + 1}};
	struct sl_addr_pair local[] = {
		{sl_test_ip("192.0.2.2"), tunnel_bits | 1 << SL_LOCAL_NUMBER_SHIFT},
		{sl_test_ip("2001:db8::2"), tunnel_bits | 2 << SL_LOCAL_NUMBER_SHIFT},
		{sl_test_ip("192.0.2.8"), tunnel_bits | 3 << SL_LOCAL_NUMBER_SHIFT}};
	struct sl_pmap_garbage *garbage = NULL;
	struct sl_pmap_edit *e;

	if (setup(state) != 0)
		return -1;
	own = sl_test_mac("02:00:00:00:0b:01");
	e = sl_pmap_edit_begin(NULL, 5);
	add_pair(e, 1, "192.0.2.1", ROUTED);
	add_pair(e, 2, "2001:db8::1", ROUTED);
	world.pair_network = sl_pmap_edit_commit(e, &garbage);
	sl_pmap_garbage_free(garbage);
	world.n_networks = 3;
	world.networks = networks;
	world.vni_to_network = sl_u32map_build(vnis, RTE_DIM(vnis), 1);
	world.node_by_addr = sl_addr_map_build(nodes, RTE_DIM(nodes), 2);
	world.local_addr = sl_addr_map_build(local, RTE_DIM(local), 3);
	world.tunnels = sl_tunnel_table_create(NODES, 1);
	return world.tunnels == NULL ? -1 : 0;
}

int tear_down_world(void **state)
{
	sl_tunnel_table_destroy(world.tunnels);
	sl_pmap_destroy((struct sl_pmap *)(uintptr_t)world.pair_network);
	sl_u32map_destroy((void *)(uintptr_t)world.vni_to_network);
	sl_addr_map_destroy((void *)(uintptr_t)world.node_by_addr);
	sl_addr_map_destroy((void *)(uintptr_t)world.local_addr);
	return teardown(state);
}

/* Each test starts with a network that takes nothing, and standard ports. */
int fresh(void **state)
{
	(void)state;
	sl_test_burst_free(&burst);
	networks[NETWORK].accepts = 0;
	memset(ways, 0, sizeof(ways));
	world.node_ways = NULL;
	world.n_node_ways = 0;
	world.encap_ports = NULL;
	world.host_taps = NULL;
	return 0;
}

void take(uint32_t encaps)
{
	networks[NETWORK].accepts = (uint16_t)encaps;
}

void decap(void)
{
	const struct sl_decap_at at = {&world, &own, 0, 1};

	n_in = sl_decap(&at, &burst, in, host, &n_host);
}

enum sl_drop decap_mbuf(struct rte_mbuf *m)
{
	sl_test_burst_free(&burst);
	sl_test_burst_add(&burst, m);
	burst.in_port = 2;
	decap();
	return burst.verdict[0];
}

enum sl_drop decap_outer(void)
{
	return decap_mbuf(exact(&outer));
}

void make(const struct contract *c)
{
	sl_frame_udp4(&inner, 20);
	wrap(c, &outer, &inner, 0);
}

void assert_taken(const struct contract *c)
{
	const struct sl_meta *md = &burst.meta[0];

	assert_int_equal(burst.verdict[0], SL_KEEP);
	assert_int_equal(n_in, 1);
	assert_packet_frame(burst.pkt[0], popped(c));
	assert_int_equal(md->origin, SL_ORIGIN_NODE | NODE);
	assert_int_equal(md->network, c->row->carries_network ? NETWORK : ROUTED);
	assert_int_equal(md->encap, c->id);
	assert_int_equal(md->outer_family, c->family);
	assert_int_equal(md->no_ethernet, !c->row->inner_ethernet);
	assert_int_equal(md->carried, c->row->carries_identity ? 1001 : 0);
}

/* The number of bytes that the packet has lost in front, as a sample needs it. */
uint32_t removed(void)
{
	if ((burst.closer & 1) != 0)
		return burst.meta[0].removed_half * 2u;
	return 34 + sl_encaps[burst.meta[0].encap]->header_len;
}
