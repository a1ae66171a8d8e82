/* SPDX-License-Identifier: BSD-3-Clause */
/* What was resolved before the last commits, and whether it still holds: see pipelines/changes.h.
 */
#include "forward_dp.h"

#include "pipelines/flow/fragment_dp.h"
#include "sluice/encap.h"

static void ends(const struct sl_burst *b, unsigned int i, struct sl_deps *d)
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

static uint16_t way(const struct sl_action *act, uint16_t otherwise)
{
	if (act->kind == SL_ACT_TUNNEL)
		return sl_change_of(SL_CHANGE_NODE, act->out / SL_ENCAP_COUNT);
	return act->kind == SL_ACT_PORT ? sl_change_of(SL_CHANGE_PORT, act->out) : otherwise;
}

struct sl_deps sl_deps_of(const struct sl_trip *t, unsigned int i, const uint32_t identity[2],
	const struct sl_action *out, const struct sl_action *back)
{
	struct sl_deps d;

	ends(t->b, i, &d);
	d.slot[SL_DEP_SRC_POLICY] = sl_change_of_identity(t->b->meta[i].network, identity[0]);
	d.slot[SL_DEP_DST_POLICY] = sl_change_of_identity(t->b->meta[i].network, identity[1]);
	d.slot[SL_DEP_SRC_IDENTITY] = sl_change_of_identity(0, identity[0]);
	d.slot[SL_DEP_DST_IDENTITY] = sl_change_of_identity(0, identity[1]);
	d.slot[SL_DEP_OUT] = way(out, d.slot[SL_DEP_SRC]);
	d.slot[SL_DEP_BACK] = way(back, d.slot[SL_DEP_SRC]);
	return d;
}

static struct sl_deps deps_of_flow(const struct sl_trip *t, unsigned int i, const struct sl_flow *f,
	const struct sl_action *act)
{
	const struct sl_conn *c = sl_flow_conn(t->p->flows, f);
	/* Others than those of the resolution at hand only if an address has changed since. */
	const struct sl_conn_identities of = sl_conn_identities(c);
	const uint32_t identity[2] = {of.opener, of.peer};

	return sl_deps_of(t, i, identity, act, act);
}

uint64_t sl_generation_of(const struct sl_trip *t, const struct sl_deps *deps)
{
	sl_changes_use(t->p->changes, deps);
	if (unlikely(atomic_load_explicit(&t->p->world, memory_order_seq_cst) != t->world))
		return 0;
	return t->world->generation;
}

bool sl_refresh(const struct sl_trip *t, unsigned int i)
{
	struct sl_meta *m = &t->b->meta[i];
	struct sl_flow *f = m->flow;
	uint64_t now = t->world->generation;
	uint64_t since = sl_flow_read(f, m, rte_pktmbuf_mtod(t->b->pkt[i], const uint8_t *));
	struct sl_deps deps;

	/* What a worker in a later world has resolved is not for this one to judge. */
	if (since == 0 || since > now)
		return false;
	if (m->act.kind == SL_ACT_DROP && m->act.reason != SL_DROP_FLOW_DENY)
		return false;
	if (unlikely(sl_tcp_is_syn(m)) && sl_flow_opens(t->p->flows, f, m))
		return false;
	/* Equal: an earlier packet of the burst was faster. */
	if (since != now) {
		deps = deps_of_flow(t, i, f, &m->act);
		if (sl_changes_since(t->p->changes, &deps, since))
			return false;
		if (likely(sl_generation_of(t, &deps) != 0))
			sl_flow_renew(f, since, now);
	}
	t->b->verdict[i] = (uint8_t)sl_flow_serve(t->p->flows, t->w->id, f, t->b, i, t->tick);
	return true;
}

bool sl_flow_holds(
	const struct sl_trip *t, unsigned int i, const struct sl_flow *f, struct sl_action *act)
{
	uint64_t since = sl_flow_peek(f, act), now = t->world->generation;
	struct sl_deps deps;

	if (since == 0 || since >= now)
		return since == now;
	deps = deps_of_flow(t, i, f, act);
	return !sl_changes_since(t->p->changes, &deps, since);
}

void sl_fragment_lead(const struct sl_trip *t, unsigned int i)
{
	const struct sl_meta *m = &t->b->meta[i];
	struct sl_fragment_fate fate = {.act = m->act, .commit = t->world->commit};

	sl_fragment_spread(t->b, i);
	if (m->flow == NULL)
		return;
	fate.deps = deps_of_flow(t, i, m->flow, &m->act);
	sl_fragment_note(t->p->fragments, t->b, i, &fate, t->tick);
}

bool sl_fragment_follow(const struct sl_trip *t, unsigned int i, uint64_t came)
{
	struct sl_fragment_fate fate;

	if (!sl_fragment_find(t->p->fragments, t->b, i, t->tick, &fate))
		return false;
	if (sl_changes_since(t->p->changes, &fate.deps, RTE_MIN(came, fate.commit))) {
		t->b->verdict[i] = SL_DROP_FRAGMENT_UNKNOWN;
		return true;
	}
	sl_fragment_spread(t->b, i);
	t->b->meta[i].act = fate.act;
	return true;
}
