/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ICMP errors about translated packets. The entry of the packets that go where the error goes has
 * the reverse key of what is quoted, and its record turns the quote back.
 */
#include <netinet/in.h>

#include "pipelines/parse/parse_dp.h"
#include "pipelines/rewrite/rewrite_dp.h"
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

enum sl_drop sl_translate_error(const struct sl_trip *t, unsigned int i)
{
	struct sl_meta *m = &t->b->meta[i];
	struct sl_rewrite record;
	struct sl_quoted q = {0};
	struct sl_flow *f = find_flow(t, i, &q);
	struct sl_action act;
	enum sl_drop drop;

	if (f == NULL)
		return SL_DROP_ICMP_UNRELATED;
	(void)sl_flow_peek(f, &act);
	if ((act.flags & SL_ACT_REWRITE) == 0 || act.kind == SL_ACT_DROP ||
		!sl_flow_record(t->p->flows, f, &act, &record) || !is_plausible(t, f, &q))
		return SL_DROP_ICMP_UNRELATED;
	if (sl_rewrite_expires(t->b->pkt[i], m, &record))
		return SL_DROP_TTL_EXCEEDED;
	drop = sl_rewrite_apply_quoted(t->b->pkt[i], m, &record);
	if (drop != SL_KEEP)
		return drop;
	act.flags &= (uint8_t)~SL_ACT_REWRITE;
	m->act = act;
	return SL_KEEP;
}
