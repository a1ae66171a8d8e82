/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "dp/lib/pmap.h"
#include "dp/lib/u32map.h"
#include "dp/lib/addr_map.h"
#include "pipelines/context/changes.h"
#include "pipelines/flow/flow_ctl.h"
#include "pipelines/fragment/waiting_dp.h"
#include "pipelines/overlay/tunnel_ctl.h"
#include "pipelines/pipeline_ctl.h"

#define MAX_FLOWS 4096

struct sl_rig {
	struct sl_rcu *rcu;
	struct sl_worker *w;
	struct sl_pipeline *p;
	struct sl_world *world;
	struct sl_tunnel_table *tunnels;
	struct sl_network networks[2];
	uint32_t port_network[SL_PORTS_MAX];
	struct sl_endpoint endpoint[3];
	struct sl_port_dp port[SL_RIG_PORTS];
	struct sl_port_row row[SL_RIG_PORTS];
	_Atomic(struct sl_port_dp *) ports[SL_PORTS_MAX];
	_Atomic(uint32_t) tick;
	uint64_t received_mark;
};

static const struct sl_label web[] = {{"app", "web"}}, db[] = {{"app", "db"}},
			     far[] = {{"app", "far"}};
static const struct sl_identity_def identities[] = {{1001, web, 1}, {1002, db, 1}, {1003, far, 1}};

/* A published world is never modified: each change is a copy with a higher generation. */
static struct sl_world *next_world(struct sl_rig *r)
{
	struct sl_world *w = malloc(sizeof(*w));

	assert_non_null(w);
	*w = *r->world;
	w->generation = ++w->commit;
	return w;
}

/* A copy for which every flow must be resolved again. */
static struct sl_world *change(struct sl_rig *r)
{
	struct sl_world *w = next_world(r);

	atomic_store(&r->p->changes->all, w->commit);
	return w;
}

static void publish(struct sl_rig *r, struct sl_world *w)
{
	atomic_store(&r->p->world, w);
	free(r->world);
	r->world = w;
}

static void add_endpoint(struct sl_rig *r, struct sl_pmap_edit *edit, unsigned int i,
	const char *const addrs[2], const char *mac, uint32_t origin)
{
	struct sl_endpoint *ep = &r->endpoint[i];

	ep->network = 1;
	ep->origin = origin;
	ep->local = !(origin & SL_ORIGIN_NODE);
	ep->identity = identities[i].id;
	ep->id = i + 1;
	ep->mac = sl_test_mac(mac);
	for (unsigned int a = 0; a < 2; a++) {
		struct sl_ip ip = sl_test_ip(addrs[a]);
		struct sl_pmap_key key = sl_pmap_addr_key(1, &ip);

		assert_int_equal(sl_pmap_put(edit, &key, ep, NULL), 0);
	}
}

/* Opens an owner for each endpoint, as the applier does. */
static void open_owners(struct sl_rig *r)
{
	struct sl_flow_table *t = r->p->flows;
	uint32_t network = sl_owner_open(t, SL_OWNER_NETWORK, 1, 0, 0);

	for (unsigned int i = 0; i < 3; i++) {
		struct sl_endpoint *ep = &r->endpoint[i];
		uint32_t place = sl_owner_open(t, ep->local ? SL_OWNER_PORT : SL_OWNER_NODE,
			ep->origin & ~SL_ORIGIN_NODE, 0, 0);

		ep->owner = sl_owner_open(t, SL_OWNER_ENDPOINT, i + 1, place, network);
	}
}

