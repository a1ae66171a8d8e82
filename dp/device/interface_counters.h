/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the kernel has counted at one of its interfaces, as rtnetlink(7) tells it and `ip -s link`
 * shows it: received and sent as the host sees it, since the interface was made.
 * Threads: any.
 */
#ifndef SL_DP_INTERFACE_COUNTERS_H
#define SL_DP_INTERFACE_COUNTERS_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

struct sl_interface_counters {
	char name[IFNAMSIZ];
	bool running;					       /* up, and with a carrier */
	uint64_t rx_packets, rx_errors, rx_dropped, rx_missed; /* the last one by its hardware */
	uint64_t tx_packets, tx_errors, tx_dropped;
};

/* Of the caller's network namespace; false when there is no interface with that index. */
bool sl_interface_counters(int index, struct sl_interface_counters *c);

#endif
