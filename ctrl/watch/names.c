/* SPDX-License-Identifier: BSD-3-Clause */
#include <netinet/in.h>
#include <stdio.h>

#include "ctrl/objects/collections.h"
#include "names.h"
#include "recent.h"
#include "sluice/burst.h"

static const char *name_of_port(const struct sl_running *run, uint16_t id)
{
	const char *name = sl_apply_port_name(run->apply, id);

	return name != NULL ? name : "";
}

const char *sl_name_of_origin(const struct sl_running *run, uint32_t origin)
{
	const struct sl_object *node;

	if (!(origin & SL_ORIGIN_NODE))
		return name_of_port(run, (uint16_t)origin);
	node = sl_store_by_id(run->store, SL_COLL_NODES, origin & ~SL_ORIGIN_NODE);
	return node != NULL ? node->key : "";
}

const char *sl_name_of_network(const struct sl_running *run, uint32_t id)
{
	const struct sl_object *o = sl_store_by_id(run->store, SL_COLL_NETWORKS, id);

	return o != NULL ? o->key : "";
}

const char *sl_name_of_policy(const struct sl_running *run, uint32_t slot)
{
	const struct sl_object *o;

	if (slot == UINT32_MAX)
		return "";
	if (slot == 0)
		return "default";
	o = sl_store_by_id(run->store, SL_COLL_POLICIES, slot);
	return o != NULL ? o->key : "";
}

static const char *port_name(void *ctx, uint16_t id)
{
	return name_of_port(ctx, id);
}

static const char *node_name(void *ctx, uint32_t id)
{
	return sl_name_of_origin(ctx, SL_ORIGIN_NODE | id);
}

static const char *policy_name(void *ctx, uint32_t slot)
{
	return sl_name_of_policy(ctx, slot);
}

static const char *network_name(void *ctx, uint32_t id)
{
	return sl_name_of_network(ctx, id);
}

static const char *endpoint_name(void *ctx, uint32_t id)
{
	const struct sl_running *run = ctx;
	const struct sl_object *o = sl_store_by_id(run->store, SL_COLL_ENDPOINTS, id);

	return o != NULL ? o->key : "";
}

void sl_recent_note(struct sl_recent *r, const struct sl_running *run, const struct sl_sample *s)
{
	struct sl_running asked = *run; /* a context is not const */
	const struct sl_drop_names names = {.ctx = &asked,
		.port = port_name,
		.node = node_name,
		.policy = policy_name,
		.network = network_name,
		.endpoint = endpoint_name};
	const struct sl_world *world = atomic_load(&run->pipeline->world);
	struct sl_recent_entry e;

	/* Workers wrote it, but the ring could be corrupt, and a reason is used as an index. */
	if (s->reason == SL_KEEP || s->reason >= SL_DROP_COUNT || s->culprit >= SL_CULPRITS ||
		world == NULL)
		return;
	sl_drop_explain(&e, s, world, &names);
	sl_drop_find_rewritten(&e, s->network, run->pipeline->flows, &names);
	clock_gettime(CLOCK_REALTIME, &e.when);
	sl_recent_add(r, &e);
}

const char *sl_name_of_protocol(uint8_t proto, char buf[8])
{
	switch (proto) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	case IPPROTO_SCTP:
		return "sctp";
	case IPPROTO_ICMP:
		return "icmp";
	case IPPROTO_ICMPV6:
		return "icmpv6";
	default:
		snprintf(buf, 8, "%u", proto);
		return buf;
	}
}
