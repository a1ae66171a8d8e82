/* SPDX-License-Identifier: BSD-3-Clause */
/* The paths that ports' devices have in the file system. Threads: control, unless it says so. */
#ifndef SL_DP_DEVICE_PATH_H
#define SL_DP_DEVICE_PATH_H

#include "dp/device/port_driver.h"

struct sl_port;

/*
 * What stands at the paths that a device's driver would open, bind or empty.
 * sl_device_check comes before every probe. It refuses what is not the driver's to take and leaves
 * it alone; a stale socket is removed. *absent: which files were not there, for sl_device_unmake,
 * which removes them again when the device was refused after all.
 */
int sl_device_check(
	const struct sl_port *p, const char *devargs, uint32_t *absent, struct sl_err *e);
void sl_device_unmake(const struct sl_port *p, const char *devargs, uint32_t absent);
/*
 * The driver unlinks its socket's path at the end, whatever is there by then: what is not the
 * socket it made, as remembered by sl_device_opened, survives between the two calls. begin also
 * removes the socket of a memif server, if that device alone serves it. end: any thread.
 */
void sl_device_opened(struct sl_port *p);
void sl_device_close_begin(const struct sl_port *p, struct sl_device_kept *kept);
void sl_device_close_end(const struct sl_device_kept *kept);
/* Another port that has one of the paths, if both cannot. */
const struct sl_port *sl_device_rival(const struct sl_port *p, const char *devargs);

#endif
