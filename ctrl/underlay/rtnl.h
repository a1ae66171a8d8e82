/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the control thread asks of the host's kernel, and hears from it: routes, neighbours,
 * addresses and interfaces, by rtnetlink(7). All of it is about the namespace of the caller. The
 * kernel answers during the call, so there is no waiting.
 *
 * Messages of the kernel are checked like those of anybody else: lengths first.
 * Threads: control.
 */
#ifndef SL_CTRL_UNDERLAY_RTNL_H
#define SL_CTRL_UNDERLAY_RTNL_H

#include "sluice/types.h"

struct nlmsghdr;
struct sl_rtnl;

/* NULL: out of memory, or there is no netlink. */
struct sl_rtnl *sl_rtnl_open(void);
void sl_rtnl_close(struct sl_rtnl *r); /* accepts NULL */

/* Where packets to an address go. */
struct sl_rtnl_route {
	int ifindex;
	bool has_via; /* false: the address is on the link */
	struct sl_ip via;
	bool has_source; /* the host's own address for it */
	struct sl_ip source;
};
/* 0, or -errno: the host has no way to the address. */
int sl_rtnl_route(struct sl_rtnl *r, const struct sl_ip *to, struct sl_rtnl_route *route);

enum sl_rtnl_neighbor_state {
	SL_RTNL_UNKNOWN, /* no entry, or the kernel looks for it */
	SL_RTNL_FAILED,
	SL_RTNL_STALE, /* was right some time ago */
	SL_RTNL_VALID,
};

struct sl_rtnl_neighbor {
	int ifindex;
	struct sl_ip ip;
	enum sl_rtnl_neighbor_state state;
	struct sl_mac mac; /* STALE, VALID */
};
/* What the kernel knows now. */
void sl_rtnl_neighbor(
	struct sl_rtnl *r, int ifindex, const struct sl_ip *ip, struct sl_rtnl_neighbor *n);
/* The kernel is to find out. 0 or -errno. */
int sl_rtnl_resolve(struct sl_rtnl *r, int ifindex, const struct sl_ip *ip);

/* Each of these: 0 or -errno. */
int sl_rtnl_address_put(struct sl_rtnl *r, int ifindex, const struct sl_prefix *address);
int sl_rtnl_address_del(struct sl_rtnl *r, int ifindex, const struct sl_prefix *address);
int sl_rtnl_link_mac(struct sl_rtnl *r, int ifindex, const struct sl_mac *mac);
int sl_rtnl_link_mtu(struct sl_rtnl *r, int ifindex, uint32_t mtu);
int sl_rtnl_link_carrier(struct sl_rtnl *r, int ifindex, bool carrier);
int sl_rtnl_link_del(struct sl_rtnl *r, int ifindex);
/*
 * The kernel's own stack no longer gets packets of the interface; packet sockets do. It gets them
 * again after unmute. Both survive this process.
 */
int sl_rtnl_mute(struct sl_rtnl *r, int ifindex);
int sl_rtnl_unmute(struct sl_rtnl *r, int ifindex);

/* What has changed. Nothing is heard before listen. */
struct sl_rtnl_ops {
	void (*neighbor)(void *ctx, const struct sl_rtnl_neighbor *n);
	void (*routes)(void *ctx); /* a route, a rule or an address; ask again for all */
	void (*lost)(void *ctx);   /* messages were lost: ask again for everything */
};
/* Begins to hear of changes. Calling it again does no harm. 0 or -errno. */
int sl_rtnl_listen(struct sl_rtnl *r);
/* Readable when there is something to hear. */
int sl_rtnl_fd(const struct sl_rtnl *r);
/* Reads what is there, at most 256 messages. */
void sl_rtnl_hear(struct sl_rtnl *r, const struct sl_rtnl_ops *ops, void *ctx);

/* Reads messages; len bytes of untrusted input. For tests, and what hear does. */
void sl_rtnl_read(const void *buf, size_t len, const struct sl_rtnl_ops *ops, void *ctx);
/* False: the message says no way. */
bool sl_rtnl_read_route(const struct nlmsghdr *h, struct sl_rtnl_route *route);

#endif
