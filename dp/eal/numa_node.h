/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which NUMA node a CPU or a device is on, and which memory to ask for. All placement decisions of
 * the engine go through here, so that tests can simulate a machine with several nodes.
 * Threads: control.
 */
#ifndef SL_DP_NUMA_NODE_H
#define SL_DP_NUMA_NODE_H

#include <stdint.h>

/* A machine. Nodes are -1 where they are not known. */
struct sl_numa_source {
	int (*of_cpu)(unsigned int cpu);
	int (*of_device)(uint16_t ethdev);
	/* Called for everything that is placed ("pool", "rings", ...), with the wanted node. */
	void (*asked)(const char *what, int node);
};

/* For tests, before an engine is created. NULL: the real machine, from libnuma and the drivers. */
void sl_numa_use(const struct sl_numa_source *source);

int sl_numa_of_cpu(unsigned int cpu);
int sl_numa_of_device(uint16_t ethdev);
/*
 * The socket id for rte_*_create and rte_*alloc_socket for something wanted on a node.
 * SOCKET_ID_ANY when the node is unknown or EAL has no memory on it. Needs EAL.
 */
int sl_numa_socket(const char *what, int node);

#endif
