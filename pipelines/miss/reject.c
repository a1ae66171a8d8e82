/* SPDX-License-Identifier: BSD-3-Clause */
#include "reject.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

#include "dp/lib/pmap.h"
#include "pipelines/reply/icmp_error.h"
#include "pipelines/reply/tcp_reset.h"

static bool says_so(const struct sl_trip *t, const struct sl_judgement *j)
{
	const struct sl_pmap_key policy = sl_rejecting_key(j->denied_by);

	if (j->denied_in == NULL)
		return false;
	return j->denied_in->reject || sl_pmap_find(t->world->rejecting, &policy) != NULL;
}

enum sl_drop sl_reject(const struct sl_trip *t, unsigned int i, const struct sl_judgement *j)
{
	const struct sl_meta *m = &t->b->meta[i];

	if (likely(!says_so(t, j)))
		return j->reason;
	if (m->flags & SL_P_TCP)
		sl_tcp_reset(t, i);
	else if (m->flags & SL_P_IP4)
		sl_icmp_error(t, i, ICMP_UNREACH, ICMP_UNREACH_FILTER_PROHIB, 0);
	else
		sl_icmp_error(t, i, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADMIN, 0);
	return j->reason;
}
