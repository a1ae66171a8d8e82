/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Endpoints: interfaces of workloads, and hosts, here and on other nodes. A host endpoint of this
 * node has a port of its own, which no other object names: a TAP that sluice makes for the host.
 * Threads: control.
 */
#ifndef SL_CTRL_OBJECTS_ENDPOINTS_H
#define SL_CTRL_OBJECTS_ENDPOINTS_H

#include "ports.h"

struct sl_endpoint_host {
	char *name; /* of the TAP, on its node */
};

struct sl_endpoint_obj {
	struct sl_object o;
	const char *name;
	const char *network;
	/* Exactly one of port, node and host is set; or node and host: the host of that node. */
	const char *port;
	uint32_t vlan; /* of its tagged packets at the port; 0: they have no tag */
	const char *node;
	bool has_host;
	struct sl_endpoint_host host;
	struct sl_mac mac;
	struct sl_list addresses; /* struct sl_ip, at least one */
	struct sl_labels labels;
};

struct sl_endpoint_reported {
	bool has_identity;
	uint32_t identity; /* of its labels: sl_store_identity_of; or SL_IDENTITY_HOST */
	bool has_state;	   /* of the host's TAP */
	uint32_t state;	   /* enum sl_port_condition */
	char *state_reason;
};

struct sl_store;

static inline bool sl_endpoint_is_local(const struct sl_endpoint_obj *ep)
{
	return ep->node[0] == '\0';
}

static inline bool sl_endpoint_is_host_here(const struct sl_endpoint_obj *ep)
{
	return ep->has_host && sl_endpoint_is_local(ep);
}

/* The name of the port that a local endpoint is behind. */
const char *sl_endpoint_port(const struct sl_endpoint_obj *ep, char buf[SL_HOST_PORT_LEN]);
/* The rule of host endpoints: no port has the interface. host_ports.c */
int sl_endpoint_host_rule(const struct sl_store *s, const struct sl_object *o, struct sl_err *e);
/* The number that policies know it by. */
uint32_t sl_endpoint_identity(const struct sl_store *s, const struct sl_endpoint_obj *ep);

extern const struct sl_shape sl_shape_endpoint, sl_shape_endpoint_reported;

#endif
