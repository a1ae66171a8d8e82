/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What device strings mean to the host. One row for each driver tells which of its arguments name
 * files, sockets or kernel interfaces, and what the driver does to them. Drivers without a row
 * (drivers of NICs, and all that start others or run programs) can do anything. The rows are used
 * to decide who may ask for a device, and to check its paths before the driver uses them.
 * Threads: control.
 * Ownership: a parsed device is the caller's until sl_device_fini.
 */
#ifndef SL_DP_DEVICE_H
#define SL_DP_DEVICE_H

#include <stdbool.h>

#include <rte_kvargs.h>

#include "sluice/error.h"

enum sl_device_use {
	SL_DEVICE_PLAIN,     /* a number or a choice that concerns the port alone */
	SL_DEVICE_INTERFACE, /* a kernel interface, used or created */
	SL_DEVICE_SOCKET,    /* a unix socket: sl_device_role tells what is done to it */
	SL_DEVICE_READ,	     /* a file that is read */
	SL_DEVICE_WRITE,     /* a file that is created, or truncated */
	SL_DEVICE_ECHO,	     /* a kernel interface; also receives what the host sends there */
	SL_DEVICE_BEYOND,    /* affects more than its value says: a pointer, a program, a wait */
};

/* What a device does with its socket. */
enum sl_device_role {
	SL_DEVICE_SERVER,   /* bound at its path, and unlinked at the end */
	SL_DEVICE_CLIENT,   /* connected to */
	SL_DEVICE_ABSTRACT, /* either, by an abstract name */
};

/* How the engine learns what happens to the thing that a device stands for. */
enum sl_device_follow {
	SL_FOLLOW_DRIVER,    /* the driver reports its link: NICs, and sockets with a peer */
	SL_FOLLOW_INTERFACE, /* rtnetlink reports the kernel interface that the device is on */
	SL_FOLLOW_NONE,	     /* it is entirely inside this process, or is a file */
};

struct sl_device_arg {
	const char *name;
	enum sl_device_use use;
};

struct sl_device_driver {
	const char *name, *alias;     /* device names are one of these, followed by a number */
	struct sl_device_arg arg[13]; /* ends with an entry without a name */
	bool implied;		      /* uses something of the host even when it names nothing */
	bool char_device;	      /* its socket argument may be a character device instead */
	bool shared;		      /* several devices of one process may serve one socket */
	enum sl_device_follow follow;
	bool makes; /* the device creates its interface */
	/* Whether the device connects to its socket. It does so once, when it is
	 * opened. NULL: no. */
	bool (*connects)(const struct rte_kvargs *args);
	enum sl_device_role (*role)(const struct rte_kvargs *args);
};

enum { SL_DEVICE_DRIVERS = 10 };
extern const struct sl_device_driver sl_device_drivers[SL_DEVICE_DRIVERS];
/* In that order, then those of the enum, then NULL. */
extern const char *const sl_device_driver_names[];
enum {
	SL_DEVICE_PCI = SL_DEVICE_DRIVERS, /* "pci": any NIC by its address */
	SL_DEVICE_KERNEL,		   /* "interface": ports on kernel interfaces */
	SL_DEVICE_TAP,			   /* "tap": ports that are TAPs */
	SL_DEVICE_NAMES,
};

struct sl_device {
	char name[64]; /* "net_vhost0" */
	/* the driver with that name, as DPDK chooses it; or NULL */
	const struct sl_device_driver *driver;
	struct rte_kvargs *args; /* as the driver receives them */
	/*
	 * True when the text is in the plain notation: a known driver, a number and key=value
	 * pairs. DPDK reads other notations too, and in some of them one argument can hide another.
	 */
	bool plain;
};

/* devargs has no bus prefix. -EINVAL and *e when DPDK could not read it either. */
int sl_device_parse(struct sl_device *d, const char *devargs, struct sl_err *e);
void sl_device_fini(struct sl_device *d);

/* What the driver does with the argument of this name; SL_DEVICE_BEYOND when that is not known. */
enum sl_device_use sl_device_use(const struct sl_device *d, const char *arg);

#endif
