/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads messages of the kernel. Every length is checked before it is used. */
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "rtnl_impl.h"

/* The states in which the kernel itself sends to the entry's MAC without asking first. */
#define NUD_GOOD (NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE)
/* It still sends to the MAC, and asks. */
#define NUD_OLD (NUD_STALE | NUD_DELAY | NUD_PROBE)

/* An address of the family, from bytes that may be too few or too many. */
static bool read_ip(uint8_t family, const void *bytes, size_t len, struct sl_ip *ip)
{
	uint32_t v4;

	if (family == AF_INET && len == sizeof(v4)) {
		memcpy(&v4, bytes, sizeof(v4));
		*ip = sl_ip_from_v4(v4);
		return true;
	}
	if (family == AF_INET6 && len == sizeof(ip->b)) {
		memcpy(ip->b, bytes, sizeof(ip->b));
		return true;
	}
	return false;
}

struct route_attributes {
	uint8_t family;
	struct sl_rtnl_route *route;
};

static int read_route_attribute(const struct nlattr *a, void *ctx)
{
	const struct route_attributes *x = ctx;
	const void *p = mnl_attr_get_payload(a);
	size_t len = mnl_attr_get_payload_len(a);
	struct rtvia via;

	switch (mnl_attr_get_type(a)) {
	case RTA_OIF:
		if (mnl_attr_validate(a, MNL_TYPE_U32) >= 0)
			x->route->ifindex = (int)mnl_attr_get_u32(a);
		break;
	case RTA_GATEWAY:
		x->route->has_via = read_ip(x->family, p, len, &x->route->via);
		break;
	case RTA_VIA: /* a gateway of the other family */
		if (len < sizeof(via))
			break;
		memcpy(&via, p, sizeof(via));
		x->route->has_via = read_ip((uint8_t)via.rtvia_family,
			(const char *)p + offsetof(struct rtvia, rtvia_addr),
			len - offsetof(struct rtvia, rtvia_addr), &x->route->via);
		break;
	case RTA_PREFSRC:
		x->route->has_source = read_ip(x->family, p, len, &x->route->source);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

bool sl_rtnl_read_route(const struct nlmsghdr *h, struct sl_rtnl_route *route)
{
	const struct rtmsg *rt = mnl_nlmsg_get_payload(h);
	struct route_attributes x = {.route = route};

	memset(route, 0, sizeof(*route));
	if (h->nlmsg_type != RTM_NEWROUTE || mnl_nlmsg_get_payload_len(h) < sizeof(*rt) ||
		rt->rtm_type != RTN_UNICAST)
		return false;
	x.family = rt->rtm_family;
	mnl_attr_parse(h, sizeof(*rt), read_route_attribute, &x);
	return route->ifindex > 0;
}

static int read_neighbor_attribute(const struct nlattr *a, void *ctx)
{
	struct sl_rtnl_neighbor *n = ctx;
	const void *p = mnl_attr_get_payload(a);
	size_t len = mnl_attr_get_payload_len(a);

	if (mnl_attr_get_type(a) == NDA_DST && !read_ip(AF_INET, p, len, &n->ip) &&
		!read_ip(AF_INET6, p, len, &n->ip))
		n->ifindex = 0;
	/* A MAC of another length is that of another kind of link. */
	if (mnl_attr_get_type(a) == NDA_LLADDR && len == sizeof(n->mac.b))
		memcpy(n->mac.b, p, sizeof(n->mac.b));
	return MNL_CB_OK;
}

static enum sl_rtnl_neighbor_state state_of(const struct nlmsghdr *h, const struct ndmsg *nd)
{
	if (h->nlmsg_type == RTM_DELNEIGH)
		return SL_RTNL_UNKNOWN;
	if (nd->ndm_state & NUD_GOOD)
		return SL_RTNL_VALID;
	if (nd->ndm_state & NUD_OLD)
		return SL_RTNL_STALE;
	return nd->ndm_state & NUD_FAILED ? SL_RTNL_FAILED : SL_RTNL_UNKNOWN;
}

/* False for a MAC that no host has. */
static bool is_a_hosts(const struct sl_mac *mac)
{
	static const struct sl_mac none;

	return (mac->b[0] & 1) == 0 && !sl_mac_equal(mac, &none);
}

bool sl_rtnl_read_neighbor(const struct nlmsghdr *h, struct sl_rtnl_neighbor *n)
{
	const struct ndmsg *nd = mnl_nlmsg_get_payload(h);

	memset(n, 0, sizeof(*n));
	if ((h->nlmsg_type != RTM_NEWNEIGH && h->nlmsg_type != RTM_DELNEIGH) ||
		mnl_nlmsg_get_payload_len(h) < sizeof(*nd) ||
		(nd->ndm_family != AF_INET && nd->ndm_family != AF_INET6))
		return false;
	n->ifindex = nd->ndm_ifindex;
	n->state = state_of(h, nd);
	mnl_attr_parse(h, sizeof(*nd), read_neighbor_attribute, n);
	if (n->state >= SL_RTNL_STALE && !is_a_hosts(&n->mac))
		n->state = SL_RTNL_UNKNOWN;
	return n->ifindex > 0 && (n->ip.q[0] != 0 || n->ip.q[1] != 0);
}

/* libmnl takes a length above 2^31 for a negative one, which fits everywhere. */
bool sl_rtnl_is_whole(const void *buf, size_t len)
{
	size_t at = 0;

	while (at < len) {
		struct nlmsghdr h;

		if (len - at < sizeof(h))
			return false;
		memcpy(&h, (const char *)buf + at, sizeof(h));
		if (h.nlmsg_len < sizeof(h) || h.nlmsg_len > len - at)
			return false;
		at += NLMSG_ALIGN((size_t)h.nlmsg_len);
	}
	return true;
}

struct reader {
	const struct sl_rtnl_ops *ops;
	void *ctx;
	bool routes;
};

static int read_message(const struct nlmsghdr *h, void *ctx)
{
	struct reader *r = ctx;
	struct sl_rtnl_neighbor n;

	switch (h->nlmsg_type) {
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		if (sl_rtnl_read_neighbor(h, &n))
			r->ops->neighbor(r->ctx, &n);
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
	case RTM_NEWADDR:
	case RTM_DELADDR:
	case RTM_NEWNEXTHOP:
	case RTM_DELNEXTHOP:
	case RTM_NEWRULE:
	case RTM_DELRULE:
		r->routes = true;
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

void sl_rtnl_read(const void *buf, size_t len, const struct sl_rtnl_ops *ops, void *ctx)
{
	struct reader r = {.ops = ops, .ctx = ctx};

	if (!sl_rtnl_is_whole(buf, len))
		return;
	(void)mnl_cb_run(buf, len, 0, 0, read_message, &r);
	if (r.routes)
		ops->routes(ctx);
}