static void make_endpoints(struct sl_rig *r)
{
	struct sl_pmap_edit *edit = sl_pmap_edit_begin(NULL, 42);
	struct sl_pmap_garbage *garbage;

	assert_non_null(edit);
	add_endpoint(r, edit, 0, (const char *const[]){"10.0.0.5", "fd00::5"}, "02:00:00:00:00:05",
		SL_RIG_WEB);
	add_endpoint(r, edit, 1, (const char *const[]){"10.0.0.6", "fd00::6"}, "02:00:00:00:00:06",
		SL_RIG_DB);
	add_endpoint(r, edit, 2, (const char *const[]){"10.0.0.7", "fd00::7"}, "02:00:00:00:00:07",
		SL_ORIGIN_NODE | SL_RIG_NODE);
	r->world->endpoints = sl_pmap_edit_commit(edit, &garbage);
	sl_pmap_garbage_free(garbage);
	open_owners(r);
}

static struct sl_u32map *one_pair(uint32_t key, uint32_t value)
{
	struct sl_u32map_slot pair = {key, value};
	struct sl_u32map *m = sl_u32map_build(&pair, 1, 7);

	assert_non_null(m);
	return m;
}

static struct sl_addr_map *make_nodes(void)
{
	const struct sl_addr_pair node = {sl_test_ip("192.0.2.2"), SL_RIG_NODE};
	struct sl_addr_map *m = sl_addr_map_build(&node, 1, 7);

	assert_non_null(m);
	return m;
}

static struct sl_addr_map *make_locals(void)
{
	const struct sl_addr_pair local[] = {
		{sl_test_ip("192.0.2.1"), SL_LOCAL_ADDRESS | SL_LOCAL_TUNNEL},
		{sl_test_ip("192.0.2.9"), SL_LOCAL_ADDRESS},
		{sl_test_ip("192.0.2.255"), SL_LOCAL_BROADCAST}};
	struct sl_addr_map *m = sl_addr_map_build(local, RTE_DIM(local), 7);

	assert_non_null(m);
	return m;
}

static void make_world(struct sl_rig *r)
{
	struct sl_world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	r->world = w;
	r->networks[1] = (struct sl_network){
		.id = 1, .vni = 100, .encap = SL_ENCAP_VXLAN, .pickup = true, .present = true};
	w->generation = 1;
	w->commit = 1;
	r->port_network[SL_RIG_WEB] = 1;
	r->port_network[SL_RIG_DB] = 1;
	w->port_network = r->port_network;
	w->ports_end = SL_PORTS_MAX;
	w->n_networks = 2;
	w->networks = r->networks;
	w->vni_to_network = one_pair(100, 1);
	w->node_by_addr = make_nodes();
	w->local_addr = make_locals();
	w->policies = sl_policy_compile(NULL, 0, identities, 3);
	w->tunnels = r->tunnels;
	assert_non_null(w->policies);
	make_endpoints(r);
	atomic_store(&r->p->world, w);
}

static void make_ports(struct sl_rig *r)
{
	sl_test_rows(&r->w->counters);
	for (uint16_t i = 0; i < SL_RIG_PORTS; i++) {
		r->w->counters.port[i] = &r->row[i];
		r->port[i] = (struct sl_port_dp){
			.id = i, .underlay = i == SL_RIG_UNDERLAY, .mtu = 1500, .n_txq = 1};
		r->port[i].mac = sl_test_mac("02:00:00:00:0a:01");
		atomic_store(&r->ports[i], &r->port[i]);
	}
}

struct sl_rig *sl_rig_create(void)
{
	return sl_rig_create_for(MAX_FLOWS);
}

struct sl_rig *sl_rig_create_for(uint32_t max_flows)
{
	struct sl_rig *r =
		aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN(sizeof(*r), RTE_CACHE_LINE_SIZE));

	assert_non_null(r);
	memset(r, 0, sizeof(*r));
	r->rcu = sl_rcu_create(1, SOCKET_ID_ANY);
	assert_non_null(r->rcu);
	r->w = aligned_alloc(
		RTE_CACHE_LINE_SIZE, RTE_ALIGN(sizeof(struct sl_worker), RTE_CACHE_LINE_SIZE));
	assert_non_null(r->w);
	memset(r->w, 0, sizeof(*r->w));
	r->p = sl_pipeline_create(max_flows, 1, r->rcu);
	assert_non_null(r->p);
	r->tunnels = sl_tunnel_table_create(16, 1);
	assert_non_null(r->tunnels);
	make_ports(r);
	make_world(r);
	sl_rig_tunnel(r, true, true);
	r->tick = 100;
	r->w->pipeline = r->p;
	r->w->pool = sl_test_pool();
	r->w->ports = r->ports;
	r->w->tick = &r->tick;
	r->w->qsbr = sl_rcu_qsbr(r->rcu);
	assert_int_equal(sl_rings_init(&r->w->rings, 0, SOCKET_ID_ANY), 0);
	assert_int_equal(sl_samples_init(&r->w->samples, "sample", 0, SOCKET_ID_ANY, &r->tick,
				 &r->w->counters),
		0);
	return r;
}

