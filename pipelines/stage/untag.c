/* SPDX-License-Identifier: BSD-3-Clause */
#include "untag.h"

#include "dp/worker/vlan.h"
#include "pipelines/context/trunk.h"
#include "pipelines/parse/parse_dp.h"

enum sl_drop sl_untag(const struct sl_trip *t, unsigned int i, bool *is_common)
{
	const struct sl_trunk *trunk = sl_world_trunk(t->world, t->b->in_port);
	struct sl_meta *m = &t->b->meta[i];
	uint16_t vlan = sl_vlan_of(t->b->pkt[i]);
	uint8_t idx = (uint8_t)i;

	/* Two tags, or a type of tag that trunks do not have. */
	if (t->underlay || trunk == NULL || vlan == 0 ||
		m->l3_off != RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN)
		return SL_DROP_ETH_VLAN_UNEXPECTED;
	if (trunk->network[vlan] == 0)
		return SL_DROP_VLAN_UNKNOWN;
	if (!sl_vlan_pop(t->b->pkt[i]))
		return SL_DROP_ETH_TRUNCATED;
	m->origin = t->b->in_port | (uint32_t)vlan << SL_ORIGIN_VLAN_SHIFT;
	m->network = trunk->network[vlan];
	*is_common = sl_parse(t->b, &idx, 1) == 0;
	return t->b->verdict[i];
}
