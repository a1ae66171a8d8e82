/* SPDX-License-Identifier: BSD-3-Clause */
#include <netinet/in.h>
#include <stdlib.h>

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
		.mtu = (uint16_t)obj->mtu,
		.present = true};
	memcpy(n->name, obj->name, sizeof(n->name));
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

struct pairs {
	struct sl_u32map_slot *slot;
	uint32_t n;
};

static struct sl_u32map *map_of(struct pairs *p)
{
	struct sl_u32map *m = sl_u32map_build(p->slot, p->n, MAP_SEED);

	free(p->slot);
	return m;
}

static bool pairs_init(struct pairs *p, size_t n)
{
	p->n = 0;
	p->slot = calloc(n + 1, sizeof(*p->slot));
	return p->slot != NULL;
}

static void pairs_add(struct pairs *p, uint32_t key, uint32_t value)
{
	p->slot[p->n++] = (struct sl_u32map_slot){key, value};
}

static bool add_vni(const struct sl_object *o, void *ctx)
{
	pairs_add(ctx, ((const struct sl_network_obj *)o)->vni, o->id);
	return true;
}

struct sl_u32map *sl_tables_vni(const struct sl_store *s)
{
	struct pairs p;

	if (!pairs_init(&p, sl_store_count(s, SL_COLL_NETWORKS)))
		return NULL;
	sl_store_walk(s, SL_COLL_NETWORKS, add_vni, &p);
	return map_of(&p);
}

static bool add_node(const struct sl_object *o, void *ctx)
{
	const struct sl_ip *ip = &((const struct sl_node_obj *)o)->address;

	if (sl_ip_is_v4(ip))
		pairs_add(ctx, sl_ip_v4_be(ip), o->id);
	return true;
}

struct sl_u32map *sl_tables_nodes(const struct sl_store *s)
{
	struct pairs p;

	if (!pairs_init(&p, sl_store_count(s, SL_COLL_NODES)))
		return NULL;
	sl_store_walk(s, SL_COLL_NODES, add_node, &p);
	return map_of(&p);
}

struct locals {
	struct pairs pairs;
	size_t n;
	uint32_t value;
};

static bool count_addresses(const struct sl_object *o, void *ctx)
{
	((struct locals *)ctx)->n += ((const struct sl_port_obj *)o)->addresses.n;
	return true;
}

static bool add_addresses(const struct sl_object *o, void *ctx)
{
	const struct sl_port_obj *port = (const struct sl_port_obj *)o;
	const struct sl_prefix *addr = port->addresses.items;
	struct locals *l = ctx;

	for (size_t i = 0; i < port->addresses.n; i++)
		if (sl_ip_is_v4(&addr[i].ip))
			pairs_add(&l->pairs, sl_ip_v4_be(&addr[i].ip), l->value);
	return true;
}

struct sl_u32map *sl_tables_local(const struct sl_store *s, const struct sl_node_self *self)
{
	const struct sl_ip *tun = self->tunnel_addresses.items;
	struct locals l = {.n = self->tunnel_addresses.n};

	sl_store_walk(s, SL_COLL_PORTS, count_addresses, &l);
	if (!pairs_init(&l.pairs, l.n))
		return NULL;
	/* Without tunnel addresses of its own the node takes tunnels at every underlay address. */
	l.value = SL_LOCAL_ADDRESS | (self->tunnel_addresses.n == 0 ? SL_LOCAL_TUNNEL : 0);
	sl_store_walk(s, SL_COLL_PORTS, add_addresses, &l);
	for (size_t i = 0; i < self->tunnel_addresses.n; i++)
		if (sl_ip_is_v4(&tun[i])) /* comes after: a key's last value counts */
			pairs_add(
				&l.pairs, sl_ip_v4_be(&tun[i]), SL_LOCAL_ADDRESS | SL_LOCAL_TUNNEL);
	return map_of(&l.pairs);
}

/* Inputs of the policy compiler; everything points into the store's objects or into `scratch`. */
struct compile {
	struct sl_policy_def *defs;
	struct sl_identity_def *ids;
	size_t n_defs, n_ids;
	void **scratch;
	size_t n_scratch, max_scratch;
	bool failed;
};

