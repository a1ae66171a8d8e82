/* SPDX-License-Identifier: BSD-3-Clause */
/* The world of the rig: made, changed as commits change it, freed. */
#include "rig_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dp/lib/pmap.h"
#include "dp/lib/u32map.h"
#include "dp/lib/addr_map.h"
#include "pipelines/context/changes.h"
#include "pipelines/context/trunk.h"
#include "pipelines/flow/flow_ctl.h"
#include "pipelines/overlay/tunnel_ctl.h"
#include "pipelines/pipeline_ctl.h"
#include "pipelines/reply/setup_dp.h"
#include "pipelines/route/route_ctl.h"

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
struct sl_world *sl_rig_change(struct sl_rig *r)
{
	struct sl_world *w = next_world(r);

	atomic_store(&r->p->changes->all, w->commit);
	return w;
}

void sl_rig_publish(struct sl_rig *r, struct sl_world *w)
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
		r->address[i][a] = ip;
	}
	ep->ip = r->address[i];
	ep->n_ip = 2;
}

static void make_clients(struct sl_rig *r)
{
	struct sl_pmap_edit *edit = sl_pmap_edit_begin(NULL, 42);
	struct sl_pmap_garbage *garbage;

	assert_non_null(edit);
	for (unsigned int i = 0; i < 2; i++) {
		struct sl_endpoint *ep = &r->endpoint[i];
		struct sl_pmap_key key = sl_client_key(ep->network, ep->origin, &ep->mac);

		assert_int_equal(sl_pmap_put(edit, &key, ep, NULL), 0);
	}
	r->world->clients = sl_pmap_edit_commit(edit, &garbage);
	sl_pmap_garbage_free(garbage);
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
	const struct sl_addr_pair node[] = {
		{sl_test_ip("192.0.2.2"), SL_RIG_NODE}, {sl_test_ip("2001:db8::2"), SL_RIG_NODE}};
	struct sl_addr_map *m = sl_addr_map_build(node, RTE_DIM(node), 7);

	assert_non_null(m);
	return m;
}

static struct sl_addr_map *make_locals(void)
{
	const struct sl_addr_pair local[] = {
		{sl_test_ip("192.0.2.1"), SL_LOCAL_ADDRESS | SL_LOCAL_TUNNEL},
		{sl_test_ip("192.0.2.9"), SL_LOCAL_ADDRESS | SL_LOCAL_NAT},
		{sl_test_ip("192.0.2.255"), SL_LOCAL_BROADCAST},
		{sl_test_ip("2001:db8::1"), SL_LOCAL_ADDRESS | SL_LOCAL_TUNNEL},
		{sl_test_ip("2001:db8::9"), SL_LOCAL_ADDRESS}};
	struct sl_addr_map *m = sl_addr_map_build(local, RTE_DIM(local), 7);

	assert_non_null(m);
	return m;
}

/* IP-in-IP from the node is network 1's. */
static struct sl_pmap *make_pairs(const struct sl_addr_map *locals)
{
	static const char *const pair[][2] = {
		{"192.0.2.1", "192.0.2.2"}, {"2001:db8::1", "2001:db8::2"}};
	struct sl_pmap_edit *e = sl_pmap_edit_begin(NULL, 7);
	struct sl_pmap_garbage *g = NULL;
	struct sl_pmap *m;

	assert_non_null(e);
	for (unsigned int i = 0; i < RTE_DIM(pair); i++) {
		struct sl_ip local = sl_test_ip(pair[i][0]), remote = sl_test_ip(pair[i][1]);
		struct sl_pmap_key k = sl_pair_key(sl_addr_map_find(locals, &local), &remote);

		assert_int_equal(sl_pmap_put(e, &k, (void *)(uintptr_t)1, NULL), 0);
	}
	m = sl_pmap_edit_commit(e, &g);
	sl_pmap_garbage_free(g);
	return m;
}

void sl_rig_make_world(struct sl_rig *r)
{
	struct sl_world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	r->world = w;
	r->networks[1] = (struct sl_network){.id = 1,
		.vni = 100,
		.encap = SL_ENCAP_VXLAN,
		.accepts = 1 << SL_ENCAP_VXLAN,
		.pickup = true,
		.present = true};
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
	w->pair_network = make_pairs(w->local_addr);
	w->policies = sl_policy_compile(NULL, 0, identities, 3);
	w->tunnels = r->tunnels;
	assert_non_null(w->policies);
	make_endpoints(r);
	make_clients(r);
	atomic_store(&r->p->world, w);
}

