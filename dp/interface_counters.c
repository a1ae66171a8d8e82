/* SPDX-License-Identifier: BSD-3-Clause */
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include <libmnl/libmnl.h>

#include "interface_counters.h"

enum { MESSAGE_MAX = 32768 };

static void take_counters(const struct nlattr *a, struct sl_interface_counters *c)
{
	struct rtnl_link_stats64 s = {0};
	size_t len = mnl_attr_get_payload_len(a);

	/* Kernels differ in how many there are; the first ones are the same. */
	memcpy(&s, mnl_attr_get_payload(a), len < sizeof(s) ? len : sizeof(s));
	c->rx_packets = s.rx_packets;
	c->rx_errors = s.rx_errors;
	c->rx_dropped = s.rx_dropped;
	c->rx_missed = s.rx_missed_errors;
	c->tx_packets = s.tx_packets;
	c->tx_errors = s.tx_errors;
	c->tx_dropped = s.tx_dropped;
}

static int take_attribute(const struct nlattr *a, void *out)
{
	struct sl_interface_counters *c = out;

	if (mnl_attr_get_type(a) == IFLA_STATS64)
		take_counters(a, c);
	else if (mnl_attr_get_type(a) == IFLA_IFNAME &&
		 mnl_attr_validate(a, MNL_TYPE_NUL_STRING) >= 0 &&
		 mnl_attr_get_payload_len(a) <= sizeof(c->name))
		memcpy(c->name, mnl_attr_get_str(a), mnl_attr_get_payload_len(a));
	return MNL_CB_OK;
}

static int take_link(const struct nlmsghdr *h, void *out)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(h);
	struct sl_interface_counters *c = out;

	if (h->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(h) < sizeof(*ifi))
		return MNL_CB_OK;
	c->running = (ifi->ifi_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING);
	mnl_attr_parse(h, sizeof(*ifi), take_attribute, c);
	return MNL_CB_OK;
}

/* The kernel answers in the call that asks: nothing is waited for. */
static bool exchange(struct mnl_socket *nl, int index, struct sl_interface_counters *c)
{
	_Alignas(struct nlmsghdr) char buf[MESSAGE_MAX];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *ifi;
	ssize_t n;

	h->nlmsg_type = RTM_GETLINK;
	h->nlmsg_flags = NLM_F_REQUEST;
	h->nlmsg_seq = 1;
	ifi = mnl_nlmsg_put_extra_header(h, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_index = index;
	if (mnl_socket_sendto(nl, h, h->nlmsg_len) < 0)
		return false;
	n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
	return n > 0 && mnl_cb_run(buf, (size_t)n, 1, mnl_socket_get_portid(nl), take_link, c) >= 0;
}

bool sl_interface_counters(int index, struct sl_interface_counters *c)
{
	struct mnl_socket *nl;
	bool ok;

	memset(c, 0, sizeof(*c));
	if (index <= 0)
		return false;
	nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (nl == NULL)
		return false;
	ok = mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == 0 && exchange(nl, index, c) &&
	     c->name[0] != '\0';
	mnl_socket_close(nl);
	return ok;
}
