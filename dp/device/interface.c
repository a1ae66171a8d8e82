/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libmnl/libmnl.h>

#include "interface.h"
#include "interface_counters.h"

enum {
	MESSAGE_MAX = 32768, /* the kernel sends several messages at once */
	/* limit during a storm of changes; the rest keeps the descriptor readable */
	MESSAGES_A_READ = 256,
};

struct sl_interface_watch {
	struct mnl_socket *nl;
	sl_interface_heard heard;
	void *ctx;
};

struct sl_interface_watch *sl_interface_watch_open(void)
{
	struct sl_interface_watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (w->nl != NULL && mnl_socket_bind(w->nl, RTMGRP_LINK, MNL_SOCKET_AUTOPID) == 0)
		return w;
	sl_interface_watch_close(w);
	return NULL;
}

void sl_interface_watch_close(struct sl_interface_watch *w)
{
	if (w == NULL)
		return;
	if (w->nl != NULL)
		mnl_socket_close(w->nl);
	free(w);
}

int sl_interface_watch_fd(const struct sl_interface_watch *w)
{
	return w != NULL ? mnl_socket_get_fd(w->nl) : -1;
}

static int read_name(const struct nlattr *a, void *name)
{
	if (mnl_attr_get_type(a) == IFLA_IFNAME && mnl_attr_validate(a, MNL_TYPE_NUL_STRING) >= 0)
		*(const char **)name = mnl_attr_get_str(a);
	return MNL_CB_OK;
}

static int read_change(const struct nlmsghdr *h, void *watch)
{
	const struct sl_interface_watch *w = watch;
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(h);
	const char *name = "";

	if ((h->nlmsg_type != RTM_NEWLINK && h->nlmsg_type != RTM_DELLINK) ||
		mnl_nlmsg_get_payload_len(h) < sizeof(*ifi))
		return MNL_CB_OK;
	mnl_attr_parse(h, sizeof(*ifi), read_name, &name);
	w->heard(w->ctx, ifi->ifi_index, name, h->nlmsg_type == RTM_DELLINK);
	return MNL_CB_OK;
}

bool sl_interface_watch_read(struct sl_interface_watch *w, sl_interface_heard heard, void *ctx)
{
	_Alignas(struct nlmsghdr) char buf[MESSAGE_MAX];
	bool told = false;

	if (w == NULL)
		return false;
	w->heard = heard;
	w->ctx = ctx;
	for (unsigned int i = 0; i < MESSAGES_A_READ; i++) {
		ssize_t n = mnl_socket_recvfrom(w->nl, buf, sizeof(buf));

		if (n <= 0 && !(n < 0 && (errno == ENOBUFS || errno == EINTR)))
			break;
		told = true;
		if (n > 0)
			(void)mnl_cb_run(buf, (size_t)n, 0, 0, read_change, w);
		else if (errno == ENOBUFS)
			heard(ctx, 0, "", false);
	}
	return told;
}

static int read_attribute(const struct nlattr *a, void *out)
{
	struct sl_interface *i = out;

	switch (mnl_attr_get_type(a)) {
	case IFLA_MTU:
		if (mnl_attr_validate(a, MNL_TYPE_U32) >= 0)
			i->mtu = mnl_attr_get_u32(a);
		break;
	case IFLA_ADDRESS:
		if (mnl_attr_get_payload_len(a) != sizeof(i->mac.b))
			break;
		memcpy(i->mac.b, mnl_attr_get_payload(a), sizeof(i->mac.b));
		i->has_mac = true;
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static int read_link(const struct nlmsghdr *h, void *out)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(h);
	struct sl_interface *i = out;

	if (h->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(h) < sizeof(*ifi))
		return MNL_CB_OK;
	i->index = ifi->ifi_index;
	i->up = (ifi->ifi_flags & IFF_UP) != 0;
	i->carrier = (ifi->ifi_flags & IFF_RUNNING) != 0;
	mnl_attr_parse(h, sizeof(*ifi), read_attribute, i);
	return MNL_CB_OK;
}

static void read_counters(const struct nlattr *a, struct sl_interface_counters *c)
{
	struct rtnl_link_stats64 s = {0};
	size_t len = mnl_attr_get_payload_len(a);

	/* Kernels differ in the number of fields; the first ones are the same. */
	memcpy(&s, mnl_attr_get_payload(a), len < sizeof(s) ? len : sizeof(s));
	c->rx_packets = s.rx_packets;
	c->rx_errors = s.rx_errors;
	c->rx_dropped = s.rx_dropped;
	c->rx_missed = s.rx_missed_errors;
	c->tx_packets = s.tx_packets;
	c->tx_errors = s.tx_errors;
	c->tx_dropped = s.tx_dropped;
}

static int read_counter_attribute(const struct nlattr *a, void *out)
{
	struct sl_interface_counters *c = out;

	if (mnl_attr_get_type(a) == IFLA_STATS64)
		read_counters(a, c);
	else if (mnl_attr_get_type(a) == IFLA_IFNAME &&
		 mnl_attr_validate(a, MNL_TYPE_NUL_STRING) >= 0 &&
		 mnl_attr_get_payload_len(a) <= sizeof(c->name))
		memcpy(c->name, mnl_attr_get_str(a), mnl_attr_get_payload_len(a));
	return MNL_CB_OK;
}

static int read_counters_link(const struct nlmsghdr *h, void *out)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(h);
	struct sl_interface_counters *c = out;

	if (h->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(h) < sizeof(*ifi))
		return MNL_CB_OK;
	c->running = (ifi->ifi_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING);
	mnl_attr_parse(h, sizeof(*ifi), read_counter_attribute, c);
	return MNL_CB_OK;
}

/*
 * Ask for one interface, by its name or, without one, by its index. Calls read(h, out) with the
 * message that describes it. The kernel answers during the send call, so there is no waiting. False
 * when the request failed; a missing interface is not a failure.
 */
static bool exchange(struct mnl_socket *nl, const char *name, int index, mnl_cb_t read, void *out)
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
	if (name != NULL)
		mnl_attr_put_strz(h, IFLA_IFNAME, name);
	if (mnl_socket_sendto(nl, h, h->nlmsg_len) < 0)
		return false;
	n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
	if (n < 0)
		return false;
	return mnl_cb_run(buf, (size_t)n, 1, mnl_socket_get_portid(nl), read, out) >= 0 ||
	       errno == ENODEV;
}

static bool ask(const char *name, int index, mnl_cb_t read, void *out)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	bool known;

	if (nl == NULL)
		return false;
	known = mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == 0 &&
		exchange(nl, name, index, read, out);
	mnl_socket_close(nl);
	return known;
}

bool sl_interface_ask(const char *name, struct sl_interface *i)
{
	memset(i, 0, sizeof(*i));
	if (name[0] == '\0' || strlen(name) >= IFNAMSIZ)
		return true; /* no interface has that name */
	if (ask(name, 0, read_link, i))
		return true;
	memset(i, 0, sizeof(*i));
	return false;
}

bool sl_interface_counters(int index, struct sl_interface_counters *c)
{
	memset(c, 0, sizeof(*c));
	return index > 0 && ask(NULL, index, read_counters_link, c) && c->name[0] != '\0';
}