void sl_rig_free_world(struct sl_rig *r)
{
	sl_pmap_destroy((struct sl_pmap *)(uintptr_t)r->world->endpoints);
	sl_pmap_destroy((struct sl_pmap *)(uintptr_t)r->world->clients);
	sl_pmap_destroy((struct sl_pmap *)(uintptr_t)r->world->flood);
	free((void *)(uintptr_t)r->networks[1].setup);
	for (unsigned int i = 0; i < SL_RIG_PORTS; i++)
		free((void *)(uintptr_t)r->trunks[i]);
	sl_pmap_destroy((struct sl_pmap *)(uintptr_t)r->world->pair_network);
	sl_routes_destroy((struct sl_pmap *)(uintptr_t)r->world->routes);
	sl_policy_set_destroy((void *)(uintptr_t)r->world->policies);
	sl_u32map_destroy((void *)(uintptr_t)r->world->vni_to_network);
	sl_addr_map_destroy((void *)(uintptr_t)r->world->node_by_addr);
	sl_addr_map_destroy((void *)(uintptr_t)r->world->local_addr);
	free(r->world);
}

void sl_rig_policies(struct sl_rig *r, const struct sl_policy_def *defs, size_t n)
{
	struct sl_world *w = sl_rig_change(r);
	const struct sl_policy_set *old = r->world->policies;

	w->policies = sl_policy_compile(defs, n, identities, 3);
	assert_non_null(w->policies);
	sl_rig_publish(r, w);
	sl_policy_set_destroy((void *)(uintptr_t)old);
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
	struct sl_world *w = sl_rig_change(r);

	r->networks[1].mode = (uint8_t)mode;
	sl_rig_publish(r, w);
}

void sl_rig_defaults(struct sl_rig *r, bool ingress, bool egress)
{
	struct sl_world *w = sl_rig_change(r);

	r->networks[1].allow_ingress = ingress;
	r->networks[1].allow_egress = egress;
	sl_rig_publish(r, w);
}

void sl_rig_pickup(struct sl_rig *r, bool pickup)
{
	struct sl_world *w = sl_rig_change(r);

	r->networks[1].pickup = pickup;
	sl_rig_publish(r, w);
}

void sl_rig_network_mtu(struct sl_rig *r, uint16_t mtu)
{
	struct sl_world *w = sl_rig_change(r);

	r->networks[1].mtu = mtu;
	sl_rig_publish(r, w);
}

static void put_subnet(
	struct sl_route_edit *e, const char *address, uint8_t len, const char *gateway)
{
	const struct sl_prefix p = {sl_test_ip(address), len};
	struct sl_route_dp *s = sl_route_create(&p, 0);

	assert_non_null(s);
	s->kind = SL_ROUTE_SUBNET;
	s->has_gateway = true;
	s->gateway = sl_test_ip(gateway);
	assert_int_equal(sl_route_put(e, sl_subnets_of(1), s), 0);
}

void sl_rig_gateway(struct sl_rig *r)
{
	const struct sl_prefix nowhere = {sl_test_ip("10.66.0.0"), 96 + 16};
	struct sl_route_edit *e = sl_route_edit_begin(NULL, 7);
	struct sl_route_dp *blackhole = sl_route_create(&nowhere, 0);
	struct sl_world *w = sl_rig_change(r);
	struct sl_route_garbage *g;

	assert_non_null(e);
	assert_non_null(blackhole);
	blackhole->kind = SL_ROUTE_BLACKHOLE;
	put_subnet(e, "10.0.0.0", 96 + 24, "10.0.0.1");
	put_subnet(e, "fd00::", 64, "fd00::1");
	assert_int_equal(sl_route_put(e, sl_routes_of(1), blackhole), 0);
	w->routes = sl_route_edit_commit(e, &g);
	sl_route_garbage_free(g);
	r->networks[1].has_gateways = true;
	r->networks[1].gateway_mac = sl_test_mac(SL_RIG_GATEWAY_MAC);
	sl_rig_publish(r, w);
}

void sl_rig_port_gone(struct sl_rig *r, uint16_t port)
{
	atomic_store(&r->ports[port], NULL);
	sl_rig_publish(r, sl_rig_change(r));
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
		.id = sl_tunnel_id(SL_RIG_NODE, SL_ENCAP_VXLAN, SL_FAMILY_IP4),
		.node = SL_RIG_NODE};
	struct sl_tunnel *t = sl_tunnel_create(SL_ENCAP_VXLAN, &p);

	assert_non_null(t);
	sl_tunnel_publish(r->tunnels, r->rcu, p.id, t);
	sl_rig_publish(r, sl_rig_change(r));
}

