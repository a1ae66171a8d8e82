/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests to the kernel, and its answers. rtnl_read.c reads the messages. */
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "rtnl_impl.h"

enum {
	MESSAGE_MAX = 32768,   /* the kernel sends several messages at once */
	HEARD_BYTES = 1 << 20, /* of events that wait to be read */
	READS_AT_A_TIME = 256,
};

struct sl_rtnl {
	struct mnl_socket *asks, *hears;
	bool listens;
	uint32_t seq;
};

void sl_rtnl_close(struct sl_rtnl *r)
{
	if (r == NULL)
		return;
	if (r->asks != NULL)
		mnl_socket_close(r->asks);
	if (r->hears != NULL)
		mnl_socket_close(r->hears);
	free(r);
}

static struct mnl_socket *open_socket(void)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (nl != NULL && mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == 0)
		return nl;
	if (nl != NULL)
		mnl_socket_close(nl);
	return NULL;
}

struct sl_rtnl *sl_rtnl_open(void)
{
	struct sl_rtnl *r = calloc(1, sizeof(*r));
	int room = HEARD_BYTES;

	if (r == NULL)
		return NULL;
	r->asks = open_socket();
	r->hears = r->asks != NULL ? open_socket() : NULL;
	if (r->hears == NULL) {
		sl_rtnl_close(r);
		return NULL;
	}
	(void)setsockopt(mnl_socket_get_fd(r->hears), SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	return r;
}

void *sl_rtnl_begin(struct sl_rtnl_request *q, uint16_t type, uint16_t flags, size_t body)
{
	q->h = mnl_nlmsg_put_header(q->buf);
	q->h->nlmsg_type = type;
	q->h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	return mnl_nlmsg_put_extra_header(q->h, body);
}

int sl_rtnl_exchange(struct sl_rtnl *r, struct sl_rtnl_request *q, mnl_cb_t read, void *ctx)
{
	_Alignas(struct nlmsghdr) char buf[MESSAGE_MAX];
	ssize_t n;

	q->h->nlmsg_seq = ++r->seq;
	if (mnl_socket_sendto(r->asks, q->h, q->h->nlmsg_len) < 0)
		return -errno;
	/* An answer to an earlier request, which was given up, has another number. */
	while ((n = mnl_socket_recvfrom(r->asks, buf, sizeof(buf))) >= 0) {
		if (!sl_rtnl_is_whole(buf, (size_t)n))
			return -EBADMSG;
		if (mnl_cb_run(buf, (size_t)n, q->h->nlmsg_seq, mnl_socket_get_portid(r->asks),
			    read, ctx) >= 0)
			return 0;
		if (errno != ESRCH && errno != EPROTO)
			return -errno;
	}
	return -errno;
}

static void put_ip(struct nlmsghdr *h, uint16_t type, const struct sl_ip *ip)
{
	if (sl_ip_is_v4(ip))
		mnl_attr_put(h, type, 4, &ip->w_be[3]);
	else
		mnl_attr_put(h, type, 16, ip->b);
}

static uint8_t family_of(const struct sl_ip *ip)
{
	return sl_ip_is_v4(ip) ? AF_INET : AF_INET6;
}

struct route_answer {
	struct sl_rtnl_route *route;
	bool found;
};

static int read_route_answer(const struct nlmsghdr *h, void *ctx)
{
	struct route_answer *a = ctx;

	a->found = sl_rtnl_read_route(h, a->route);
	return MNL_CB_STOP;
}

int sl_rtnl_route(struct sl_rtnl *r, const struct sl_ip *to, struct sl_rtnl_route *route)
{
	struct route_answer a = {.route = route};
	struct sl_rtnl_request q;
	struct rtmsg *rt = sl_rtnl_begin(&q, RTM_GETROUTE, 0, sizeof(*rt));
	int ret;

	rt->rtm_family = family_of(to);
	rt->rtm_dst_len = sl_ip_is_v4(to) ? 32 : 128;
	put_ip(q.h, RTA_DST, to);
	ret = sl_rtnl_exchange(r, &q, read_route_answer, &a);
	return ret != 0 ? ret : a.found ? 0 : -ENETUNREACH;
}

static int read_neighbor_answer(const struct nlmsghdr *h, void *ctx)
{
	(void)sl_rtnl_read_neighbor(h, ctx);
	return MNL_CB_STOP;
}

void sl_rtnl_neighbor(
	struct sl_rtnl *r, int ifindex, const struct sl_ip *ip, struct sl_rtnl_neighbor *n)
{
	struct sl_rtnl_request q;
	struct ndmsg *nd = sl_rtnl_begin(&q, RTM_GETNEIGH, 0, sizeof(*nd));

