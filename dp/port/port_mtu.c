/* SPDX-License-Identifier: BSD-3-Clause */
/* Another MTU for a port that is there. */
#include <rte_ether.h>

#include "engine_state.h"

/* For a device that is open. */
static int change_mtu(struct sl_port *p, unsigned int mtu, struct sl_err *e)
{
	const unsigned int more =
		RTE_PKTMBUF_HEADROOM + RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN + RTE_ETHER_CRC_LEN;

	if (p->pool != NULL && mtu + more > rte_pktmbuf_data_room_size(p->pool))
		return sl_err_set(e, SL_ERR_DEVICE, "mtu",
			"port %s: its buffers are too small for an MTU of %u: remove the port and "
			"add it with the new one",
			p->name, mtu);
	return p->driver->set_mtu != NULL ? p->driver->set_mtu(p->dev, mtu, e) : 0;
}

int sl_port_set_mtu(struct sl_engine *g, uint16_t id, unsigned int mtu, struct sl_err *e)
{
	struct sl_port *p = sl_port_find(g, id);
	struct sl_port_dp *new;
	int ret = 0;

	if (p == NULL)
		return sl_err_set(e, SL_ERR_NOT_FOUND, "", "there is no port %u", id);
	if (mtu != 0 && p->dev != NULL)
		ret = change_mtu(p, mtu, e);
	if (ret != 0)
		return ret;
	new = malloc(sizeof(*new));
	if (new == NULL)
		return sl_err_set(e, SL_ERR_LIMIT, "", "out of memory");
	p->mtu_asked = mtu;
	*new = *p->dp;
	new->mtu = (uint16_t)(mtu != 0 ? mtu : p->mtu_own);
	sl_queues_replace(g, p, new);
	if (p->dev != NULL) {
		p->dev->mtu_asked = mtu;
		/* the kernel's MTU may be different */
		sl_port_device_tell(p->dev, SL_TOLD_CHANGED);
	}
	sl_ports_follow(g, false);
	return 0;
}
