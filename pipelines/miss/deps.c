/* SPDX-License-Identifier: BSD-3-Clause */
#include "deps.h"

#include "sluice/encap.h"

static void address_slots(const struct sl_burst *b, unsigned int i, struct sl_deps *d)
{
	const struct sl_meta *m = &b->meta[i];
	struct sl_ip src, dst;

	if (likely(m->flags & SL_P_IP4)) {
		d->slot[SL_DEP_SRC] = sl_change_of_ip4(m->network, b->key4[i].src_be);
		d->slot[SL_DEP_DST] = sl_change_of_ip4(m->network, b->key4[i].dst_be);
		return;
	}
	memcpy(src.b, b->key6[i].src, 16);
	memcpy(dst.b, b->key6[i].dst, 16);
	d->slot[SL_DEP_SRC] = sl_change_of_ip(m->network, &src);
	d->slot[SL_DEP_DST] = sl_change_of_ip(m->network, &dst);
}

static uint16_t way_slot(const struct sl_action *act, uint16_t otherwise)
{
	if (act->kind == SL_ACT_TUNNEL)
		return sl_change_of(SL_CHANGE_NODE, sl_tunnel_node(act->out));
	return act->kind == SL_ACT_PORT ? sl_change_of(SL_CHANGE_PORT, act->out) : otherwise;
}

/* The policies of the packet's network decide about both ends, unless it goes to another one. */
static void fill(struct sl_deps *d, const struct sl_trip *t, unsigned int i,
	const uint32_t identity[2], const struct sl_action *out, const struct sl_action *back)
{
	d->n_more = 0;
	address_slots(t->b, i, d);
	d->slot[SL_DEP_SRC_POLICY] = sl_change_of_identity(t->b->meta[i].network, identity[0]);
	d->slot[SL_DEP_DST_POLICY] = sl_change_of_identity(t->b->meta[i].network, identity[1]);
	d->slot[SL_DEP_SRC_IDENTITY] = sl_change_of_identity(0, identity[0]);
	d->slot[SL_DEP_DST_IDENTITY] = sl_change_of_identity(0, identity[1]);
	d->slot[SL_DEP_OUT] = way_slot(out, d->slot[SL_DEP_SRC]);
	d->slot[SL_DEP_BACK] = way_slot(back, d->slot[SL_DEP_SRC]);
}

static void add(struct sl_deps *d, uint16_t slot)
{
	if (d->n_more < SL_DEPS_MORE)
		d->more[d->n_more++] = slot;
}

/* The ends are in two networks: policies of either, and the addresses there. */
static void add_network(
	struct sl_deps *d, uint32_t network, const struct sl_ends *e, const uint32_t identity[2])
{
	add(d, sl_change_of_ip(network, &e->src_ip));
	add(d, sl_change_of_ip(network, &e->dst_ip));
	add(d, sl_change_of_identity(network, identity[0]));
	add(d, sl_change_of_identity(network, identity[1]));
}

static void add_routes(struct sl_deps *d, const struct sl_ends *e, const uint32_t identity[2])
{
	uint32_t network = e->net->id;

	if (e->to != e->net)
		add_network(d, e->to->id, e, identity);
	else if (e->src != NULL && e->src->network != network)
		add_network(d, e->src->network, e, identity);
	for (unsigned int k = 0; k < e->n_slots; k++)
		add(d, e->slot[k]);
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

	fill(deps, t, i, identity, act, act);
	if (likely(!t->world->networks[t->b->meta[i].network].has_gateways))
		return true;
	if (sl_ends_find(t, i, &ends) != SL_KEEP)
		return false;
	add_routes(deps, &ends, identity);
	return true;
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

	fill(&deps, t, i, identity, &in->side[0].act, &in->side[1].act);
	if (unlikely(e->n_slots != 0 || e->to != e->net))
		add_routes(&deps, e, identity);
	return sl_deps_generation(t, &deps);
}
