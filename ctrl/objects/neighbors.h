/* SPDX-License-Identifier: BSD-3-Clause */
/* Neighbors: fixed MACs of underlay addresses. Threads: control. */
#ifndef SL_CTRL_OBJECTS_NEIGHBORS_H
#define SL_CTRL_OBJECTS_NEIGHBORS_H

#include "ctrl/model/collection.h"

struct sl_neighbor_obj {
	struct sl_object o;
	const char *port;
	struct sl_ip address;
	struct sl_mac mac;
};

extern const struct sl_shape sl_shape_neighbor;

#endif
