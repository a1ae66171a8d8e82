/* SPDX-License-Identifier: BSD-3-Clause */
#include <netinet/in.h>
#include <stdio.h>

#include "pipelines/flow/flow_ctl.h"
#include "pipelines/flow/flow_dp.h"
#include "recent.h"

/* The entry for packets like the sampled one; NULL: their connection is not known. */
static struct sl_flow *entry_of(
	const struct sl_recent_entry *e, uint32_t network, struct sl_flow_table *t)
{
	struct sl_key6 k = {.sport_be = htons(e->source_port),
		.dport_be = htons(e->destination_port),
		.net_proto = sl_key_net_proto(network, e->proto),
		.zero = 0};
	struct sl_key4 k4;

	memcpy(k.src, e->source.b, 16);
	memcpy(k.dst, e->destination.b, 16);
	if (!sl_ip_is_v4(&e->source))
		return sl_flow_find6(t, &k);
	k4 = sl_key4_from6(&k);
	return sl_flow_find4(t, &k4);
}

void sl_drop_find_rewritten(struct sl_recent_entry *e, uint32_t network, struct sl_flow_table *t,
	const struct sl_drop_names *names)
{
	struct sl_flow_view v;
	struct sl_key6 k;
	struct sl_flow *f;

	e->has_rewritten = false;
	if (!e->has_addresses || e->is_arp || network == 0)
		return;
	f = entry_of(e, network, t);
	if (f == NULL || !sl_flow_view_next(t, sl_flow_index(t, f) / 2, 0, &v) ||
		v.pair != sl_flow_index(t, f) / 2 || !v.two_keys)
		return;
	/* A reply becomes the reverse of what was opened. */
	k = sl_flow_is_opener(t, f) ? v.becomes : sl_key6_reverse(&v.key);
	memcpy(e->rewritten_source.b, k.src, 16);
	memcpy(e->rewritten_destination.b, k.dst, 16);
	e->rewritten_source_port = ntohs(k.sport_be);
	e->rewritten_destination_port = ntohs(k.dport_be);
	snprintf(e->rewritten_network, sizeof(e->rewritten_network), "%s",
		names->network(names->ctx, sl_key_network(k.net_proto)));
	e->has_rewritten = true;
}
