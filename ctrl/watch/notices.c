/* SPDX-License-Identifier: BSD-3-Clause */
/* The list of notices, one row each. Asks the rows, and puts what they find into words. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "notices.h"

/* Rows about one subject are together, the worst first. */
#define RULES(c) .each = sl_notice_rules, .coll = c
const struct sl_notice_row sl_notice_rows[] = {
	{"port_rule", RULES(SL_COLL_PORTS)},
	{"node_rule", RULES(SL_COLL_NODES)},
	{"neighbor_rule", RULES(SL_COLL_NEIGHBORS)},
	{"route_rule", RULES(SL_COLL_ROUTES)},
	{"network_rule", RULES(SL_COLL_NETWORKS)},
	{"policy_rule", RULES(SL_COLL_POLICIES)},
	{"tunnel_address", .find = sl_notice_tunnel_address},
	{"no_tunnel_address", .each = sl_notice_no_tunnel_address, .coll = SL_COLL_NODES},
	{"port_state", .each = sl_notice_port_state, .coll = SL_COLL_PORTS, .is_logged = true},
	{"host_state", .each = sl_notice_host_state, .coll = SL_COLL_ENDPOINTS, .is_logged = true},
	{"port_starved", .each = sl_notice_port_starved, .coll = SL_COLL_PORTS},
	{"buffers_starved", .find = sl_notice_buffers_starved},
	{"port_no_address", .each = sl_notice_port_address, .coll = SL_COLL_PORTS},
	{"port_same_prefix", .find = sl_notice_port_prefix},
	{"node_unreachable", .each = sl_notice_node_path, .coll = SL_COLL_NODES},
	{"node_mtu", .each = sl_notice_node_mtu, .coll = SL_COLL_NODES},
	{"node_own_name", .find = sl_notice_node_name},
	{"route_gateway", .each = sl_notice_route_gateway, .coll = SL_COLL_ROUTES},
	{"route_one_sided", .each = sl_notice_route_return, .coll = SL_COLL_ROUTES},
	{"neighbor_off_link", .each = sl_notice_neighbor_link, .coll = SL_COLL_NEIGHBORS},
	{"neighbor_own_mac", .each = sl_notice_neighbor_mac, .coll = SL_COLL_NEIGHBORS},
	{"next_hop_contested", .find = sl_notice_neighbor_contested},
	{"address_conflict", .find = sl_notice_address_conflict},
	{"network_mtu", .each = sl_notice_network_mtu, .coll = SL_COLL_NETWORKS},
	{"network_mtu_ipv6", .each = sl_notice_network_ip6, .coll = SL_COLL_NETWORKS},
	{"subnet_family", .each = sl_notice_subnet_family, .coll = SL_COLL_NETWORKS},
	{"nat_exhausted", .find = sl_notice_nat_exhausted},
	{"outside_gateway", .each = sl_notice_outside_gateway, .coll = SL_COLL_NETWORKS},
	{"outside_address", .each = sl_notice_outside_address, .coll = SL_COLL_NETWORKS},
	{"mac_moved", .find = sl_notice_mac_moved, .is_logged = true},
	{"policy_network", .each = sl_notice_policy_network, .coll = SL_COLL_POLICIES},
	{"policy_cidr", .each = sl_notice_policy_cidr, .coll = SL_COLL_POLICIES},
	{"policy_world", .each = sl_notice_policy_world, .coll = SL_COLL_POLICIES},
};
const size_t sl_n_notice_rows = sizeof(sl_notice_rows) / sizeof(sl_notice_rows[0]);

void sl_notice_put(const struct sl_notice_sink *to, const char *collection, const char *name,
	const char *hint, const char *fmt, ...)
{
	struct sl_notice n = {.collection = collection, .name = name, .code = to->code};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(n.message, sizeof(n.message), fmt, ap);
	va_end(ap);
	snprintf(n.hint, sizeof(n.hint), "%s", hint);
	to->put(to->ctx, &n);
}

/* False: out of memory, and there is nothing to walk. Call walk_fini in both cases. */
static bool walk_init(
	struct sl_notice_walk *w, const struct sl_notice_facts *f, const struct sl_notice_row *row)
{
	w->f = f;
	w->to.code = row->code;
	w->coll = row->coll;
	w->memo = NULL;
	return sl_store_reach_init(&w->reach, f->store, f->self);
}

static void walk_fini(struct sl_notice_walk *w)
{
	sl_reach_fini(&w->reach);
	free(w->memo);
}

void sl_notices_find(const struct sl_notice_facts *f,
	void (*put)(void *ctx, const struct sl_notice *n), void *ctx)
{
	for (size_t i = 0; i < sl_n_notice_rows; i++) {
		const struct sl_notice_row *row = &sl_notice_rows[i];
		struct sl_notice_walk w = {.to = {ctx, put, row->code}};

		if (row->find != NULL) {
			row->find(f, &w.to);
			continue;
		}
		if (walk_init(&w, f, row))
			sl_store_walk(f->store, row->coll, row->each, &w);
		walk_fini(&w);
	}
}

bool sl_notices_portion(const struct sl_notice_facts *f, size_t row, uint32_t *next_id,
	void (*put)(void *ctx, const struct sl_notice *n), void *ctx)
{
	const struct sl_notice_row *r = &sl_notice_rows[row];
	struct sl_notice_walk w = {.to = {ctx, put, r->code}};
	uint32_t last, end;
	bool more;

	if (r->find != NULL) {
		r->find(f, &w.to);
		return true;
	}
	last = sl_store_max_id(f->store, r->coll);
	end = *next_id + SL_NOTICE_PORTION;
	more = walk_init(&w, f, r);
	for (; more && *next_id < end && *next_id <= last; ++*next_id) {
		const struct sl_object *o = sl_store_by_id(f->store, r->coll, *next_id);

		more = o == NULL || r->each(o, &w);
	}
	walk_fini(&w);
	if (more && *next_id <= last)
		return false;
	*next_id = 0;
	return true;
}

const char *sl_notice_line(const struct sl_notice *n, char line[SL_NOTICE_LINE_LEN])
{
	bool named = n->name[0] != '\0', helped = n->hint[0] != '\0';

	snprintf(line, SL_NOTICE_LINE_LEN, "%s%s%s%s: %s%s%s%s", n->collection, named ? " \"" : "",
		n->name, named ? "\"" : "", n->message, helped ? " (" : "", n->hint,
		helped ? ")" : "");
	return line;
}
