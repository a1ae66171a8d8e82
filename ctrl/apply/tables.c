/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "ctrl/objects/reach.h"
#include "sluice/encap.h"
#include "tables.h"

/* The seed only spreads keys that the operator chose; nothing from the network gets in here. */
#define MAP_SEED 0x5eedu

struct networks {
	struct sl_network *all;
	uint32_t n;
};

static bool highest_id(const struct sl_object *o, void *ctx)
{
	uint32_t *n = ctx;

	if (o->id >= *n)
		*n = o->id + 1;
	return true;
}

static bool fill_network(const struct sl_object *o, void *ctx)
{
	const struct sl_network_obj *obj = (const struct sl_network_obj *)o;
	struct networks *list = ctx;
	struct sl_network *n = &list->all[o->id];

	*n = (struct sl_network){.id = o->id,
		.vni = obj->vni,
		.encap = (uint8_t)obj->encap,
		.mode = (uint8_t)obj->policy_mode,
		.allow_ingress = obj->policy_default.ingress != 0,
		.allow_egress = obj->policy_default.egress != 0,
		.pickup = obj->pickup,
		.mtu = (uint16_t)obj->mtu,
		.present = true};
	return true;
}

struct sl_network *sl_tables_networks(const struct sl_store *s, uint32_t *n)
{
	struct networks list = {.n = 1};

	sl_store_walk(s, SL_COLL_NETWORKS, highest_id, &list.n);
	list.all = calloc(list.n, sizeof(*list.all));
	if (list.all == NULL)
		return NULL;
	sl_store_walk(s, SL_COLL_NETWORKS, fill_network, &list);
	*n = list.n;
	return list.all;
}

struct vnis {
	struct sl_u32map_slot *slot;
	uint32_t n;
};

static bool add_vni(const struct sl_object *o, void *ctx)
{
	struct vnis *v = ctx;

	v->slot[v->n++] = (struct sl_u32map_slot){((const struct sl_network_obj *)o)->vni, o->id};
	return true;
}

struct sl_u32map *sl_tables_vni(const struct sl_store *s)
{
	struct vnis v = {.n = 0};
	struct sl_u32map *m;

	v.slot = calloc(sl_store_count(s, SL_COLL_NETWORKS) + 1, sizeof(*v.slot));
	if (v.slot == NULL)
		return NULL;
	sl_store_walk(s, SL_COLL_NETWORKS, add_vni, &v);
	m = sl_u32map_build(v.slot, v.n, MAP_SEED);
	free(v.slot);
	return m;
}

/* Addresses of either family; what the packet path makes of them is its own matter. */
struct addrs {
	struct sl_addr_pair *pair;
	uint32_t n;
};

static bool addrs_init(struct addrs *a, size_t n)
{
	a->n = 0;
	a->pair = calloc(n + 1, sizeof(*a->pair));
	return a->pair != NULL;
}

static void addrs_add(struct addrs *a, const struct sl_ip *ip, uint32_t value)
{
	a->pair[a->n++] = (struct sl_addr_pair){*ip, value};
}

static struct sl_addr_map *map_of(struct addrs *a)
{
	struct sl_addr_map *m = sl_addr_map_build(a->pair, a->n, MAP_SEED);

	free(a->pair);
	return m;
}

struct others {
	struct addrs addrs;
	struct sl_reach own; /* this node's addresses */
};

static bool add_node(const struct sl_object *o, void *ctx)
{
	const struct sl_ip *ip = &((const struct sl_node_obj *)o)->address;
	struct others *n = ctx;

	if (!sl_reach_is_own(&n->own, ip))
		addrs_add(&n->addrs, ip, o->id);
	return true;
}

struct sl_addr_map *sl_tables_nodes(const struct sl_store *s, const struct sl_node_self *self)
{
	struct others n;

	if (!addrs_init(&n.addrs, sl_store_count(s, SL_COLL_NODES)))
		return NULL;
	if (!sl_store_reach_init(&n.own, s, self)) {
		sl_reach_fini(&n.own);
		free(n.addrs.pair);
		return NULL;
	}
	sl_store_walk(s, SL_COLL_NODES, add_node, &n);
	sl_reach_fini(&n.own);
	return map_of(&n.addrs);
}

struct locals {
	struct addrs addrs;
	size_t n;
	uint32_t value;
};

static bool count_addresses(const struct sl_object *o, void *ctx)
{
	/* Each brings its prefix's broadcast address with it. */
	((struct locals *)ctx)->n += 2 * ((const struct sl_port_obj *)o)->addresses.n;
	return true;
}

