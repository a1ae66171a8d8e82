/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports: devices through which packets enter and leave. Threads: control. */
#ifndef SL_CTRL_OBJECTS_PORTS_H
#define SL_CTRL_OBJECTS_PORTS_H

#include "ctrl/model/collection.h"

enum sl_role { SL_ROLE_ACCESS, SL_ROLE_UNDERLAY };

#define SL_PORT_ADDRESSES_MAX 64
/* Room for the name of a port that sluice makes for the host: "host/ENDPOINT" or "PORT/host". */
#define SL_HOST_PORT_LEN (SL_NAME_LEN + 8)

struct sl_port_tap {
	char *name, *netns; /* netns NULL: the daemon's own */
};

/* Off: the device does not use it, even if it could. */
struct sl_port_offloads {
	bool tso, uso, checksum, udp_gso, gro;
};

struct sl_port_obj {
	struct sl_object o;
	const char *name;
	uint32_t role; /* enum sl_role */
	/* what it is of: one of these three */
	char *devargs, *interface;
	bool has_tap;
	struct sl_port_tap tap;
	bool has_offloads; /* false: all are on */
	struct sl_port_offloads offloads;
	uint32_t queues;      /* receive queues, default 1 */
	uint32_t descriptors; /* a queue, default 1024 */
	uint32_t mtu;	      /* largest IP packet; 0 (absent): the device's own */
	bool has_mac;
	struct sl_mac mac;
	uint32_t vlan;		  /* underlay only; 0: none */
	struct sl_list addresses; /* struct sl_prefix (interface addresses); underlay only */
	struct sl_list workers;	  /* uint32_t worker index of each queue; empty: spread */
	bool has_host_tap;	  /* underlay only */
	struct sl_port_host_tap {
		char *name; /* of the TAP that has what is the host's on this wire */
	} host_tap;
};

/* The kernel's counters of the interface that a port's device uses. */
struct sl_port_kernel {
	char *interface;
	uint64_t rx_packets, rx_errors, rx_dropped, rx_missed;
	uint64_t tx_packets, tx_errors, tx_dropped;
};

/* The reported fields. has_state: the port is open or opening. */
struct sl_port_reported {
	bool has_state;
	char *driver;
	uint32_t state; /* enum sl_port_condition */
	char *state_reason, *since;
	bool link_up;
	uint32_t mtu_now;
	struct sl_mac mac_now;
	struct sl_list workers_now;  /* uint32_t */
	struct sl_list offloads_now; /* uint32_t, index in the names */
	bool has_numa, numa_far;
	bool has_buffers; /* of its own */
	uint32_t buffers, buffers_free;
	uint32_t numa_node;
	bool has_kernel;
	struct sl_port_kernel kernel;
	bool has_host_state;
	uint32_t host_state; /* enum sl_port_condition, of its host TAP */
	char *host_state_reason;
};

extern const struct sl_shape sl_shape_port, sl_shape_port_reported;

/*
 * The port's device as one text, which the engine's drivers know: its devargs, "interface=NAME",
 * "tap=NAME" or "tap=NAME/PATH". buf is used when the port has no devargs.
 */
#define SL_PORT_TEXT_MAX 192
const char *sl_port_text(const struct sl_port_obj *p, char buf[SL_PORT_TEXT_MAX]);
/* "devargs", "interface" or "tap" */
const char *sl_port_device_field(const struct sl_port_obj *p);
bool sl_port_same_device(const struct sl_port_obj *a, const struct sl_port_obj *b);
/* Bits of enum sl_offload. */
unsigned int sl_port_offloads(const struct sl_port_obj *p);

struct sl_devices_conf;
extern const struct sl_shape sl_shape_devices;

/*
 * May a caller who is not root make a port of this device? 0, or -EPERM with *e. A device that
 * names nothing of the host needs no entry in *c. A device that can do more than its arguments say
 * is for root only. c NULL: no entries. It looks at the file system. The answer stays true, because
 * only root can change the directories that it depends on. In ports_rights.c.
 */
int sl_devices_check(const struct sl_devices_conf *c, const char *devargs, struct sl_err *e);
/* The same for a port, whatever it is of. */
int sl_port_rights(const struct sl_devices_conf *c, const struct sl_port_obj *p, struct sl_err *e);

/* An index in workers.cores; of the configured list and the reported one. ports_report.c */
extern const struct sl_field sl_port_worker_field;
/* sl_collection.report; ports_report.c */
void sl_port_report(const struct sl_report_ctx *ctx, const struct sl_object *o, void *reported);

/* The port that the object refers to, if any, has role underlay: 0, or -errno with *e. */
int sl_check_underlay_port(
	const struct sl_check *c, const struct sl_collection *coll, struct sl_err *e);

/* No two ports on one device, kernel interface, socket or written file; ports_devices.c. */
int sl_port_device_rule(const struct sl_store *s, const struct sl_object *o, struct sl_err *e);
/* The device of a host endpoint's TAP, as text for the engine; ports_host.c. */
#define SL_HOST_DEVARGS_LEN 32
const char *sl_host_devargs(const char *tap, char buf[SL_HOST_DEVARGS_LEN]);
/* May a caller who is not root make a TAP of that name for the host, or give it addresses? field: of
 * the object, for the error. ports_host.c */
int sl_host_rights(
	const struct sl_devices_conf *c, const char *tap, const char *field, struct sl_err *e);
/* The host TAP's shape, and the rule about its name; ports_host.c. */
extern const struct sl_shape sl_shape_port_host_tap;
int sl_port_host_rule(const struct sl_store *s, const struct sl_object *o, struct sl_err *e);
/* The name of its port, "PORT/host". ports_host.c */
const char *sl_port_host_name(const struct sl_port_obj *p, char buf[SL_HOST_PORT_LEN]);
/* True when the port is on the kernel interface of that name, or makes it. */
bool sl_port_takes_interface(const struct sl_port_obj *p, const char *name);
/* The same without its host TAP; ports_devices.c. */
bool sl_port_device_takes(const struct sl_port_obj *p, const char *name);
/* The reported fields of its host TAP; ports_host.c. */
void sl_port_host_report(
	const struct sl_report_ctx *ctx, const struct sl_port_obj *p, struct sl_port_reported *r);
/* No object that means another host has an address of the port; ports_addresses.c. */
int sl_port_address_rule(const struct sl_store *s, const struct sl_object *o, struct sl_err *e);

#endif
