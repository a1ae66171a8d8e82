/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which devices a caller without root's uid may make ports of: the configuration file's section
 * `devices`, read at start only. A device that names nothing of the host needs no entry; one that
 * can do more than its arguments say is root's alone.
 * Threads: control.
 */
#ifndef SL_CTRL_OBJECTS_DEVICES_H
#define SL_CTRL_OBJECTS_DEVICES_H

#include "ctrl/shape/shape.h"

struct sl_device_allow {
	uint32_t driver;	    /* index in sl_device_driver_names */
	struct sl_list directories; /* char *: files and sockets below them */
	struct sl_list interfaces;  /* char *: names, or patterns of names */
	struct sl_list addresses;   /* char *: of PCI devices, or patterns of them */
};

struct sl_devices_conf {
	struct sl_list allow; /* struct sl_device_allow */
};

extern const struct sl_shape sl_shape_devices;

/*
 * May somebody who is not root make a port of this device? 0, or -EPERM with *e. c NULL: no entry.
 * Looks at the file system, so it holds for now: the directories are such that nobody but root can
 * change the answer.
 */
int sl_devices_check(const struct sl_devices_conf *c, const char *devargs, struct sl_err *e);

#endif
