/* SPDX-License-Identifier: BSD-3-Clause */
#include "neighbor_proto.h"

static const struct sl_neighbor_proto *const protos[] = {&sl_neighbor_arp, &sl_neighbor_nd};

#define N_PROTOS (sizeof(protos) / sizeof(protos[0]))

const struct sl_neighbor_proto *sl_neighbor_proto_for(const struct sl_ip *ip)
{
	unsigned int i = 0;

	while (protos[i]->serves_ip4 != sl_ip_is_v4(ip))
		i++;
	return protos[i];
}

const struct sl_neighbor_proto *sl_neighbor_proto_of(const struct rte_mbuf *m)
{
	for (unsigned int i = 0; i < N_PROTOS; i++)
		if (protos[i]->is_own(m))
			return protos[i];
	return NULL;
}