static void check_sum(const struct sl_rig *r)
{
	const struct sl_counters *c = &r->w->counters;
	uint64_t dropped = 0;

	for (unsigned int i = 1; i < SL_DROP_COUNT; i++)
		dropped += c->drops[i];
	assert_int_equal(c->received + c->generated, c->sent + dropped + c->consumed);
}

void sl_rig_destroy(struct sl_rig *r)
{
	struct sl_upcall up;

	sl_rig_tick(r, SL_WAITING_TICKS);
	while (r->p->waiting[0]->n > 0)
		sl_pipeline_spare(r->w);
	sl_rig_discard(r);
	while (rte_ring_sc_dequeue_elem(r->w->rings.upcall, &up, sizeof(up)) == 0) {
		rte_pktmbuf_free(up.m);
		r->w->counters.consumed++; /* the control thread's part */
	}
	check_sum(r);
	assert_int_equal(sl_test_pool_in_use(), 0);
	sl_rcu_drain(r->rcu);
	sl_pipeline_destroy(r->p);
	sl_tunnel_table_destroy(r->tunnels);
	sl_pmap_destroy((struct sl_pmap *)(uintptr_t)r->world->endpoints);
	sl_policy_set_destroy((void *)(uintptr_t)r->world->policies);
	sl_u32map_destroy((void *)(uintptr_t)r->world->vni_to_network);
	sl_addr_map_destroy((void *)(uintptr_t)r->world->node_by_addr);
	sl_addr_map_destroy((void *)(uintptr_t)r->world->local_addr);
	free(r->world);
	sl_rings_fini(&r->w->rings);
	sl_samples_fini(&r->w->samples);
	free(r->w);
	sl_rcu_destroy(r->rcu);
	free(r);
}

struct sl_worker *sl_rig_worker(struct sl_rig *r)
{
	return r->w;
}

struct sl_pipeline *sl_rig_pipeline(struct sl_rig *r)
{
	return r->p;
}

struct sl_rcu *sl_rig_rcu(struct sl_rig *r)
{
	return r->rcu;
}

void sl_rig_policies(struct sl_rig *r, const struct sl_policy_def *defs, size_t n)
{
	struct sl_world *w = change(r);
	const struct sl_policy_set *old = r->world->policies;

	w->policies = sl_policy_compile(defs, n, identities, 3);
	assert_non_null(w->policies);
	publish(r, w);
	sl_policy_set_destroy((void *)(uintptr_t)old);
}

struct sl_policy_def sl_rig_rule(uint32_t slot, enum sl_tier tier, enum sl_direction direction,
	enum sl_rule_action action, const struct sl_label *subject)
{
	return (struct sl_policy_def){.slot = slot,
		.any_network = true,
		.tier = tier,
		.direction = direction,
		.action = action,
		.subject = {subject, 1},
		.any_peer = true,
		.any_port = true};
}

void sl_rig_program(struct sl_rig *r, enum sl_programmed_kind kind, uint32_t target)
{
	struct sl_flow_program p = {.v4 = true, .kind = kind, .target = target};
	struct sl_ip src = sl_test_ip("10.0.0.5"), dst = sl_test_ip("10.0.0.6");

	memcpy(p.key.src, src.b, 16);
	memcpy(p.key.dst, dst.b, 16);
	p.key.sport_be = htons(40000);
	p.key.dport_be = htons(53);
	p.key.net_proto = sl_key_net_proto(1, IPPROTO_UDP);
	assert_int_equal(sl_flow_program_add(r->p->flows, &p, 100), 0);
}

