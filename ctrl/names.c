/* SPDX-License-Identifier: BSD-3-Clause */
#include <netinet/in.h>
#include <stdio.h>

#include "ctrl.h"
#include "methods_runtime.h"
#include "sluice/burst.h"

const char *sl_name_of_origin(const struct sl_ctrl *c, uint32_t origin)
{
	const char *port;
	const struct sl_object *node;

	if (!(origin & SL_ORIGIN_NODE)) {
		port = sl_apply_port_name(c->apply, (uint16_t)origin);
		return port != NULL ? port : "";
	}
	node = sl_store_by_id(c->store, SL_COLL_NODES, origin & ~SL_ORIGIN_NODE);
	return node != NULL ? node->key : "";
}

const char *sl_name_of_network(const struct sl_ctrl *c, uint32_t id)
{
	const struct sl_object *o = sl_store_by_id(c->store, SL_COLL_NETWORKS, id);

	return o != NULL ? o->key : "";
}

const char *sl_name_of_policy(const struct sl_ctrl *c, uint32_t slot)
{
	const struct sl_object *o;

	if (slot == UINT32_MAX)
		return "";
	if (slot == 0)
		return "default";
	o = sl_store_by_id(c->store, SL_COLL_POLICIES, slot);
	return o != NULL ? o->key : "";
}

static void keep_name(char to[SL_NAME_LEN], const char *name)
{
	snprintf(to, SL_NAME_LEN, "%s", name);
}

void sl_recent_note(struct sl_ctrl *c, const struct sl_event *ev)
{
	struct sl_recent_entry *e = &c->recent.entry[c->recent.n++ % SL_RECENT_MAX];

	clock_gettime(CLOCK_REALTIME, &e->when);
	e->event = *ev;
	keep_name(e->network, sl_name_of_network(c, (ev->key.net_proto >> 8) & 0x7fffff));
	keep_name(e->policy, sl_name_of_policy(c, ev->policy));
	keep_name(e->from, sl_name_of_origin(c, ev->origin));
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
