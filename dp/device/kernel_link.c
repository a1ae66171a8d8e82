/* SPDX-License-Identifier: BSD-3-Clause */
#include <net/if.h>
#include <stdio.h>

#include "interface.h"
#include "kernel_link.h"

static void describe(const struct sl_interface *i, const char *name, struct sl_port_link *l)
{
	l->mtu = i->mtu;
	l->has_mac = i->has_mac;
	l->mac = i->mac;
	l->state = i->up && i->carrier ? SL_LINK_UP : SL_LINK_DOWN;
	if (l->state == SL_LINK_DOWN)
		snprintf(l->why, sizeof(l->why), "interface %s %s", name,
			i->up ? "has no carrier" : "is down");
}

/* No interface has the name: this one may have another, and may get its own back. */
static void look_for(const struct sl_port_device *d, const char *name, struct sl_port_link *l)
{
	char now[IFNAMSIZ];

	l->state = SL_LINK_LOST;
	snprintf(l->why, sizeof(l->why), "interface %s does not exist", name);
	if (d->was_deleted || if_indextoname((unsigned int)d->ifindex, now) == NULL)
		return;
	l->state = SL_LINK_AWAY;
	snprintf(l->why, sizeof(l->why), "interface %s was renamed: it is %s now", name, now);
}

void sl_kernel_link(const struct sl_port_device *d, const char *name, struct sl_port_link *l)
{
	struct sl_interface i;

	if (!sl_interface_ask(name, &i))
		return;
	if (i.index == 0) {
		look_for(d, name, l);
	} else if (i.index != d->ifindex || d->was_deleted) {
		l->state = SL_LINK_LOST;
		snprintf(l->why, sizeof(l->why), "interface %s was made again", name);
	} else {
		describe(&i, name, l);
	}
}
