/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Notices about policies whose network nobody has named: they come from a state that was written
 * before policies had networks, and are in force in every one until somebody says otherwise, or
 * says "*".
 */
#include "notices.h"

bool sl_notice_policy_network(const struct sl_object *o, void *ctx)
{
	const struct sl_policy_obj *p = (const struct sl_policy_obj *)o;
	const struct sl_notice_walk *w = ctx;

	if (p->network_assumed)
		sl_notice_put(&w->to, "policies", p->name,
			"set it with all its fields and its network (\"*\" keeps it so); for all: "
			"sluicectl -j config get >f, then sluicectl config replace f",
			"policy \"%s\" names no network, as before policies had one, and is in "
			"force in every network",
			p->name);
	return true;
}
