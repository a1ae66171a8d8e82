/* SPDX-License-Identifier: BSD-3-Clause */
#include "numa_node.h"

#include <numa.h>

#include <rte_ethdev.h>
#include <rte_lcore.h>

static int node_of_cpu(unsigned int cpu)
{
	return numa_available() < 0 ? -1 : numa_node_of_cpu((int)cpu);
}

static int node_of_device(uint16_t ethdev)
{
	return rte_eth_dev_socket_id(ethdev); /* -1 is SOCKET_ID_ANY: virtual devices */
}

static const struct sl_numa_source machine = {
	.of_cpu = node_of_cpu,
	.of_device = node_of_device,
};
static const struct sl_numa_source *source = &machine;

void sl_numa_use(const struct sl_numa_source *s)
{
	source = s != NULL ? s : &machine;
}

int sl_numa_of_cpu(unsigned int cpu)
{
	return source->of_cpu(cpu);
}

int sl_numa_of_device(uint16_t ethdev)
{
	return source->of_device(ethdev);
}

int sl_numa_socket(const char *what, int node)
{
	if (source->asked != NULL)
		source->asked(what, node);
	for (unsigned int i = 0; i < rte_socket_count(); i++)
		if (rte_socket_id_by_idx(i) == node)
			return node;
	return SOCKET_ID_ANY;
}
