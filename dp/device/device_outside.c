/* SPDX-License-Identifier: BSD-3-Clause */
/* What a device depends on outside this process, and whether it exists. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <rte_devargs.h>
#include <rte_string_fns.h>

#include "device_outside.h"
#include "interface.h"
#include "socket_file.h"

int sl_device_of(const char *devargs, struct sl_device *d, struct sl_err *e)
{
	struct rte_devargs da = {0};
	char *text = NULL;
	int ret = 0;

	*d = (struct sl_device){0};
	if (sl_port_driver_of(devargs) != &sl_dpdk_driver || rte_devargs_parse(&da, devargs) != 0)
		return 0; /* it names nothing that a driver would open */
	if (asprintf(&text, "%s,%s", da.name, da.args != NULL ? da.args : "") < 0)
		ret = sl_err_set(e, SL_ERR_LIMIT, "", "out of memory");
	if (ret == 0)
		ret = sl_device_parse(d, text, e);
	if (ret == 0 && d->driver != NULL && (da.bus_str != NULL || da.cls_str != NULL)) {
		ret = sl_err_set(e, SL_ERR_DEVICE, "devargs",
			"device %s is written as bus=... or class=..., which is for NICs only",
			d->name);
		sl_err_hint(e, "write it as NAME,ARGUMENT=VALUE,...");
		sl_device_fini(d);
	}
	free(text);
	free(da.data);
	return ret;
}

/* The first pair of claims of the two for which that holds. */
/* The device's first argument, in the driver's order, that is used so. */
static const char *first_of(const struct sl_device *d, enum sl_device_use use)
{
	const struct sl_device_arg *a = d->driver != NULL ? d->driver->arg : NULL;

	for (; a != NULL && a->name != NULL; a++) {
		const char *value = a->use == use ? rte_kvargs_get(d->args, a->name) : NULL;

		if (value != NULL)
			return value;
	}
	return NULL;
}

#define MEMIF_SOCKET "/run/memif.sock" /* net_memif's default */

void sl_device_outside(const char *devargs, struct sl_outside *o)
{
	struct sl_device d;
	const char *iface, *path;

	*o = (struct sl_outside){.follow = SL_FOLLOW_DRIVER};
	if (sl_device_of(devargs, &d, NULL) != 0 || d.driver == NULL) {
		sl_device_fini(&d);
		return;
	}
	iface = first_of(&d, SL_DEVICE_INTERFACE);
	path = first_of(&d, SL_DEVICE_SOCKET);
	o->follow = d.driver->follow;
	o->makes = d.driver->makes;
	rte_strscpy(o->driver, d.driver->name, sizeof(o->driver));
	if (o->follow == SL_FOLLOW_INTERFACE && iface != NULL)
		rte_strscpy(o->iface, iface, sizeof(o->iface));
	else if (o->follow == SL_FOLLOW_INTERFACE && !o->makes)
		o->follow = SL_FOLLOW_NONE;
	if (path == NULL && strcmp(o->driver, "net_memif") == 0)
		path = MEMIF_SOCKET;
	if (path != NULL)
		rte_strscpy(o->path, path, sizeof(o->path));
	o->abstract = path != NULL && d.driver->role(d.args) == SL_DEVICE_ABSTRACT;
	o->connects = path != NULL && d.driver->connects != NULL && d.driver->connects(d.args);
	/* A path that is too long is refused when the device is opened. */
	o->needs_path = o->connects && strlen(path) < sizeof(o->path);
	path = first_of(&d, SL_DEVICE_READ);
	if (path != NULL && !o->needs_path && strlen(path) < sizeof(o->path)) {
		rte_strscpy(o->path, path, sizeof(o->path));
		o->needs_path = true;
	}
	sl_device_fini(&d);
}

bool sl_outside_is_absent(const struct sl_outside *o, char *why, size_t size)
{
	struct sl_interface i;
	struct stat st;

	if (o->iface[0] != '\0' && !o->makes && sl_interface_ask(o->iface, &i) && i.index == 0) {
		snprintf(why, size, "interface %s does not exist", o->iface);
		return true;
	}
	if (!o->needs_path)
		return false;
	if (o->abstract) {
		snprintf(why, size, "nobody serves the abstract socket %s", o->path);
		return sl_socket_name_in_use(o->path) == 0;
	}
	if (stat(o->path, &st) != 0) {
		snprintf(why, size, "%s: %s", o->path, strerror(errno));
		return errno == ENOENT;
	}
	if (!S_ISSOCK(st.st_mode) || sl_socket_in_use(o->path) != 0)
		return false;
	snprintf(why, size, "nobody serves the socket %s", o->path);
	return true;
}
