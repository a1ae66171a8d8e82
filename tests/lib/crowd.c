/* SPDX-License-Identifier: BSD-3-Clause */
#include "crowd.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dp/lib/pmap.h"
#include "dp/lib/u32map.h"
#include "pipelines/flow/flow_ctl.h"
#include "sluice/encap.h"

#define MEMBERS	 2048
#define NETWORKS 256

struct sl_crowd {
	struct sl_rig *r;
	struct sl_flow_table *t;
	struct sl_world world;
	struct sl_network networks[NETWORKS];
	uint32_t port_network[SL_PORTS_MAX];
	struct sl_endpoint member[MEMBERS];
	unsigned int n;
	uint32_t n_networks;
	uint32_t port_owner[SL_PORTS_MAX], node_owner, network_owner[NETWORKS];
	const struct sl_world *rigs;
	uint32_t serial; /* of connections */
	unsigned int from, to;
	struct sl_frame f, outer;
};

struct sl_crowd *sl_crowd_create(uint32_t max_flows, uint32_t share_percent)
{
	struct sl_crowd *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	c->r = sl_rig_create_for(max_flows);
	c->t = sl_rig_pipeline(c->r)->flows;
	sl_flow_share_set(c->t, share_percent);
	c->rigs = atomic_load(&sl_rig_pipeline(c->r)->world);
	c->world = *c->rigs;
	memcpy(c->port_network, c->rigs->port_network, sizeof(c->port_network));
	c->world.port_network = c->port_network;
	c->world.ports_end = SL_PORTS_MAX;
	c->n_networks = 1;
	return c;
}

static void free_tables(struct sl_crowd *c)
{
	if (c->world.endpoints == c->rigs->endpoints)
		return;
	sl_pmap_destroy((struct sl_pmap *)(uintptr_t)c->world.endpoints);
	sl_u32map_destroy((void *)(uintptr_t)c->world.vni_to_network);
}

void sl_crowd_destroy(struct sl_crowd *c)
{
	atomic_store(&sl_rig_pipeline(c->r)->world, c->rigs);
	free_tables(c);
	sl_rig_destroy(c->r);
	free(c);
}

struct sl_rig *sl_crowd_rig(struct sl_crowd *c)
{
	return c->r;
}

static uint32_t once(struct sl_crowd *c, uint32_t *number, enum sl_owner_kind kind, uint32_t id)
{
	if (*number == 0)
		*number = sl_owner_open(c->t, kind, id, 0, 0);
	return *number;
}

static void add_network(struct sl_crowd *c, uint32_t network)
{
	assert_in_range(network, 1, NETWORKS - 1);
	c->networks[network] = (struct sl_network){.id = network,
		.vni = 99 + network,
		.encap = SL_ENCAP_VXLAN,
		.accepts = 1 << SL_ENCAP_VXLAN,
		.allow_ingress = true,
		.allow_egress = true,
		.pickup = true,
		.present = true};
	c->n_networks = RTE_MAX(c->n_networks, network + 1);
}

unsigned int sl_crowd_add(struct sl_crowd *c, uint32_t network, uint32_t port)
{
	struct sl_endpoint *e = &c->member[c->n];
	bool local = port != SL_CROWD_NODE;
	uint32_t place;

	assert_true(c->n < MEMBERS && (!local || (port > 3 && port < SL_PORTS_MAX)));
	add_network(c, network);
	if (local) {
		c->port_network[port] = network;
		place = once(c, &c->port_owner[port], SL_OWNER_PORT, port);
	} else {
		place = once(c, &c->node_owner, SL_OWNER_NODE, SL_RIG_NODE);
	}
	*e = (struct sl_endpoint){.network = network,
		.origin = local ? port : SL_ORIGIN_NODE | SL_RIG_NODE,
		.identity = 1001,
		.local = local,
		.mac = {{2, 0, 0, 1, (uint8_t)(c->n >> 8), (uint8_t)c->n}}};
	e->owner = sl_owner_open(c->t, SL_OWNER_ENDPOINT, c->n, place,
		once(c, &c->network_owner[network], SL_OWNER_NETWORK, network));
	return c->n++;
}

uint32_t sl_crowd_owner(const struct sl_crowd *c, unsigned int member)
{
	return c->member[member].owner;
}

static void address(unsigned int member, char text[32])
{
	snprintf(text, 32, "10.1.%u.%u", member >> 8, member & 255);
}

static void mac(unsigned int member, char text[32])
{
	snprintf(text, 32, "02:00:00:01:%02x:%02x", member >> 8, member & 255);
}

