/* SPDX-License-Identifier: BSD-3-Clause */
/* Nodes: the other nodes of the fabric, reached by tunnel. Threads: control. */
#ifndef SL_CTRL_OBJECTS_NODES_H
#define SL_CTRL_OBJECTS_NODES_H

#include "ctrl/model/collection.h"

struct sl_node_obj {
	struct sl_object o;
	const char *name;
	struct sl_ip address; /* its tunnel address */
	const char *zone;
	uint32_t mtu; /* largest outer IP packet on the way there; 0: the port's */
};

extern const struct sl_shape sl_shape_node;

#endif
