/* SPDX-License-Identifier: BSD-3-Clause */
/* Limits and checks that the shapes of several collections share. Threads: control. */
#ifndef SL_CTRL_OBJECTS_FIELDS_H
#define SL_CTRL_OBJECTS_FIELDS_H

#include "objects.h"
#include "ctrl/shape/fields.h"

/* The smallest MTU that IPv4 allows (RFC 791). */
#define SL_MTU_MIN 68

#define SL_POLICY_NETWORKS_MAX 1024 /* in one policy's list */

/* Why a peer's entity is refused that older versions took. */
#define SL_ENTITY_INERT                                                                       \
	"nothing matches it in this version: both ends of every packet are endpoints of one " \
	"network"

/* 0, or -EINVAL with the path given: not unspecified, loopback, multicast or broadcast. */
int sl_check_unicast(const struct sl_ip *ip, const char *path, struct sl_err *e);
/* The first or last address of an IPv4 prefix of /30 and shorter names no host. */
int sl_check_host(
	const struct sl_prefix *p, const struct sl_ip *ip, const char *path, struct sl_err *e);

#endif
