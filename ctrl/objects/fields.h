/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Limits and checks that several collections share.
 * Threads: control.
 */
#ifndef SL_CTRL_OBJECTS_FIELDS_H
#define SL_CTRL_OBJECTS_FIELDS_H

#include <stdio.h>

#include "ctrl/model/address.h"
#include "ctrl/model/collection.h"
#include "ctrl/shape/fields.h"
#include "pipelines/overlay/tunnel_ctl.h"

/* The smallest MTU that IPv4 allows (RFC 791). */
#define SL_MTU_MIN 68

#define SL_POLICY_NETWORKS_MAX 1024 /* in one policy's list */

/* Why a peer's entity is refused. */
#define SL_ENTITY_INERT "gateways answer ping and route, and are under no policy"

/*
 * The least number of bytes before the workload's IP packet in tunnel packets over an underlay of that
 * family. Only a configuration with a network by IP-in-IP has the smaller headers of that.
 */
uint32_t sl_overhead_least(const struct sl_store *s, enum sl_family family);
/* The packet size that every IPv4 host accepts (RFC 791). TCP of Linux goes no lower than 552. */
#define SL_INNER_MTU_MIN 576
/* The largest workload packet that fits an underlay with this MTU. */
uint32_t sl_inner_mtu(uint32_t underlay_mtu, uint32_t overhead);

/* Defines fn, which makes the key of objects that have a name. */
#define SL_KEY_OF_NAME(fn, st)                                                   \
	static void fn(const void *obj, char key[SL_KEY_LEN])                    \
	{                                                                        \
		snprintf(key, SL_KEY_LEN, "%s", ((const struct st *)obj)->name); \
	}

/* Each of these: 0, or -errno with *e. */

/* The kernel may give an interface this name. */
#define SL_INTERFACE_NAME_MAX 15
int sl_check_interface_name(const char *name, const char *field, struct sl_err *e);

/* The address of an object that means another host is no address of this node. */
int sl_check_not_own(const struct sl_store *s, const struct sl_collection *coll,
	const struct sl_object *o, const struct sl_ip *ip, const char *field, const char *hint,
	struct sl_err *e);
/* The prefix contains an address that a host may have. */
int sl_check_prefix_of_hosts(const struct sl_prefix *p, const char *field, struct sl_err *e);

#endif