	nd->ndm_family = family_of(ip);
	nd->ndm_ifindex = ifindex;
	put_ip(q.h, NDA_DST, ip);
	*n = (struct sl_rtnl_neighbor){.ifindex = ifindex, .ip = *ip, .state = SL_RTNL_UNKNOWN};
	if (sl_rtnl_exchange(r, &q, read_neighbor_answer, n) != 0)
		n->state = SL_RTNL_UNKNOWN;
}

/* NTF_USE: as if a packet of the host wanted the entry now. */
int sl_rtnl_resolve(struct sl_rtnl *r, int ifindex, const struct sl_ip *ip)
{
	struct sl_rtnl_request q;
	struct ndmsg *nd = sl_rtnl_begin(&q, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_ACK, sizeof(*nd));

	nd->ndm_family = family_of(ip);
	nd->ndm_ifindex = ifindex;
	nd->ndm_flags = NTF_USE;
	put_ip(q.h, NDA_DST, ip);
	return sl_rtnl_exchange(r, &q, NULL, NULL);
}

static int change_address(struct sl_rtnl *r, uint16_t type, uint16_t flags, int ifindex,
	const struct sl_prefix *address)
{
	bool v4 = sl_ip_is_v4(&address->ip);
	struct sl_rtnl_request q;
	struct ifaddrmsg *ifa =
		sl_rtnl_begin(&q, type, (uint16_t)(NLM_F_ACK | flags), sizeof(*ifa));

	ifa->ifa_family = family_of(&address->ip);
	ifa->ifa_prefixlen = v4 ? (uint8_t)(address->len - 96) : address->len;
	ifa->ifa_index = (uint32_t)ifindex;
	ifa->ifa_flags = v4 ? 0 : IFA_F_NODAD; /* the configuration says whose it is */
	put_ip(q.h, IFA_LOCAL, &address->ip);
	put_ip(q.h, IFA_ADDRESS, &address->ip);
	return sl_rtnl_exchange(r, &q, NULL, NULL);
}

int sl_rtnl_address_put(struct sl_rtnl *r, int ifindex, const struct sl_prefix *address)
{
	return change_address(r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, ifindex, address);
}

int sl_rtnl_address_del(struct sl_rtnl *r, int ifindex, const struct sl_prefix *address)
{
	return change_address(r, RTM_DELADDR, 0, ifindex, address);
}

static struct ifinfomsg *begin_link(struct sl_rtnl_request *q, uint16_t type, int ifindex)
{
	struct ifinfomsg *ifi = sl_rtnl_begin(q, type, NLM_F_ACK, sizeof(*ifi));

	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_index = ifindex;
	return ifi;
}

int sl_rtnl_link_mac(struct sl_rtnl *r, int ifindex, const struct sl_mac *mac)
{
	struct sl_rtnl_request q;

	begin_link(&q, RTM_NEWLINK, ifindex);
	mnl_attr_put(q.h, IFLA_ADDRESS, sizeof(mac->b), mac->b);
	return sl_rtnl_exchange(r, &q, NULL, NULL);
}

int sl_rtnl_link_mtu(struct sl_rtnl *r, int ifindex, uint32_t mtu)
{
	struct sl_rtnl_request q;

	begin_link(&q, RTM_NEWLINK, ifindex);
	mnl_attr_put_u32(q.h, IFLA_MTU, mtu);
	return sl_rtnl_exchange(r, &q, NULL, NULL);
}

int sl_rtnl_link_carrier(struct sl_rtnl *r, int ifindex, bool carrier)
{
	struct sl_rtnl_request q;

	begin_link(&q, RTM_NEWLINK, ifindex);
	mnl_attr_put_u8(q.h, IFLA_CARRIER, carrier);
	return sl_rtnl_exchange(r, &q, NULL, NULL);
}

int sl_rtnl_link_del(struct sl_rtnl *r, int ifindex)
{
	struct sl_rtnl_request q;

	begin_link(&q, RTM_DELLINK, ifindex);
	return sl_rtnl_exchange(r, &q, NULL, NULL);
}

int sl_rtnl_listen(struct sl_rtnl *r)
{
	static const unsigned int groups[] = {RTNLGRP_NEIGH, RTNLGRP_IPV4_ROUTE,
		RTNLGRP_IPV4_IFADDR, RTNLGRP_NEXTHOP, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_ROUTE,
		RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_RULE};

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]) && !r->listens; i++)
		if (mnl_socket_setsockopt(r->hears, NETLINK_ADD_MEMBERSHIP,
			    (void *)(uintptr_t)&groups[i], sizeof(groups[i])) < 0)
			return -errno;
	r->listens = true;
	return 0;
}

int sl_rtnl_fd(const struct sl_rtnl *r)
{
	return mnl_socket_get_fd(r->hears);
}

void sl_rtnl_hear(struct sl_rtnl *r, const struct sl_rtnl_ops *ops, void *ctx)
{
	_Alignas(struct nlmsghdr) char buf[MESSAGE_MAX];

	for (unsigned int i = 0; i < READS_AT_A_TIME; i++) {
		ssize_t n = mnl_socket_recvfrom(r->hears, buf, sizeof(buf));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ENOBUFS)
			ops->lost(ctx);
		else if (n <= 0)
			return;
		else
			sl_rtnl_read(buf, (size_t)n, ops, ctx);
	}
}
