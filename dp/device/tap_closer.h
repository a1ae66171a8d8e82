/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Closing a TAP's last descriptor makes the kernel wait until nobody uses the interface any more: some
 * 20 ms, and next to nothing more for many of them at a time. So descriptors are closed by threads of
 * their own, side by side. A workload that is attached meanwhile does not wait for those that leave.
 * Threads: the device helper.
 */
#ifndef SL_DP_TAP_CLOSER_H
#define SL_DP_TAP_CLOSER_H

#include <net/if.h>

#include "netns.h"

/* Which interface it is; ns zeroed: in the daemon's own namespace. */
struct sl_tap_id {
	char name[IFNAMSIZ];
	struct sl_netns ns;
};

/* Close fd[n], in a moment. The kernel removes the interface then. */
void sl_tap_close(const struct sl_tap_id *id, const int *fd, unsigned int n);
/* Wait until no interface of that name is about to be removed. */
void sl_tap_wait_closed(const struct sl_tap_id *id);

#endif
