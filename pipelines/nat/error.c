/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ICMP errors about translated packets. The entry of the packets that go where the error goes has
 * the reverse key of what is quoted, and its record turns the quote back.
 */
#include <netinet/in.h>

#include "pipelines/context/changes.h"
#include "pipelines/overlay/exits_dp.h"
#include "pipelines/parse/parse_dp.h"
#include "pipelines/rewrite/rewrite_dp.h"
#include "pipelines/way/way.h"
#include "translate.h"

/* The entry of the direction in which the error goes; NULL: the quoted connection is not known. */
static struct sl_flow *find_flow(const struct sl_trip *t, unsigned int i, struct sl_quoted *q)
{
	struct sl_key4 k4;
	struct sl_key6 k6;

	switch (sl_parse_quoted(t->b, i, q)) {
	case 4:
		k4 = sl_key4_reverse(&q->k4);
		return sl_flow_find4(t->p->flows, &k4);
	case 6:
		k6 = sl_key6_reverse(&q->k6);
		return sl_flow_find6(t->p->flows, &k6);
	default:
		return NULL;
	}
}

/*
 * Anyone outside can send an error. One about TCP must quote a segment that may be in flight, as
 * its ports are easy to guess (RFC 5927 section 4.1).
 */
static bool is_plausible(const struct sl_trip *t, struct sl_flow *f, const struct sl_quoted *q)
{
	return q->proto != IPPROTO_TCP ||
	       sl_flow_has_under_way(t->p->flows, sl_flow_other(f), q->seq);
}

/*
 * Has no commit changed the workload, or what policies say of the connection, since it was resolved?
 * Each of its entries tells of that. 0: each of its packets is resolved.
 */
static bool still_holds(
	const struct sl_trip *t, struct sl_flow *f, uint32_t network, const struct sl_ip *workload)
{
	const struct sl_conn_identities of = sl_conn_identities(sl_flow_conn(t->p->flows, f));
	struct sl_action unused;
	uint64_t since = sl_flow_peek(f, &unused), other = sl_flow_peek(sl_flow_other(f), &unused);
	struct sl_deps d = {.n_more = 4,
		.more = {sl_change_of_identity(network, of.opener),
			sl_change_of_identity(network, of.peer),
			sl_change_of_identity(0, of.opener), sl_change_of_identity(0, of.peer)}};

	since = RTE_MAX(since, other);
	for (unsigned int k = 0; k < SL_DEPS; k++)
		d.slot[k] = sl_change_of_ip(network, workload);
	return since == 0 || !sl_changes_since(t->p->changes, &d, since);
}

/* The record of entry f, in the direction of which the error goes. */
static enum sl_drop find_record(const struct sl_trip *t, unsigned int i, struct sl_flow *f,
	const struct sl_quoted *q, struct sl_rewrite *record)
{
	struct sl_action act;

	if (f == NULL)
		return SL_DROP_ICMP_UNRELATED;
	(void)sl_flow_peek(f, &act);
	if ((act.flags & SL_ACT_REWRITE) == 0 || act.kind == SL_ACT_DROP ||
		!sl_flow_record(t->p->flows, f, &act, record) || !is_plausible(t, f, q))
		return SL_DROP_ICMP_UNRELATED;
	return sl_rewrite_expires(t->b->pkt[i], &t->b->meta[i], record) ? SL_DROP_TTL_EXCEEDED
									: SL_KEEP;
}

enum sl_drop sl_translate_error_in(const struct sl_trip *t, unsigned int i)
{
	struct sl_meta *m = &t->b->meta[i];
	struct sl_rewrite record;
	struct sl_quoted q = {0};
	struct sl_flow *f = find_flow(t, i, &q);
	struct sl_ends e;
	enum sl_drop drop = find_record(t, i, f, &q, &record);

	if (drop == SL_KEEP)
		drop = sl_translate_ends(t, i, f, &e);
	if (drop != SL_KEEP)
		return drop;
	if (!still_holds(t, f, e.net->id, &e.dst_ip))
		return SL_DROP_ICMP_UNRELATED;
	drop = sl_rewrite_apply_quoted(t->b->pkt[i], m, &record);
	/* The way is found anew: the entry may be older than the port that it names. */
	if (drop == SL_KEEP)
		m->act = sl_way_out(t, i, &e);
	return drop;
}

/* Does packet i come from the quoted packet's receiver, or from the port or node where it is? */
static bool is_of_receiver(const struct sl_trip *t, unsigned int i, const struct sl_ends *e,
	struct sl_flow *f, const struct sl_quoted *q)
{
	uint32_t origin = t->b->meta[i].origin;
	struct sl_action act;

	if (sl_ip_equal(&q->dst, &e->src_ip))
		return true;
	(void)sl_flow_peek(sl_flow_other(f), &act);
	if (act.kind == SL_ACT_TUNNEL)
		return origin == (SL_ORIGIN_NODE | sl_tunnel_node(act.out));
	return act.kind != SL_ACT_DROP && origin == act.out;
}

enum sl_drop sl_translate_error_out(
	const struct sl_trip *t, unsigned int i, const struct sl_ends *e)
{
	struct sl_meta *m = &t->b->meta[i];
	struct sl_rewrite record;
	struct sl_quoted q = {0};
	struct sl_flow *f = find_flow(t, i, &q);
	struct sl_exit exit;
	enum sl_drop drop = find_record(t, i, f, &q, &record);

	if (drop != SL_KEEP)
		return drop;
	if (!sl_ip_equal(&q.src, &e->dst_ip) || !is_of_receiver(t, i, e, f, &q) ||
		!still_holds(t, f, m->network, &q.dst))
		return SL_DROP_ICMP_UNRELATED;
	if (!sl_exit_find(
		    t->world->tunnels, &e->dst_ip, t->world->outside[e->net->outside].port, &exit))
		return SL_DROP_ROUTE_NONE;
	drop = sl_rewrite_apply_quoted(t->b->pkt[i], m, &record);
	if (drop == SL_KEEP)
		m->act = sl_way_by_slot(t, i, e->net, exit.slot);
	return drop;
}
