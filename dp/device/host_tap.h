/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * "host_tap=NAME": a TAP of the host itself, in the daemon's own namespace. It outlives the device,
 * so that the host's addresses stay on it, and the next device of that name takes it over. Who no
 * longer wants it deletes the interface.
 * Threads: is: any. take_over: helper.
 */
#ifndef SL_DP_HOST_TAP_H
#define SL_DP_HOST_TAP_H

#include <stdbool.h>

#include "port_driver.h"

struct ifreq;

bool sl_host_tap_is(const char *devargs);
/*
 * An interface of that name exists. Attaches fd to it, if it is a TAP that a device like this one
 * has left; r is the request that has failed. 0, or -errno with *e.
 */
int sl_host_tap_take_over(
	const struct sl_port_device *d, int fd, struct ifreq *r, struct sl_err *e);

#endif
