/* SPDX-License-Identifier: BSD-3-Clause */
#include "deps.h"

#include "sluice/encap.h"

static void address_slots(
	const struct sl_burst *b, unsigned int i, uint32_t network, struct sl_deps *d)
{
	const struct sl_meta *m = &b->meta[i];
	struct sl_ip src, dst;

	if (likely(m->flags & SL_P_IP4)) {
		d->slot[SL_DEP_SRC] = sl_change_of_ip4(network, b->key4[i].src_be);
		d->slot[SL_DEP_DST] = sl_change_of_ip4(network, b->key4[i].dst_be);
		return;
	}
	memcpy(src.b, b->key6[i].src, 16);
	memcpy(dst.b, b->key6[i].dst, 16);
	d->slot[SL_DEP_SRC] = sl_change_of_ip(network, &src);
	d->slot[SL_DEP_DST] = sl_change_of_ip(network, &dst);
}

static uint16_t way_slot(const struct sl_action *act, uint16_t otherwise)
{
	if (act->kind == SL_ACT_TUNNEL)
		return sl_change_of(SL_CHANGE_NODE, sl_tunnel_node(act->out));
	if (act->kind == SL_ACT_PORT || act->kind == SL_ACT_TAGGED)
		return sl_change_of(SL_CHANGE_PORT, sl_origin_port(act->out));
	return otherwise;
}

/* The policies of the packet's network decide about both ends, unless it goes to another one. */
static void fill(struct sl_deps *d, const struct sl_trip *t, unsigned int i, uint32_t network,
	const uint32_t identity[2], const struct sl_action *out, const struct sl_action *back)
{
	d->n_more = 0;
	/* Without a gateway, routes of its own are the only ones: any change of them counts. */
	if (!t->world->networks[network].has_gateways)
		d->more[d->n_more++] = sl_change_of(SL_CHANGE_ROUTE, network);
	address_slots(t->b, i, network, d);
	d->slot[SL_DEP_SRC_POLICY] = sl_change_of_identity(network, identity[0]);
	d->slot[SL_DEP_DST_POLICY] = sl_change_of_identity(network, identity[1]);
	d->slot[SL_DEP_SRC_IDENTITY] = sl_change_of_identity(0, identity[0]);
	d->slot[SL_DEP_DST_IDENTITY] = sl_change_of_identity(0, identity[1]);
	d->slot[SL_DEP_OUT] = way_slot(out, d->slot[SL_DEP_SRC]);
	d->slot[SL_DEP_BACK] = way_slot(back, d->slot[SL_DEP_SRC]);
}

/* False: there are more than there is room for. */
static bool add(struct sl_deps *d, uint16_t slot)
{
	if (d->n_more == SL_DEPS_MORE)
		return false;
	d->more[d->n_more++] = slot;
	return true;
}

/* The ends are in two networks: policies of either, and the addresses there. */
static bool add_network(
	struct sl_deps *d, uint32_t network, const struct sl_ends *e, const uint32_t identity[2])
{
	return add(d, sl_change_of_ip(network, &e->src_ip)) &&
	       add(d, sl_change_of_ip(network, &e->dst_ip)) &&
	       add(d, sl_change_of_identity(network, identity[0])) &&
	       add(d, sl_change_of_identity(network, identity[1]));
}

/* False: the result depends on more than can be noted. */
static bool add_routes(struct sl_deps *d, const struct sl_ends *e, const uint32_t identity[2])
{
	bool fits = e->n_slots <= SL_DEPS_MORE;

	if (e->to != e->net)
		fits = fits && add_network(d, e->to->id, e, identity);
	else if (e->from != e->net)
		fits = fits && add_network(d, e->from->id, e, identity);
	for (unsigned int k = 0; fits && k < e->n_slots; k++)
		fits = add(d, e->slot[k]);
	return fits;
}

bool sl_deps_of_flow(const struct sl_trip *t, unsigned int i, const struct sl_flow *f,
	const struct sl_action *act, struct sl_deps *deps)
{
	const struct sl_conn *c = sl_flow_conn(t->p->flows, f);
	/* If these are not the identities of the resolution that is checked, an address has
	 * changed since, and its slot shows that. */
	const struct sl_conn_identities of = sl_conn_identities(c);
	const uint32_t identity[2] = {of.opener, of.peer};
	struct sl_ends ends;

	fill(deps, t, i, t->b->meta[i].network, identity, act, act);
	if (likely(!t->world->networks[t->b->meta[i].network].has_gateways))
		return true;
	if (sl_ends_find(t, i, &ends) != SL_KEEP)
		return false;
	return add_routes(deps, &ends, identity);
}

uint64_t sl_deps_generation(const struct sl_trip *t, const struct sl_deps *deps)
{
	sl_changes_use(t->p->changes, deps);
	if (unlikely(atomic_load_explicit(&t->p->world, memory_order_seq_cst) != t->world))
		return 0;
	return t->world->generation;
}

uint64_t sl_deps_stamp(const struct sl_trip *t, unsigned int i, const struct sl_ends *e,
	const struct sl_flow_install *in)
{
	const uint32_t identity[2] = {in->identity_src, in->identity_dst};
	struct sl_deps deps;

	fill(&deps, t, i, e->net->id, identity, &in->side[0].act, &in->side[1].act);
	if (unlikely(e->n_slots != 0 || e->to != e->net || e->from != e->net))
		if (!add_routes(&deps, e, identity))
			return 0;
	return sl_deps_generation(t, &deps);
}