static void set_encap(
	struct sl_rig *r, enum sl_encap_id encap, enum sl_family family, bool udp6_checksum)
{
	bool ip6 = family == SL_FAMILY_IP6;
	const char *remote = ip6 ? "2001:db8::2" : "192.0.2.2";
	struct sl_tunnel_params p = {.local = sl_test_ip(ip6 ? "2001:db8::1" : "192.0.2.1"),
		.remote = sl_test_ip(remote),
		.next_hop = sl_test_ip(remote),
		.local_mac = sl_test_mac("02:00:00:00:0a:01"),
		.next_hop_mac = sl_test_mac("02:00:00:00:0b:01"),
		.resolved = true,
		.reachable = true,
		.port = SL_RIG_UNDERLAY,
		.underlay_mtu = 1600,
		.id = sl_tunnel_id(SL_RIG_NODE, encap, family),
		.node = SL_RIG_NODE,
		.udp6_checksum = udp6_checksum};
	struct sl_tunnel *t = sl_tunnel_create(encap, &p);
	struct sl_world *w = sl_rig_change(r);

	assert_non_null(t);
	sl_tunnel_publish(r->tunnels, r->rcu, p.id, t);
	r->networks[1].encap = (uint8_t)encap;
	r->networks[1].accepts = (uint16_t)(1u << encap);
	r->node_ways[SL_RIG_NODE].family = (uint8_t)family;
	w->node_ways = r->node_ways;
	w->n_node_ways = RTE_DIM(r->node_ways);
	sl_rig_publish(r, w);
}

void sl_rig_encap(struct sl_rig *r, enum sl_encap_id encap, enum sl_family family)
{
	set_encap(r, encap, family, false);
}

void sl_rig_udp6_checksum(struct sl_rig *r)
{
	set_encap(r, r->networks[1].encap, SL_FAMILY_IP6, true);
}

void sl_rig_tunnel_gone(struct sl_rig *r)
{
	sl_tunnel_publish(
		r->tunnels, r->rcu, sl_tunnel_id(SL_RIG_NODE, SL_ENCAP_VXLAN, SL_FAMILY_IP4), NULL);
	sl_rig_publish(r, sl_rig_change(r));
}

void sl_rig_host_tap(struct sl_rig *r, bool has)
{
	struct sl_world *w = sl_rig_change(r);

	r->host_taps.other[SL_RIG_UNDERLAY] = SL_RIG_UNBOUND + 1;
	r->host_taps.other[SL_RIG_UNBOUND] = SL_RIG_UNDERLAY + 1;
	w->host_taps = has ? &r->host_taps : NULL;
	sl_rig_publish(r, w);
}

static struct sl_setup_subnet subnet(
	const char *prefix, uint8_t len, const char *gateway, const char *dns)
{
	struct sl_setup_subnet s = {.prefix = {.ip = sl_test_ip(prefix), .len = len},
		.gateway = sl_test_ip(gateway),
		.has_gateway = true,
		.dhcp = true,
		.ra = true,
		.n_dns = 1,
		.search_len = 13};

	s.dns[0] = sl_test_ip(dns);
	memcpy(s.search, "\7example\3org", 13);
	return s;
}

void sl_rig_setup(struct sl_rig *r)
{
	struct sl_world *w = sl_rig_change(r);
	struct sl_setup *s = calloc(1, sizeof(*s) + 2 * sizeof(s->subnet[0]));

	assert_non_null(s);
	s->mac = sl_test_mac("02:00:5e:00:02:01");
	s->router = sl_link_local(&s->mac);
	s->has_ra = s->has_dhcp4 = s->has_dhcp6 = true;
	s->n = 2;
	s->subnet[0] = subnet("10.0.0.0", 96 + 24, "10.0.0.1", "10.0.0.53");
	s->subnet[1] = subnet("fd00::", 64, "fd00::1", "fd00::53");
	free((void *)(uintptr_t)r->networks[1].setup);
	r->networks[1].setup = s;
	sl_rig_publish(r, w);
}

void sl_rig_vlan(struct sl_rig *r, uint16_t port, uint16_t vlan)
{
	struct sl_world *w = sl_rig_change(r);
	struct sl_trunk *trunk = calloc(1, sizeof(*trunk));

	assert_non_null(trunk);
	trunk->n = 1;
	trunk->vlan[0] = vlan;
	trunk->network[vlan] = 1;
	trunk->endpoints[vlan] = 1;
	free((void *)(uintptr_t)r->trunks[port]);
	r->trunks[port] = trunk;
	r->port_network[port] = SL_PORT_TAGGED_ONLY;
	r->endpoint[port].origin = port | (uint32_t)vlan << SL_ORIGIN_VLAN_SHIFT;
	w->trunks = r->trunks;
	sl_rig_publish(r, w);
}

void sl_rig_touch(struct sl_rig *r, uint16_t slot)
{
	struct sl_world *w = next_world(r);

	atomic_store(&r->p->changes->stamp[slot], w->commit);
	sl_rig_publish(r, w);
}
