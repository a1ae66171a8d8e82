/* SPDX-License-Identifier: BSD-3-Clause */
/* What rtnl.c and rtnl_read.c share. Threads: control. */
#ifndef SL_CTRL_UNDERLAY_RTNL_IMPL_H
#define SL_CTRL_UNDERLAY_RTNL_IMPL_H

#include <libmnl/libmnl.h>

#include "rtnl.h"

/* True when the bytes are whole messages, one behind the other. */
bool sl_rtnl_is_whole(const void *buf, size_t len);
/* False: no neighbour of IPv4 or IPv6. */
bool sl_rtnl_read_neighbor(const struct nlmsghdr *h, struct sl_rtnl_neighbor *n);

#endif
