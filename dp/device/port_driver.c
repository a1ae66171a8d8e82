/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_driver.h"

#include <rte_common.h>

/* The engine's own, in the order in which they are asked. */
static const struct sl_port_driver *const built_in[] = {
	&sl_dpdk_driver, /* serves whatever nobody else does */
	NULL,
};

static const struct sl_port_driver *const none[] = {NULL};
static const struct sl_port_driver *const *registered = none;

void sl_port_drivers_register(const struct sl_port_driver *const *list)
{
	registered = list != NULL ? list : none;
}

static const struct sl_port_driver *find(
	const struct sl_port_driver *const *list, const char *devargs)
{
	while (*list != NULL && !(*list)->serves(devargs))
		list++;
	return *list;
}

const struct sl_port_driver *sl_port_driver_of(const char *devargs)
{
	const struct sl_port_driver *own = find(registered, devargs);

	return own != NULL ? own : find(built_in, devargs);
}

enum { MTU_MIN = 68 }; /* RFC 791: every IPv4 module forwards that much */

uint16_t sl_port_device_mtu(const struct sl_port_device *d, unsigned int kernel)
{
	unsigned int own = d->mtu_asked != 0 ? d->mtu_asked : d->mtu;

	if (kernel < MTU_MIN)
		return (uint16_t)own;
	if (d->mtu_asked == 0 && kernel <= d->mtu_limit)
		return (uint16_t)kernel;
	return (uint16_t)RTE_MIN(own, kernel);
}

int sl_port_devargs_check(const char *devargs, struct sl_err *e)
{
	const struct sl_port_driver *driver = sl_port_driver_of(devargs);

	return driver->check != NULL ? driver->check(devargs, e) : 0;
}
