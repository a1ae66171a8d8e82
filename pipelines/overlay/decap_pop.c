/* SPDX-License-Identifier: BSD-3-Clause */
/* Removes the outer headers of sorted packets, and finds the network that each is for. */
#include "decap_impl.h"

static inline uint32_t find_vni(struct vni_memo *c, uint32_t vni)
{
	if (unlikely(c->vni != vni || c->id == 0)) {
		c->vni = vni;
		c->id = c->map != NULL ? sl_u32map_find(c->map, vni) : 0;
	}
	return c->id;
}

/* The network takes more than e, or not e. */
static __rte_noinline uint32_t find_alike(
	struct decap *d, const struct sl_network *net, unsigned int e)
{
	uint32_t takes = net->accepts & sl_decap_wire(e);

	d->variants |= takes & ~(1u << e);
	return net->present && takes != 0 ? net->id : 0;
}

/* The id of the network that has this VNI and accepts this encapsulation, or 0. */
static __rte_noinline uint32_t find_network(struct decap *d, uint32_t vni)
{
	unsigned int e = d->kind / SL_FAMILIES;
	uint32_t id = find_vni(&d->network, vni);
	const struct sl_network *net;

	if (unlikely(id == 0 || id >= d->world->n_networks))
		return 0;
	net = &d->world->networks[id];
	if (unlikely(net->accepts != 1u << e))
		return find_alike(d, net, e);
	return net->present ? id : 0;
}

/* The network does not accept the encapsulation. Is it taken from this node? */
static __rte_noinline bool is_taken_from_node(struct decap *d, struct sl_meta *md)
{
	unsigned int e = d->kind / SL_FAMILIES;
	uint32_t takes = sl_decap_node_accepts(d->world, md->origin) & sl_decap_wire(e);
	uint32_t id = find_vni(&d->network, md->act.vni);

	if (takes == 0 || id == 0 || id >= d->world->n_networks || !d->world->networks[id].present)
		return false;
	d->variants |= takes & ~(1u << e);
	md->network = id;
	return true;
}

/* Count the packets of the present group from the run's begin to the place k. bytes: of all before k. */
static void count_heard(const struct decap *d, unsigned int k, uint64_t bytes)
{
	const struct run *r = &d->run;

	sl_tunnel_count_heard(d->world->tunnels, d->at->worker,
		(r->origin & ~SL_ORIGIN_NODE) * SL_TUNNELS_A_NODE + d->kind, k - r->begun,
		bytes - r->bytes, d->at->tick);
}

/* The packet at the place k comes from another node than the one before. */
static __rte_noinline void next_sender(
	struct decap *d, unsigned int k, uint64_t bytes, uint32_t origin)
{
	count_heard(d, k, bytes);
	d->run.origin = origin;
	d->run.begun = k;
	d->run.bytes = bytes;
}

static __rte_noinline void next_vni(struct decap *d, uint32_t vni)
{
	d->run.vni = vni;
	d->run.id = find_network(d, vni);
}

/* Records, for the drop samples, what is known about packets that pop refused, or
 * whose VNI is unknown. */
static __rte_noinline void note_refused(struct decap *d, const struct group *g, unsigned int kind)
{
	struct sl_burst *b = d->b;
	unsigned int e = kind / SL_FAMILIES;

	for (unsigned int k = 0; k < g->n; k++) {
		unsigned int i = g->idx[k];

		if (b->verdict[i] == SL_KEEP || b->verdict[i] == SL_DROP_TUNNEL_MALFORMED)
			continue;
		b->meta[i].came = sl_came(e, kind % SL_FAMILIES);
		if (sl_encaps[e]->carries_network)
			b->meta[i].network = find_network(d, b->meta[i].act.vni);
		d->refused |= UINT64_C(1) << i;
	}
}

/* The same as pop, for an encapsulation without VNIs: the network is that of the addresses. */
static __rte_noinline unsigned int pop_routed(struct decap *d, unsigned int kind, uint8_t *inner)
{
	const struct group *g = &d->groups[kind];
	const unsigned int e = kind / SL_FAMILIES;
	struct sl_burst *b = d->b;
	unsigned int n = 0;

	d->kind = kind;
	sl_encaps[e]->pop(b, g->idx, g->n);
	for (unsigned int k = 0; k < g->n; k++) {
		unsigned int i = g->idx[k];
		struct sl_meta *md = &b->meta[i];
		const struct sl_network *net =
			&d->world->networks[md->network < d->world->n_networks ? md->network : 0];
		uint32_t takes = net->accepts | sl_decap_node_accepts(d->world, md->origin);

		d->run = (struct run){.origin = md->origin, .begun = k};
		count_heard(d, k + 1, b->pkt[i]->pkt_len);
		if (unlikely(b->verdict[i] != SL_KEEP))
			continue;
		md->came = sl_came(e, kind % SL_FAMILIES);
		if (unlikely(net->id == 0 || !net->present || (takes >> e & 1) == 0)) {
			md->network = 0;
			b->verdict[i] = SL_DROP_TUNNEL_NETWORK_UNKNOWN;
		} else {
			inner[n++] = (uint8_t)i;
		}
	}
	if (unlikely(n != g->n))
		note_refused(d, g, kind);
	return n;
}

/* Remove the headers of one group's packets. inner[] gets the packets that are kept. */
static __rte_noinline unsigned int pop(struct decap *d, unsigned int kind, uint8_t *inner)
{
	const struct group *g = &d->groups[kind];
	const struct sl_encap *row = sl_encaps[kind / SL_FAMILIES];
	const uint32_t came = sl_came(row->id, kind % SL_FAMILIES);
	struct sl_burst *b = d->b;
	unsigned int n = 0;
	uint64_t bytes = 0;

	d->kind = kind;
	d->variants = 0;
	d->run = (struct run){.origin = b->meta[g->idx[0]].origin};
	row->pop(b, g->idx, g->n);
	next_vni(d, b->meta[g->idx[0]].act.vni);
	for (unsigned int k = 0; k < g->n; k++) {
		unsigned int i = g->idx[k];
		struct sl_meta *md = &b->meta[i];

		if (unlikely(md->origin != d->run.origin))
			next_sender(d, k, bytes, md->origin);
		bytes += b->pkt[i]->pkt_len;
		if (unlikely(b->verdict[i] != SL_KEEP))
			continue;
		if (unlikely(md->act.vni != d->run.vni))
			next_vni(d, md->act.vni);
		md->came = came;
		md->network = d->run.id;
		if (unlikely(d->run.id == 0) && !is_taken_from_node(d, md))
			b->verdict[i] = SL_DROP_TUNNEL_NETWORK_UNKNOWN;
		else
			inner[n++] = (uint8_t)i;
	}
	count_heard(d, g->n, bytes);
	if (unlikely(d->variants != 0 || row->carries_identity))
		sl_decap_identities(d, g, row->id);
	if (unlikely(n != g->n))
		note_refused(d, g, kind);
	return n;
}

unsigned int sl_decap_pop(struct decap *d, unsigned int kind, uint8_t *inner)
{
	/* find_sender may have found the group of a packet that is then in none. */
	if (d->groups[kind].n == 0)
		return 0;
	if (unlikely(!sl_encaps[kind / SL_FAMILIES]->carries_network))
		return pop_routed(d, kind, inner);
	return pop(d, kind, inner);
}
