/* SPDX-License-Identifier: BSD-3-Clause */
/* Endpoints: interfaces of workloads, here and on other nodes. Threads: control. */
#ifndef SL_CTRL_OBJECTS_ENDPOINTS_H
#define SL_CTRL_OBJECTS_ENDPOINTS_H

#include "ctrl/model/collection.h"

struct sl_endpoint_obj {
	struct sl_object o;
	const char *name;
	const char *network;
	const char *port; /* exactly one of port and node is set */
	const char *node;
	struct sl_mac mac;
	struct sl_list addresses; /* struct sl_ip, at least one */
	struct sl_labels labels;
};

struct sl_endpoint_reported {
	bool has_identity;
	uint32_t identity; /* of its labels: sl_store_identity_of */
};

extern const struct sl_shape sl_shape_endpoint, sl_shape_endpoint_reported;

#endif
