/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The device helper: one thread that opens and closes devices, one after the other. That takes 50
 * to 800 ms, and the control thread must not wait for it. A job is about one struct sl_port_device,
 * which only the helper touches until the job is done. dpdk.c explains what is safe beside DPDK
 * calls of the control thread.
 *
 * Threads: control, all calls. The thread uses nothing of the engine; it runs only
 * sl_device_close_end and the driver's functions.
 * Ownership: a job is the helper's until sl_device_helper_next or _wait has returned it; then the
 * caller frees it.
 */
#ifndef SL_DP_DEVICE_HELPER_H
#define SL_DP_DEVICE_HELPER_H

#include <stdbool.h>

#include "dp/device/port_driver.h"

struct sl_device_helper;

struct sl_device_job {
	struct sl_device_job *next;
	struct sl_port_device *device;
	void *port; /* for the caller: the port of the device */
	bool opens; /* true: open; false: close */
	bool done;
	/* Result of opening. On failure the device is closed again, and a pool that was made
	 * for it is freed. */
	int ret;
	struct sl_err err;
	uint32_t absent; /* for the caller: see sl_device_check */
};

/* NULL: no memory, or no thread. */
struct sl_device_helper *sl_device_helper_create(void);
/* Finishes the remaining jobs. No job may be lost: collect them first. Accepts NULL. */
void sl_device_helper_destroy(struct sl_device_helper *h);

/* Aborts when out of memory: a device that cannot be closed would stay open for ever. */
struct sl_device_job *sl_device_helper_begin(
	struct sl_device_helper *h, struct sl_port_device *d, void *port, bool opens);
/* The next finished job, in order; NULL: none at present. */
struct sl_device_job *sl_device_helper_next(struct sl_device_helper *h);
/* Wait for one job, whatever other jobs finish before it: for start, stop and tests only. */
void sl_device_helper_wait(struct sl_device_helper *h, struct sl_device_job *job);
/* Readable while sl_device_helper_next would return a job. */
int sl_device_helper_fd(const struct sl_device_helper *h);

#endif
