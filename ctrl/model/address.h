/* SPDX-License-Identifier: BSD-3-Clause */
/* Checks of addresses that a host may have. Threads: control. */
#ifndef SL_CTRL_MODEL_ADDRESS_H
#define SL_CTRL_MODEL_ADDRESS_H

#include "ctrl/shape/shape.h"

/*
 * The address must not be unspecified, loopback, multicast or broadcast. 0, or -EINVAL with the
 * path given.
 */
int sl_check_unicast(const struct sl_ip *ip, const char *path, struct sl_err *e);
/*
 * The address must not be the first or last of an IPv4 prefix of /30 or shorter: these name no
 * host.
 */
int sl_check_host(
	const struct sl_prefix *p, const struct sl_ip *ip, const char *path, struct sl_err *e);

#endif
