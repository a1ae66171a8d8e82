/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which NUMA node a CPU or a device is on, and which memory to ask for. All that the engine places
 * goes through here, so that tests can make up a machine with several nodes.
 * Threads: control.
 */
#ifndef SL_DP_NUMA_NODE_H
#define SL_DP_NUMA_NODE_H

#include <stdint.h>

/* A machine. Nodes are -1 where they are not known. */
struct sl_numa_source {
	int (*of_cpu)(unsigned int cpu);
	int (*of_device)(uint16_t ethdev);
	/* Told of everything that is placed ("pool", "rings", ...) and the node it is wanted on. */
	void (*asked)(const char *what, int node);
};

/* For tests, before an engine is made; NULL: the machine as libnuma and the drivers tell it. */
void sl_numa_use(const struct sl_numa_source *source);

int sl_numa_of_cpu(unsigned int cpu);
int sl_numa_of_device(uint16_t ethdev);
/*
 * The socket id to hand to rte_*_create and rte_*alloc_socket for something that is wanted on a
 * node: SOCKET_ID_ANY when the node is not known or EAL has no memory on it. Needs EAL.
 */
int sl_numa_socket(const char *what, int node);

#endif