static void *scratch(struct compile *c, size_t n, size_t size)
{
	void *p = calloc(n + 1, size);

	if (p != NULL && c->n_scratch == c->max_scratch) {
		size_t max = c->max_scratch * 2 + 64;
		void **more = realloc(c->scratch, max * sizeof(*more));

		if (more == NULL) {
			free(p);
			p = NULL;
		} else {
			c->scratch = more;
			c->max_scratch = max;
		}
	}
	if (p == NULL)
		c->failed = true;
	else
		c->scratch[c->n_scratch++] = p;
	return p;
}

static struct sl_label *labels_of(struct compile *c, const struct sl_labels *labels)
{
	struct sl_label *l = scratch(c, labels->n, sizeof(*l));

	for (size_t i = 0; l != NULL && i < labels->n; i++)
		l[i] = (struct sl_label){labels->pair[i].key, labels->pair[i].value};
	return l;
}

static bool add_identity(const struct sl_object *o, void *ctx)
{
	const struct sl_identity_obj *obj = (const struct sl_identity_obj *)o;
	struct compile *c = ctx;

	c->ids[c->n_ids++] = (struct sl_identity_def){.id = (uint16_t)obj->id_number,
		.labels = labels_of(c, &obj->labels),
		.n_labels = obj->labels.n};
	return !c->failed;
}

static void fill_peer(struct compile *c, const struct sl_peer_obj *obj, struct sl_peer_def *peer)
{
	if (obj->has_cidr) {
		peer->kind = SL_PEER_CIDR;
		peer->cidr = obj->cidr;
		peer->except = obj->except.items;
		peer->n_except = obj->except.n;
	} else if (obj->has_entity) {
		peer->kind = SL_PEER_ENTITY;
		peer->entity = obj->entity;
	} else {
		peer->kind = SL_PEER_SELECTOR;
		peer->selector.labels = labels_of(c, &obj->labels);
		peer->selector.n_labels = obj->labels.n;
	}
}

static const uint8_t protocols[] = {0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP, IPPROTO_ICMP,
	IPPROTO_ICMPV6}; /* in the order of the shape's names */

static void fill_match(const struct sl_policy_port_obj *obj, struct sl_port_match *m)
{
	m->proto = protocols[obj->protocol];
	m->has_port = obj->has_port;
	m->port = (uint16_t)obj->port;
	m->end = (uint16_t)(obj->has_end_port ? obj->end_port : obj->port);
}

static bool add_policy(const struct sl_object *o, void *ctx)
{
	const struct sl_policy_obj *obj = (const struct sl_policy_obj *)o;
	const struct sl_peer_obj *peer_objs = obj->peers.items;
	const struct sl_policy_port_obj *port_objs = obj->ports.items;
	struct compile *c = ctx;
	struct sl_peer_def *peers = scratch(c, obj->peers.n, sizeof(*peers));
	struct sl_port_match *ports = scratch(c, obj->ports.n, sizeof(*ports));

	if (c->failed)
		return false;
	for (size_t i = 0; i < obj->peers.n; i++)
		fill_peer(c, &peer_objs[i], &peers[i]);
	for (size_t i = 0; i < obj->ports.n; i++)
		fill_match(&port_objs[i], &ports[i]);
	c->defs[c->n_defs++] = (struct sl_policy_def){.slot = o->id,
		.tier = obj->tier,
		.priority = (uint16_t)obj->priority,
		.direction = obj->direction,
		.action = obj->action,
		.subject = {labels_of(c, &obj->subject.labels), obj->subject.labels.n},
		.any_peer = !obj->has_peers,
		.peers = peers,
		.n_peers = obj->peers.n,
		.any_port = !obj->has_ports,
		.ports = ports,
		.n_ports = obj->ports.n};
	return !c->failed;
}

struct sl_policy_set *sl_tables_policies(const struct sl_store *s)
{
	struct sl_policy_set *set = NULL;
	struct compile c = {0};

	c.defs = calloc(sl_store_count(s, SL_COLL_POLICIES) + 1, sizeof(*c.defs));
	c.ids = calloc(sl_store_count(s, SL_COLL_IDENTITIES) + 1, sizeof(*c.ids));
	if (c.defs != NULL && c.ids != NULL) {
		sl_store_walk(s, SL_COLL_IDENTITIES, add_identity, &c);
		sl_store_walk(s, SL_COLL_POLICIES, add_policy, &c);
		if (!c.failed)
			set = sl_policy_compile(c.defs, c.n_defs, c.ids, c.n_ids);
	}
	for (size_t i = 0; i < c.n_scratch; i++)
		free(c.scratch[i]);
	free(c.scratch);
	free(c.defs);
	free(c.ids);
	return set;
}
