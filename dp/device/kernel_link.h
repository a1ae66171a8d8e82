/* SPDX-License-Identifier: BSD-3-Clause */
/* The link of a device on a kernel interface that others have made. Threads: control. */
#ifndef SL_DP_KERNEL_LINK_H
#define SL_DP_KERNEL_LINK_H

#include "port_driver.h"

/*
 * The device is on the interface that had that name, and the index d->ifindex, when it was opened.
 * One that was renamed is away; another one of its name means that it is lost.
 */
void sl_kernel_link(const struct sl_port_device *d, const char *name, struct sl_port_link *l);

#endif
