/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Kernel interfaces as rtnetlink(7) reports them. A watch says only that some interface has
 * changed. The present state is always asked for by name, so a lost or late message costs only
 * time. One thing cannot be asked for later: that an interface was deleted and created again with
 * the same index. So deletions are reported one by one.
 * Threads: control. All functions are about the network namespace of the caller.
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

/* NULL: netlink is not available. */
struct sl_interface_watch *sl_interface_watch_open(void);
void sl_interface_watch_close(struct sl_interface_watch *w); /* accepts NULL */
/* Readable when something has changed; -1 without a watch. */
int sl_interface_watch_fd(const struct sl_interface_watch *w);
/* An interface has changed, or, gone, was deleted or has left this namespace. index 0: messages
 * were lost, and any may have changed. */
typedef void (*sl_interface_heard)(void *ctx, int index, const char *name, bool gone);
/* Read all pending messages, without waiting. Returns whether there were messages. */
bool sl_interface_watch_read(struct sl_interface_watch *w, sl_interface_heard heard, void *ctx);

/* Read the present state. False when that is not possible: *i is all zero. */
bool sl_interface_ask(const char *name, struct sl_interface *i);

#endif
