/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What device strings mean to the host: one row a driver says which of its arguments name files,
 * sockets or kernel interfaces, and what the driver does to them. Drivers that are not here (those
 * of NICs, and all that start others or run programs) can do anything. Used to judge who may ask
 * for a device, and to look at its paths before the driver does.
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
	SL_DEVICE_INTERFACE, /* a kernel interface, used or made */
	SL_DEVICE_SOCKET,    /* a unix socket: sl_device_role says what is done to it */
	SL_DEVICE_READ,	     /* a file that is read */
	SL_DEVICE_WRITE,     /* a file that is made, or emptied first */
	SL_DEVICE_ECHO,	     /* a kernel interface; what the host sends there is received, too */
	SL_DEVICE_BEYOND,    /* reaches further than its value says: a pointer, a program, a wait */
};

/* Of a device's socket. */
enum sl_device_role {
	SL_DEVICE_SERVER,   /* bound at its path, and unlinked at the end */
	SL_DEVICE_CLIENT,   /* connected to */
	SL_DEVICE_ABSTRACT, /* either, by a name that is no path */
};

/* How it is known what becomes of what a device stands for. */
enum sl_device_follow {
	SL_FOLLOW_DRIVER,    /* the driver tells of its link: NICs, and sockets with a peer */
	SL_FOLLOW_INTERFACE, /* rtnetlink tells of the kernel interface that the device is on */
	SL_FOLLOW_NONE,	     /* it is all inside this process, or files */
};

struct sl_device_arg {
	const char *name;
	enum sl_device_use use;
};

struct sl_device_driver {
	const char *name, *alias;     /* devices are called so, with a number behind */
	struct sl_device_arg arg[13]; /* ends with one without a name */
	bool implied;		      /* takes something of the host even when it names nothing */
	bool char_device;	      /* its socket argument may be a character device instead */
	bool shared;		      /* several devices of one process may serve one socket */
	enum sl_device_follow follow;
	bool makes; /* its interface is there because it made it */
	/* Whether it connects to its socket, which it does once: when the device is opened. NULL:
	 * no */
	bool (*connects)(const struct rte_kvargs *args);
	enum sl_device_role (*role)(const struct rte_kvargs *args);
};

enum { SL_DEVICE_DRIVERS = 10 };
extern const struct sl_device_driver sl_device_drivers[SL_DEVICE_DRIVERS];
extern const char *const sl_device_driver_names[]; /* in that order, "pci", NULL */
#define SL_DEVICE_PCI SL_DEVICE_DRIVERS		   /* index of "pci": any NIC by its address */

struct sl_device {
	char name[64];			       /* "net_vhost0" */
	const struct sl_device_driver *driver; /* who takes that name, as DPDK has it; or NULL */
	struct rte_kvargs *args;	       /* as the driver gets them */
	/*
	 * The text says what it seems to: a known driver, a number and key=value pairs. DPDK reads
	 * more than one notation, and some of them hide arguments of one inside another.
	 */
	bool plain;
};

/* devargs without a bus in front. -EINVAL and *e when DPDK could not read them either. */
int sl_device_parse(struct sl_device *d, const char *devargs, struct sl_err *e);
void sl_device_fini(struct sl_device *d);

/* What the driver does with an argument of this name; SL_DEVICE_BEYOND when that is not known. */
enum sl_device_use sl_device_use(const struct sl_device *d, const char *arg);

#endif
