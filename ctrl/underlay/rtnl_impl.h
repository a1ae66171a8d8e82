/* SPDX-License-Identifier: BSD-3-Clause */
/* What rtnl.c and rtnl_read.c share. Threads: control. */
#ifndef SL_CTRL_UNDERLAY_RTNL_IMPL_H
#define SL_CTRL_UNDERLAY_RTNL_IMPL_H

#include <libmnl/libmnl.h>

#include "rtnl.h"

/* A request in its own memory: the longest one, with room to spare. */
struct sl_rtnl_request {
	_Alignas(struct nlmsghdr) char buf[512];
	struct nlmsghdr *h;
};
/* Returns the zeroed body. */
void *sl_rtnl_begin(struct sl_rtnl_request *q, uint16_t type, uint16_t flags, size_t body);
/* Sends the request, and gives its answer to read, which may be NULL. 0 or -errno. */
int sl_rtnl_exchange(struct sl_rtnl *r, struct sl_rtnl_request *q, mnl_cb_t read, void *ctx);

/* True when the bytes are whole messages, one behind the other. */
bool sl_rtnl_is_whole(const void *buf, size_t len);
/* False: no neighbour of IPv4 or IPv6. */
bool sl_rtnl_read_neighbor(const struct nlmsghdr *h, struct sl_rtnl_neighbor *n);

#endif
