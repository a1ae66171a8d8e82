/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the kernel has counted at one of its interfaces, from rtnetlink(7), as `ip -s link` shows
 * it: received and sent from the host's view, since the interface was created.
 * Threads: any.
 */
#ifndef SL_DP_INTERFACE_COUNTERS_H
#define SL_DP_INTERFACE_COUNTERS_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

struct sl_interface_counters {
	char name[IFNAMSIZ];
	bool running; /* up, and with a carrier */
	/* rx_missed: counted by its hardware */
	uint64_t rx_packets, rx_errors, rx_dropped, rx_missed;
	uint64_t tx_packets, tx_errors, tx_dropped;
};

/* In the caller's network namespace. False when there is no interface with that index. */
bool sl_interface_counters(int index, struct sl_interface_counters *c);

#endif
