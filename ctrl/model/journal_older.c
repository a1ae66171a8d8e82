/* SPDX-License-Identifier: BSD-3-Clause */
/* Objects that earlier versions wrote, brought up to date as they are read. */
#include <sys/types.h>

#include "journal_impl.h"

/* Before policies had networks each was for all of them. */
static void assume_network(struct sl_policy_obj *p)
{
	if (p->networks.n > 0 || p->networks.all)
		return;
	p->networks.all = true;
	p->network_assumed = true;
}

/* Earlier versions took an exception of the other family than its cidr's. It never had an effect,
 * and what is listed of a policy must be accepted when it is sent back. */
static void drop_inert(struct sl_peer_obj *p)
{
	struct sl_prefix *x = p->except.items;
	size_t n = 0;

	for (size_t i = 0; i < p->except.n; i++)
		if (sl_prefix_is_v4(&x[i]) == sl_prefix_is_v4(&p->cidr))
			x[n++] = x[i];
	if (n == p->except.n)
		return;
	p->except.n = n;
	p->has_except = n > 0;
}

void sl_journal_update_policy(struct sl_policy_obj *p)
{
	struct sl_peer_obj *peer = p->peers.items;

	assume_network(p);
	for (size_t i = 0; i < p->peers.n; i++)
		drop_inert(&peer[i]);
}