void sl_rig_allow_all(struct sl_rig *r)
{
	static const struct sl_selector who[] = {{web, 1}, {db, 1}, {far, 1}};
	static const uint32_t network = 1;
	struct sl_policy_def defs[6];

	for (uint32_t i = 0; i < 6; i++)
		defs[i] = (struct sl_policy_def){.slot = i + 1,
			.networks = &network,
			.n_networks = 1,
			.tier = SL_TIER_TEAM,
			.direction = i < 3 ? SL_INGRESS : SL_EGRESS,
			.action = SL_RULE_ALLOW,
			.subject = who[i % 3],
			.any_peer = true,
			.any_port = true};
	sl_rig_policies(r, defs, 6);
}

/* Networks are read through the world. The rig is between bursts, so no stage sees the write. */
void sl_rig_mode(struct sl_rig *r, enum sl_policy_mode mode)
{
	struct sl_world *w = change(r);

	r->networks[1].mode = (uint8_t)mode;
	publish(r, w);
}

void sl_rig_defaults(struct sl_rig *r, bool ingress, bool egress)
{
	struct sl_world *w = change(r);

	r->networks[1].allow_ingress = ingress;
	r->networks[1].allow_egress = egress;
	publish(r, w);
}

void sl_rig_pickup(struct sl_rig *r, bool pickup)
{
	struct sl_world *w = change(r);

	r->networks[1].pickup = pickup;
	publish(r, w);
}

void sl_rig_network_mtu(struct sl_rig *r, uint16_t mtu)
{
	struct sl_world *w = change(r);

	r->networks[1].mtu = mtu;
	publish(r, w);
}

void sl_rig_port_gone(struct sl_rig *r, uint16_t port)
{
	atomic_store(&r->ports[port], NULL);
	publish(r, change(r));
}

void sl_rig_port_refuses(struct sl_rig *r, uint16_t port, enum sl_drop why)
{
	r->port[port].refuse = (uint8_t)why;
}

void sl_rig_mac(struct sl_rig *r, uint16_t port, const char *mac)
{
	r->port[port].mac = sl_test_mac(mac);
}

void sl_rig_tunnel(struct sl_rig *r, bool resolved, bool reachable)
{
	struct sl_tunnel_params p = {.local = sl_test_ip("192.0.2.1"),
		.remote = sl_test_ip("192.0.2.2"),
		.next_hop = sl_test_ip("192.0.2.2"),
		.local_mac = sl_test_mac("02:00:00:00:0a:01"),
		.next_hop_mac = sl_test_mac("02:00:00:00:0b:01"),
		.resolved = resolved,
		.reachable = reachable,
		.port = SL_RIG_UNDERLAY,
		.underlay_mtu = 1600,
		.id = sl_tunnel_id(SL_RIG_NODE, SL_ENCAP_VXLAN),
		.node = SL_RIG_NODE};
	struct sl_tunnel *t = sl_tunnel_create(SL_ENCAP_VXLAN, &p);

	assert_non_null(t);
	sl_tunnel_publish(r->tunnels, r->rcu, p.id, t);
	publish(r, change(r));
}

void sl_rig_tunnel_gone(struct sl_rig *r)
{
	sl_tunnel_publish(r->tunnels, r->rcu, sl_tunnel_id(SL_RIG_NODE, SL_ENCAP_VXLAN), NULL);
	publish(r, change(r));
}

void sl_rig_touch(struct sl_rig *r, uint16_t slot)
{
	struct sl_world *w = next_world(r);

	atomic_store(&r->p->changes->stamp[slot], w->commit);
	publish(r, w);
}

void sl_rig_tick(struct sl_rig *r, uint32_t ticks)
{
	atomic_fetch_add(&r->tick, ticks);
}