/* Where a prefix has one: /31 (RFC 3021) and /32 have none. */
static bool add_broadcasts(const struct sl_object *o, void *ctx)
{
	const struct sl_port_obj *port = (const struct sl_port_obj *)o;
	const struct sl_prefix *addr = port->addresses.items;
	struct locals *l = ctx;

	for (size_t i = 0; i < port->addresses.n; i++) {
		struct sl_ip last;

		if (!sl_ip_is_v4(&addr[i].ip) || addr[i].len < 96 || addr[i].len >= 96 + 31)
			continue;
		last = sl_ip_from_v4(
			sl_ip_v4_be(&addr[i].ip) | htonl(UINT32_MAX >> (addr[i].len - 96)));
		addrs_add(&l->addrs, &last, SL_LOCAL_BROADCAST);
	}
	return true;
}

static bool add_addresses(const struct sl_object *o, void *ctx)
{
	const struct sl_port_obj *port = (const struct sl_port_obj *)o;
	const struct sl_prefix *addr = port->addresses.items;
	struct locals *l = ctx;

	for (size_t i = 0; i < port->addresses.n; i++)
		addrs_add(&l->addrs, &addr[i].ip, l->value);
	return true;
}

struct sl_addr_map *sl_tables_local(const struct sl_store *s, const struct sl_node_self *self)
{
	const struct sl_ip *tun = self->tunnel_addresses.items;
	struct locals l = {.n = self->tunnel_addresses.n};

	sl_store_walk(s, SL_COLL_PORTS, count_addresses, &l);
	if (!addrs_init(&l.addrs, l.n))
		return NULL;
	/* First: a key's last value counts, and an own address is one whatever the prefix says. */
	sl_store_walk(s, SL_COLL_PORTS, add_broadcasts, &l);
	/* Without tunnel addresses of its own the node takes tunnels at every underlay address. */
	l.value = SL_LOCAL_ADDRESS | (self->tunnel_addresses.n == 0 ? SL_LOCAL_TUNNEL : 0);
	sl_store_walk(s, SL_COLL_PORTS, add_addresses, &l);
	for (size_t i = 0; i < self->tunnel_addresses.n; i++)
		addrs_add(&l.addrs, &tun[i], SL_LOCAL_ADDRESS | SL_LOCAL_TUNNEL);
	return map_of(&l.addrs);
}

/* What a definition points at, for as long as it is handed over: one block, used again. */
struct room {
	char *p;
	size_t used, size;
};

static size_t room_for_labels(const struct sl_labels *labels)
{
	return labels->n * sizeof(struct sl_label);
}

/* Everything that def_of takes, the parts that want the least alignment last. */
static bool room_init(struct room *r, const struct sl_policy_obj *obj)
{
	const struct sl_peer_obj *peer = obj->peers.items;
	size_t need =
		room_for_labels(&obj->subject.labels) + obj->peers.n * sizeof(struct sl_peer_def) +
		obj->networks.n * sizeof(uint32_t) + obj->ports.n * sizeof(struct sl_port_match);
	char *p;

	for (size_t i = 0; i < obj->peers.n; i++)
		need += room_for_labels(&peer[i].labels);
	r->used = 0;
	if (need <= r->size)
		return true;
	p = realloc(r->p, need);
	if (p == NULL)
		return false;
	r->p = p;
	r->size = need;
	return true;
}

static void *take(struct room *r, size_t n, size_t size)
{
	void *p = r->p + r->used;

	r->used += n * size;
	return p;
}

static struct sl_label *labels_of(struct room *r, const struct sl_labels *labels)
{
	struct sl_label *l = take(r, labels->n, sizeof(*l));

	for (size_t i = 0; i < labels->n; i++)
		l[i] = (struct sl_label){labels->pair[i].key, labels->pair[i].value};
	return l;
}

static void fill_peer(struct room *r, const struct sl_peer_obj *obj, struct sl_peer_def *peer)
{
	*peer = (struct sl_peer_def){.kind = SL_PEER_SELECTOR};
	if (obj->has_cidr) {
		peer->kind = SL_PEER_CIDR;
		peer->cidr = obj->cidr;
		peer->except = obj->except.items;
		peer->n_except = obj->except.n;
	} else if (obj->has_entity) {
		peer->kind = SL_PEER_ENTITY;
		peer->entity = obj->entity;
	} else {
		peer->selector.labels = labels_of(r, &obj->labels);
		peer->selector.n_labels = obj->labels.n;
	}
}