static const struct sl_pmap *endpoints(struct sl_crowd *c)
{
	struct sl_pmap_edit *edit = sl_pmap_edit_begin(NULL, 42);
	struct sl_pmap_garbage *garbage;
	const struct sl_pmap *map;

	for (unsigned int i = 0; i < 2 * c->n; i++) {
		char text[32];
		struct sl_pmap_key key;
		struct sl_ip ip;

		address(i / 2, text);
		ip = sl_test_ip(text);
		ip.b[13] = (uint8_t)(1 + i % 2);
		key = sl_pmap_addr_key(c->member[i / 2].network, &ip);
		assert_int_equal(sl_pmap_put(edit, &key, &c->member[i / 2], NULL), 0);
	}
	map = sl_pmap_edit_commit(edit, &garbage);
	sl_pmap_garbage_free(garbage);
	return map;
}

void sl_crowd_publish(struct sl_crowd *c)
{
	struct sl_u32map_slot vni[NETWORKS];
	uint32_t n = 0;

	free_tables(c);
	for (uint32_t i = 1; i < c->n_networks; i++)
		if (c->networks[i].present)
			vni[n++] = (struct sl_u32map_slot){c->networks[i].vni, i};
	c->world.networks = c->networks;
	c->world.n_networks = c->n_networks;
	c->world.vni_to_network = sl_u32map_build(vni, n, 7);
	c->world.endpoints = endpoints(c);
	c->world.generation = ++c->world.commit;
	atomic_store(&sl_rig_pipeline(c->r)->world, &c->world);
}

static void build(struct sl_crowd *c, unsigned int from, unsigned int to, bool reply, uint8_t flags)
{
	const bool syn = flags & SL_TCP_SYN;
	char ip[2][32], hw[2][32];
	uint16_t low = (uint16_t)(1024 + c->serial % 60000),
		 high = (uint16_t)(1 + c->serial / 60000);

	address(from, ip[0]);
	address(to, ip[1]);
	mac(from, hw[0]);
	mac(to, hw[1]);
	sl_frame_start(&c->f);
	sl_frame_eth(&c->f, .src = hw[0], .dst = hw[1]);
	sl_frame_ip4(&c->f, .src = ip[0], .dst = ip[1]);
	sl_frame_tcp(&c->f, .sport = reply ? high : low, .dport = reply ? low : high,
		.flags = flags, .seq = (reply ? 2001 : 1001) - syn, .ack = reply ? 1001 : 2001);
	sl_frame_end(&c->f);
}

static enum sl_drop transmit(struct sl_crowd *c, const struct sl_endpoint *from)
{
	enum sl_drop d;

	if (from->local) {
		d = sl_rig_send(c->r, (uint16_t)from->origin, &c->f);
	} else {
		sl_frame_start(&c->outer);
		sl_frame_eth(&c->outer, .dst = "02:00:00:00:0a:01", .src = "02:00:00:00:0b:01");
		sl_frame_ip4(&c->outer, .src = "192.0.2.2", .dst = "192.0.2.1");
		sl_frame_udp(&c->outer, .sport = 50000, .dport = 4789, .no_checksum = true);
		sl_frame_vxlan(&c->outer, .vni = c->networks[from->network].vni);
		sl_frame_copy(&c->outer, &c->f, 0);
		sl_frame_end(&c->outer);
		d = sl_rig_send(c->r, SL_RIG_UNDERLAY, &c->outer);
	}
	sl_rig_discard(c->r);
	return d;
}

enum sl_drop sl_crowd_start(
	struct sl_crowd *c, unsigned int from, unsigned int to, uint8_t tcp_flags)
{
	c->serial++;
	c->from = from;
	c->to = to;
	build(c, from, to, false, tcp_flags);
	return transmit(c, &c->member[from]);
}

enum sl_drop sl_crowd_open(struct sl_crowd *c, unsigned int from, unsigned int to)
{
	return sl_crowd_start(c, from, to, SL_TCP_SYN);
}

enum sl_drop sl_crowd_pick_up(struct sl_crowd *c, unsigned int from, unsigned int to)
{
	return sl_crowd_start(c, from, to, SL_TCP_ACK);
}

enum sl_drop sl_crowd_continue(struct sl_crowd *c, bool reply, uint8_t tcp_flags)
{
	unsigned int from = reply ? c->to : c->from;

	build(c, from, reply ? c->from : c->to, reply, tcp_flags);
	return transmit(c, &c->member[from]);
}
