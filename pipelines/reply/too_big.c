/* SPDX-License-Identifier: BSD-3-Clause */
#include "too_big.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>

#include "icmp_error.h"

void sl_too_big(const struct sl_trip *t, unsigned int i)
{
	const struct sl_meta *m = &t->b->meta[i];

	if (m->flags & SL_P_IP4)
		sl_icmp_error(t, i, ICMP_UNREACH, ICMP_UNREACH_NEEDFRAG, m->act.mtu);
	else
		sl_icmp_error(t, i, ICMP6_PACKET_TOO_BIG, 0, m->act.mtu);
}
