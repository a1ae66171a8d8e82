/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Kernel interfaces as rtnetlink(7) tells of them. A watch says that something about some interface
 * has changed; what is true now is always asked for by name, so that a lost or late message costs
 * nothing but time. One thing cannot be asked for later: that an interface was deleted and made
 * again with the same index. Deletions are told one by one.
 * Threads: control. All of it is about the network namespace that the caller is in.
 */
#ifndef SL_DP_INTERFACE_H
#define SL_DP_INTERFACE_H

#include <stdbool.h>

#include "sluice/types.h"

struct sl_interface {
	int index; /* 0: there is no interface of that name */
	bool up, carrier;
	unsigned int mtu;
	bool has_mac;
	struct sl_mac mac;
};

struct sl_interface_watch;

/* NULL: no netlink here. */
struct sl_interface_watch *sl_interface_watch_open(void);
void sl_interface_watch_close(struct sl_interface_watch *w); /* accepts NULL */
/* Readable when something has changed; -1 without a watch. */
int sl_interface_watch_fd(const struct sl_interface_watch *w);
/*
 * Take what has been told, without waiting; gone(ctx, index) for each interface that was deleted or
 * left this namespace. Returns whether anything was told.
 */
bool sl_interface_watch_read(
	struct sl_interface_watch *w, void (*gone)(void *ctx, int index), void *ctx);

/* What is true now; false when that cannot be asked: *i is all zero. */
bool sl_interface_ask(const char *name, struct sl_interface *i);

#endif
