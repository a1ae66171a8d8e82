/* SPDX-License-Identifier: BSD-3-Clause */
/* What devices of the DPDK driver hang on outside of this process. Threads: any. */
#ifndef SL_DP_DEVICE_OUTSIDE_H
#define SL_DP_DEVICE_OUTSIDE_H

#include "port_driver.h"

/*
 * The device as DPDK splits its devargs, whichever notation they are in. d->driver is NULL when they
 * name nothing that is known, or are another driver's. The caller calls sl_device_fini.
 */
int sl_device_of(const char *devargs, struct sl_device *d, struct sl_err *e);
void sl_device_outside(const char *devargs, struct sl_outside *o);
/* What has to be there for the device to be opened, and is not. */
bool sl_outside_is_absent(const struct sl_outside *o, char *why, size_t size);

#endif
