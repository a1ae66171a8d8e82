/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses that a host may have. Threads: control. */
#ifndef SL_CTRL_MODEL_ADDRESS_H
#define SL_CTRL_MODEL_ADDRESS_H

#include "ctrl/shape/shape.h"

/* 0, or -EINVAL with the path given: not unspecified, loopback, multicast or broadcast. */
int sl_check_unicast(const struct sl_ip *ip, const char *path, struct sl_err *e);
/* The first or last address of an IPv4 prefix of /30 and shorter names no host. */
int sl_check_host(
	const struct sl_prefix *p, const struct sl_ip *ip, const char *path, struct sl_err *e);

#endif