void sl_rig_burst(struct sl_rig *r, uint16_t port, struct rte_mbuf **pkts, unsigned int n)
{
	struct sl_burst *b = &r->w->burst;

	memset(b->meta, 0xa5, sizeof(b->meta)); /* no stage may rely on what was there */
	memcpy(b->pkt, pkts, n * sizeof(*pkts));
	b->n = (uint16_t)n;
	b->in_port = port;
	r->w->counters.received += n;
	sl_pipeline_run(r->w, &r->port[port], b);
}

static enum sl_drop counted_since(const struct sl_rig *r, const struct sl_counters *before)
{
	for (unsigned int i = 1; i < SL_DROP_COUNT; i++)
		if (r->w->counters.drops[i] != before->drops[i])
			return i;
	return SL_KEEP;
}

enum sl_drop sl_rig_send_mbuf(struct sl_rig *r, uint16_t port, struct rte_mbuf *m)
{
	struct sl_counters before = r->w->counters;

	sl_rig_burst(r, port, &m, 1);
	return counted_since(r, &before);
}

enum sl_drop sl_rig_spare(struct sl_rig *r)
{
	struct sl_counters before = r->w->counters;

	sl_pipeline_spare(r->w);
	return counted_since(r, &before);
}

enum sl_drop sl_rig_send_in_vain(struct sl_rig *r, uint16_t port, const struct sl_frame *f)
{
	assert_int_equal(sl_rig_send(r, port, f), SL_KEEP);
	assert_int_equal(sl_rig_spare(r), SL_KEEP);
	sl_rig_tick(r, SL_WAITING_TICKS);
	return sl_rig_spare(r);
}

enum sl_drop sl_rig_flush(struct sl_rig *r, uint16_t port)
{
	struct sl_counters before = r->w->counters;

	assert_int_not_equal(r->port[port].refuse, SL_KEEP);
	sl_tx_flush_port(r->w, port);
	return counted_since(r, &before);
}

enum sl_drop sl_rig_send(struct sl_rig *r, uint16_t port, const struct sl_frame *f)
{
	return sl_rig_send_mbuf(r, port, sl_frame_mbuf(f));
}

struct rte_mbuf *sl_rig_sent(struct sl_rig *r, uint16_t port)
{
	struct sl_tx_buffer *t = sl_tx_buffer(r->w, port);
	struct rte_mbuf *m;

	if (t->n == 0)
		return NULL;
	m = t->pkt[0];
	t->n--;
	memmove(t->pkt, t->pkt + 1, t->n * sizeof(t->pkt[0]));
	r->w->counters.sent++;
	return m;
}

bool sl_rig_sent_frame(struct sl_rig *r, uint16_t port, struct sl_frame *f)
{
	struct rte_mbuf *m = sl_rig_sent(r, port);

	if (m == NULL)
		return false;
	sl_frame_start(f);
	f->len = sl_test_mbuf_bytes(m, f->b, sizeof(f->b));
	rte_pktmbuf_free(m);
	return true;
}

void sl_rig_discard(struct sl_rig *r)
{
	struct rte_mbuf *m;

	for (uint16_t p = 0; p < SL_RIG_PORTS; p++)
		while ((m = sl_rig_sent(r, p)) != NULL)
			rte_pktmbuf_free(m);
	r->w->n_dirty = 0;
}

void sl_rig_wrap(struct sl_frame *outer, const struct sl_frame *inner)
{
	sl_frame_start(outer);
	sl_frame_eth(outer, .dst = "02:00:00:00:0a:01", .src = "02:00:00:00:0b:01");
	sl_frame_ip4(outer, .src = "192.0.2.2", .dst = "192.0.2.1");
	sl_frame_udp(outer, .sport = 50000, .dport = 4789, .no_checksum = true);
	sl_frame_vxlan(outer, .vni = 100);
	sl_frame_copy(outer, inner, 0);
	sl_frame_end(outer);
}
