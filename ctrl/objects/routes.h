/* SPDX-License-Identifier: BSD-3-Clause */
/* Routes: underlay prefixes behind gateways. Threads: control. */
#ifndef SL_CTRL_OBJECTS_ROUTES_H
#define SL_CTRL_OBJECTS_ROUTES_H

#include "ctrl/model/collection.h"

struct sl_route_obj { /* underlay: a prefix behind a gateway on a port's link */
	struct sl_object o;
	struct sl_prefix prefix;
	struct sl_ip via;
	const char *port; /* empty: the port whose link holds via */
};

extern const struct sl_shape sl_shape_route;

#endif
