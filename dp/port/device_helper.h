/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The device helper: one thread that opens and closes devices, one after the other, for that takes
 * 50 to 800 ms and the control thread must not wait. A job is about one struct sl_port_device, which
 * the helper alone touches until the job is done. What is safe beside DPDK's calls of the control
 * thread is said in dpdk.c.
 *
 * Threads: control, all calls. The thread holds nothing of the engine; sl_device_close_end and the
 * driver's functions are all that it runs.
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
	void *port; /* the caller's: whose device it is */
	bool opens; /* or it closes */
	bool done;
	/* Of opening. On failure the device is closed again, and a pool that was made for it freed. */
	int ret;
	struct sl_err err;
	uint32_t absent; /* the caller's: see sl_device_check */
};

/* NULL: no memory, or no thread. */
struct sl_device_helper *sl_device_helper_create(void);
/* Does what is left to be done. No job is lost: take them first. Accepts NULL. */
void sl_device_helper_destroy(struct sl_device_helper *h);

/* Aborts without memory: a device that cannot be closed would be left open for ever. */
struct sl_device_job *sl_device_helper_begin(
	struct sl_device_helper *h, struct sl_port_device *d, void *port, bool opens);
/* The next job that is done, in order; NULL: none is now. */
struct sl_device_job *sl_device_helper_next(struct sl_device_helper *h);
/* Wait for one job, whatever else is done before it: for start, stop and tests only. */
void sl_device_helper_wait(struct sl_device_helper *h, struct sl_device_job *job);
/* Readable while sl_device_helper_next would return a job. */
int sl_device_helper_fd(const struct sl_device_helper *h);

#endif
