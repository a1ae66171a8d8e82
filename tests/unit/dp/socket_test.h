/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What tests of devices share that have both ends of a socket in one process: the engine gives them
 * EAL and pools, but its workers do not run, and the test is the worker.
 * Threads: the test.
 */
#ifndef SL_TESTS_SOCKET_TEST_H
#define SL_TESTS_SOCKET_TEST_H

#include "engine_test.h"

#include <unistd.h>

static char path[] = "/tmp/sl-socket-XXXXXX/s";

static inline int create(void **state)
{
	struct sl_err e;
	unsigned int cores[1];
	struct sl_engine_params p = {.cores = cores,
		.n_cores = last_cpus(cores, 1),
		.idle = SL_IDLE_ADAPTIVE,
		.hugepages = SL_HUGEPAGES_OFF,
		.memory_mb = 256,
		.mbufs = 1024,
		.run = run,
		.notice = note};

	(void)state;
	path[strlen(path) - 2] = '\0';
	if (mkdtemp(path) == NULL)
		return -1;
	path[strlen(path)] = '/';
	g = sl_engine_create(&p, &e);
	return g != NULL ? 0 : -1;
}

static inline struct sl_port_device *opened_with(const char *devargs, unsigned int offloads)
{
	struct sl_port_device *d = calloc(1, sizeof(*d));
	struct sl_err e = {0};

	assert_non_null(d);
	*d = (struct sl_port_device){.driver = sl_port_driver_of(devargs),
		.n_rxq = 1,
		.n_desc = 64,
		.n_workers = 1,
		.n_buffers = 512,
		.may_block = true,
		.may_replace_pool = true,
		.offloads_asked = offloads,
		.devargs = strdup(devargs)};
	snprintf(d->name, sizeof(d->name), "port");
	assert_int_equal(d->driver->parse(devargs, "port", d->device, sizeof(d->device), &e), 0);
	d->driver->outside(devargs, &d->outside);
	if (d->driver->open(d, &e) != 0 || d->driver->start(d, &e) != 0)
		fail_msg("%s", e.message);
	return d;
}

static inline struct sl_port_device *opened(const char *devargs)
{
	return opened_with(devargs, SL_OFFLOAD_ALL);
}

static inline void closed(struct sl_port_device *d)
{
	d->driver->close(d);
	rte_mempool_free(d->pool);
	free(d->devargs);
	free(d);
}

static inline bool is_up(struct sl_port_device *d)
{
	struct sl_port_link l = {0};

	d->driver->link(d, atomic_exchange(&d->told, 0), &l);
	return l.state == SL_LINK_UP;
}

/* After all devices were closed. */
static inline int end(void **state)
{
	(void)stop(state);
	*strrchr(path, '/') = '\0';
	return rmdir(path);
}

#endif
