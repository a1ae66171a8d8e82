/* SPDX-License-Identifier: BSD-3-Clause */
/* Notices about the underlay: objects that are accepted one by one and cannot work together. */
#include "notices.h"

/* A walk over one collection. */
struct search {
	const struct sl_notice_facts *f;
	const struct sl_notice_sink *to;
};

static bool has_ip4(const struct sl_port_obj *p)
{
	const struct sl_prefix *a = p->addresses.items;

	for (size_t i = 0; i < p->addresses.n; i++)
		if (sl_ip_is_v4(&a[i].ip))
			return true;
	return false;
}

static bool port_address(const struct sl_object *o, void *ctx)
{
	const struct sl_port_obj *p = (const struct sl_port_obj *)o;
	const struct search *s = ctx;

	if (p->role == SL_ROLE_UNDERLAY && !has_ip4(p))
		sl_notice_put(s->to, "ports", p->name, "ports.set it with its addresses",
			"underlay port \"%s\" has no IPv4 address, so no node is reached by it and "
			"nothing is taken from it",
			p->name);
	return true;
}

void sl_notice_port_address(const struct sl_notice_facts *f, const struct sl_notice_sink *to)
{
	struct search s = {f, to};

	sl_store_walk(f->store, SL_COLL_PORTS, port_address, &s);
}
