/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How packets from one address get to another, in words: switched, or by a gateway and a route.
 * Threads: control.
 */
#ifndef SL_CTRL_METHODS_EXPLAIN_WAY_H
#define SL_CTRL_METHODS_EXPLAIN_WAY_H

#include "ctrl.h"
#include "ctrl/objects/endpoints.h"
#include "ctrl/objects/networks.h"

#define SL_EXPLAINED_VIA_LEN 512

struct sl_explained_way {
	uint32_t kind; /* index in sl_explained_ways */
	bool has_gateway, has_route;
	struct sl_ip gateway;
	struct sl_prefix route;
	char *via; /* borrowed: in text */
	char text[SL_EXPLAINED_VIA_LEN];
	/* The network and the endpoint at the end of the way; NULL: outside. */
	const struct sl_network_obj *network;
	const struct sl_endpoint_obj *endpoint;
};

extern const struct sl_shape sl_shape_explained_way;

void sl_explain_way(const struct sl_ctrl *c, const struct sl_network_obj *network,
	const struct sl_ip *from, const struct sl_ip *to, struct sl_explained_way *way);

#endif