static const uint8_t protocols[] = {0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP,
	IPPROTO_ICMPV6}; /* in the order of the shape's names */

static void fill_match(const struct sl_policy_port_obj *obj, struct sl_port_match *m)
{
	*m = (struct sl_port_match){.proto = protocols[obj->protocol],
		.has_port = obj->has_port,
		.port = (uint16_t)obj->port,
		.end = (uint16_t)(obj->has_end_port ? obj->end_port : obj->port)};
}

/* Ids of networks stay while a policy names them: an old policy's are as they were. */
static const uint32_t *networks_of(
	struct room *r, const struct sl_store *s, const struct sl_names *names)
{
	uint32_t *ids = take(r, names->n, sizeof(*ids));

	for (uint32_t i = 0; i < names->n; i++)
		ids[i] = sl_store_id_of(s, SL_COLL_NETWORKS, names->name[i]);
	return ids;
}

static struct sl_policy_def def_of(
	struct room *r, const struct sl_store *s, const struct sl_policy_obj *obj)
{
	const struct sl_peer_obj *peer_objs = obj->peers.items;
	const struct sl_policy_port_obj *port_objs = obj->ports.items;
	struct sl_peer_def *peers;
	struct sl_port_match *ports;
	struct sl_policy_def def;

	if (!room_init(r, obj))
		abort();
	peers = take(r, obj->peers.n, sizeof(*peers));
	for (size_t i = 0; i < obj->peers.n; i++)
		fill_peer(r, &peer_objs[i], &peers[i]);
	def = (struct sl_policy_def){.slot = obj->o.id,
		.any_network = obj->networks.all,
		.n_networks = obj->networks.n,
		.tier = obj->tier,
		.priority = (uint16_t)obj->priority,
		.direction = obj->direction,
		.action = obj->action,
		.subject = {labels_of(r, &obj->subject.labels), obj->subject.labels.n},
		.any_peer = !obj->has_peers,
		.peers = peers,
		.n_peers = obj->peers.n,
		.any_port = !obj->has_ports,
		.n_ports = obj->ports.n};
	def.networks = networks_of(r, s, &obj->networks);
	ports = take(r, obj->ports.n, sizeof(*ports));
	for (size_t i = 0; i < obj->ports.n; i++)
		fill_match(&port_objs[i], &ports[i]);
	def.ports = ports;
	return def;
}

static void put_identity(
	struct sl_policy_compiler *c, struct room *r, const struct sl_identity_obj *obj)
{
	size_t need = room_for_labels(&obj->labels);
	struct sl_identity_def def = {.id = (uint16_t)obj->id_number, .n_labels = obj->labels.n};

	r->used = 0;
	if (need > r->size) {
		r->p = realloc(r->p, need);
		if (r->p == NULL)
			abort();
		r->size = need;
	}
	def.labels = labels_of(r, &obj->labels);
	sl_policy_identity_put(c, &def);
}

static void change_identities(
	struct sl_policy_compiler *c, struct room *r, const struct sl_change *changes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (changes[i].coll == SL_COLL_IDENTITIES && changes[i].old_obj != NULL)
			sl_policy_identity_gone(
				c, (uint16_t)((const struct sl_identity_obj *)changes[i].old_obj)
					   ->id_number);
	for (size_t i = 0; i < n; i++)
		if (changes[i].coll == SL_COLL_IDENTITIES && changes[i].new_obj != NULL)
			put_identity(c, r, (const struct sl_identity_obj *)changes[i].new_obj);
}

const struct sl_policy_set *sl_tables_policies(struct sl_policy_compiler *c,
	const struct sl_store *s, const struct sl_change *changes, size_t n, void **garbage)
{
	struct room r = {0};
	struct sl_policy_def def;

	change_identities(c, &r, changes, n);
	for (size_t i = 0; i < n; i++) {
		if (changes[i].coll != SL_COLL_POLICIES || changes[i].old_obj == NULL)
			continue;
		def = def_of(&r, s, (const struct sl_policy_obj *)changes[i].old_obj);
		sl_policy_rule_gone(c, &def);
	}
	for (size_t i = 0; i < n; i++) {
		if (changes[i].coll != SL_COLL_POLICIES || changes[i].new_obj == NULL)
			continue;
		def = def_of(&r, s, (const struct sl_policy_obj *)changes[i].new_obj);
		sl_policy_rule_put(c, &def);
	}
	free(r.p);
	return sl_policy_compiler_commit(c, garbage);
}
