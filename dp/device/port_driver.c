/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_driver.h"

#include <rte_common.h>

static const struct sl_port_driver *const built_in[] = {
#define X(name) &sl_##name##_driver,
	SL_PORT_DRIVERS(X)
#undef X
		NULL,
};

static const struct sl_port_driver *const none[] = {NULL};
static const struct sl_port_driver *const *registered = none;

void sl_port_drivers_register(const struct sl_port_driver *const *list)
{
	registered = list != NULL ? list : none;
}

static _Atomic(bool) some_told;

void sl_port_device_tell(struct sl_port_device *d, uint32_t told)
{
	atomic_fetch_or(&d->told, told);
	atomic_store(&some_told, true);
}

bool sl_port_devices_told(void)
{
	return atomic_load_explicit(&some_told, memory_order_relaxed) &&
	       atomic_exchange(&some_told, false);
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

int sl_port_driver_room(const struct sl_port_driver *driver, unsigned int n_open, const char *port,
	const char *device, struct sl_err *e)
{
	int ret;

	if (driver->most == 0 || n_open < driver->most)
		return 0;
	ret = sl_err_set(e, SL_ERR_LIMIT, "devargs",
		"port %s: device %s: this DPDK opens at most %u devices, and all are in use", port,
		device, driver->most);
	sl_err_hint(e, "remove a port that is a DPDK device");
	return ret;
}

enum { MTU_MIN = 68 }; /* RFC 791: every IPv4 node forwards packets of this size */

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
