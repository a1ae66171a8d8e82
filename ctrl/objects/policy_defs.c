/* SPDX-License-Identifier: BSD-3-Clause */
#include <netinet/in.h>
#include <stdlib.h>

#include "ctrl/shape/grow.h"
#include "collections.h"
#include "policy_defs.h"

static size_t size_of_labels(const struct sl_labels *labels)
{
	return labels->n * sizeof(struct sl_label);
}

static void block_begin(struct sl_def_block *b, size_t need)
{
	b->used = 0;
	b->p = sl_grow(b->p, need, &b->size, 1);
	if (b->p == NULL)
		abort();
}

/* A part of the room that block_begin made. */
static void *block_part(struct sl_def_block *b, size_t n, size_t size)
{
	void *p = b->p + b->used;

	b->used += n * size;
	return p;
}

void sl_def_block_fini(struct sl_def_block *b)
{
	free(b->p);
	*b = (struct sl_def_block){0};
}

static struct sl_label *labels_of(struct sl_def_block *b, const struct sl_labels *labels)
{
	struct sl_label *l = block_part(b, labels->n, sizeof(*l));

	for (size_t i = 0; i < labels->n; i++)
		l[i] = (struct sl_label){labels->pair[i].key, labels->pair[i].value};
	return l;
}

struct sl_identity_def sl_identity_def_of(struct sl_def_block *b, const struct sl_identity_obj *obj)
{
	block_begin(b, size_of_labels(&obj->labels));
	return (struct sl_identity_def){.id = obj->id_number,
		.labels = labels_of(b, &obj->labels),
		.n_labels = obj->labels.n};
}

struct sl_identity_def sl_host_identity_def(void)
{
	return (struct sl_identity_def){
		.id = SL_IDENTITY_HOST, .labels = &sl_policy_host_label, .n_labels = 1};
}

/* The block has room. */
static struct sl_selector subject_of(struct sl_def_block *b, const struct sl_subject_obj *subject)
{
	if (subject->has_entity)
		return (struct sl_selector){&sl_policy_host_label, 1};
	return (struct sl_selector){labels_of(b, &subject->labels), subject->labels.n};
}

struct sl_selector sl_subject_of(struct sl_def_block *b, const struct sl_subject_obj *subject)
{
	block_begin(b, size_of_labels(&subject->labels));
	return subject_of(b, subject);
}

static void fill_peer(
	struct sl_def_block *b, const struct sl_peer_obj *obj, struct sl_peer_def *peer)
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
		peer->selector.labels = labels_of(b, &obj->labels);
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

/* A network keeps its id while a policy names it, so an old policy's ids are still valid. */
static const uint32_t *networks_of(
	struct sl_def_block *b, const struct sl_store *s, const struct sl_names *names)
{
	uint32_t *ids = block_part(b, names->n, sizeof(*ids));

	for (uint32_t i = 0; i < names->n; i++)
		ids[i] = sl_store_id_of(s, SL_COLL_NETWORKS, names->name[i]);
	return ids;
}

/* Everything that a policy's definition points at. */
static size_t size_of_policy(const struct sl_policy_obj *obj)
{
	const struct sl_peer_obj *peer = obj->peers.items;
	size_t size =
		size_of_labels(&obj->subject.labels) + obj->peers.n * sizeof(struct sl_peer_def) +
		obj->networks.n * sizeof(uint32_t) + obj->ports.n * sizeof(struct sl_port_match);

	for (size_t i = 0; i < obj->peers.n; i++)
		size += size_of_labels(&peer[i].labels);
	return size;
}

/* Parts are taken in order of alignment, the strictest first. */
struct sl_policy_def sl_policy_def_of(
	struct sl_def_block *b, const struct sl_store *s, const struct sl_policy_obj *obj)
{
	const struct sl_peer_obj *peer_objs = obj->peers.items;
	const struct sl_policy_port_obj *port_objs = obj->ports.items;
	struct sl_peer_def *peers;
	struct sl_port_match *ports;
	struct sl_policy_def def;

	block_begin(b, size_of_policy(obj));
	peers = block_part(b, obj->peers.n, sizeof(*peers));
	for (size_t i = 0; i < obj->peers.n; i++)
		fill_peer(b, &peer_objs[i], &peers[i]);
	def = (struct sl_policy_def){.slot = obj->o.id,
		.any_network = obj->networks.all,
		.n_networks = obj->networks.n,
		.tier = obj->tier,
		.priority = (uint16_t)obj->priority,
		.direction = obj->direction,
		.action = obj->action,
		.subject = subject_of(b, &obj->subject),
		.any_peer = !obj->has_peers,
		.peers = peers,
		.n_peers = obj->peers.n,
		.any_port = !obj->has_ports,
		.n_ports = obj->ports.n};
	def.networks = networks_of(b, s, &obj->networks);
	ports = block_part(b, obj->ports.n, sizeof(*ports));
	for (size_t i = 0; i < obj->ports.n; i++)
		fill_match(&port_objs[i], &ports[i]);
	def.ports = ports;
	return def;
}
