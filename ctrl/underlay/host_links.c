/* SPDX-License-Identifier: BSD-3-Clause */
#include "host_links.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/shape/shape.h"
#include "dp/device/interface.h"

static struct sl_host_link *find(const struct sl_host_links *h, uint16_t port)
{
	struct sl_host_link *l = h->first;

	while (l != NULL && l->port != port)
		l = l->next;
	return l;
}

const struct sl_host_link *sl_host_link_of_wire(const struct sl_host_links *h, uint16_t wire)
{
	const struct sl_host_link *l = h->first;

	while (l != NULL && l->follows != wire)
		l = l->next;
	return l;
}

const struct sl_host_link *sl_host_link_of_index(const struct sl_host_links *h, int ifindex)
{
	const struct sl_host_link *l = h->first;

	while (l != NULL && (l->ifindex != ifindex || l->follows == SL_PORT_NONE))
		l = l->next;
	return l;
}

/* Reports the first failure since the link was put. */
static void note(struct sl_host_links *h, struct sl_host_link *l, const char *what, int ret)
{
	char text[200];

	if (ret == 0 || l->told)
		return;
	l->told = true;
	snprintf(text, sizeof(text), "interface %s of the host does not take %s: %s", l->name, what,
		strerror(-ret));
	h->log(text);
}

static bool has_address(const struct sl_prefix *list, size_t n, const struct sl_prefix *a)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].len == a->len && sl_ip_equal(&list[i].ip, &a->ip))
			return true;
	return false;
}

static void remove_addresses(const struct sl_host_links *h, const struct sl_host_link *l,
	const struct sl_host_link_params *p)
{
	for (size_t i = 0; i < l->n_addresses && l->ifindex != 0; i++)
		if (!has_address(p->addresses, p->n_addresses, &l->address[i]))
			(void)sl_rtnl_address_del(h->rtnl, l->ifindex, &l->address[i]);
}

static void unmute(const struct sl_host_links *h, struct sl_host_link *l)
{
	if (l->muted != 0)
		(void)sl_rtnl_unmute(h->rtnl, l->muted);
	l->muted = 0;
}

static void delete_interface(const struct sl_host_links *h, const struct sl_host_link *l)
{
	if (l->follows != SL_PORT_NONE && l->ifindex != 0)
		(void)sl_rtnl_link_del(h->rtnl, l->ifindex);
}

void sl_host_links_put(struct sl_host_links *h, const struct sl_host_link_params *p)
{
	struct sl_host_link *l = find(h, p->port);

	if (l != NULL && strcmp(l->name, p->name) != 0) {
		sl_host_links_del(h, p->port);
		l = NULL;
	}
	if (l == NULL) {
		l = calloc(1, sizeof(*l));
		if (l == NULL)
			abort();
		l->port = p->port;
		l->follows = p->follows;
		snprintf(l->name, sizeof(l->name), "%s", p->name);
		l->next = h->first;
		h->first = l;
		h->n_following += l->follows != SL_PORT_NONE;
	}
	remove_addresses(h, l, p);
	l->n_addresses =
		p->n_addresses < SL_HOST_ADDRESSES_MAX ? p->n_addresses : SL_HOST_ADDRESSES_MAX;
	if (l->n_addresses > 0)
		memcpy(l->address, p->addresses, l->n_addresses * sizeof(l->address[0]));
	l->given = false;
	l->told = false;
	h->dirty = true;
}

void sl_host_links_del(struct sl_host_links *h, uint16_t port)
{
	struct sl_host_link **at = &h->first, *l;

	while (*at != NULL && (*at)->port != port)
		at = &(*at)->next;
	l = *at;
	if (l == NULL)
		return;
	*at = l->next;
	h->n_following -= l->follows != SL_PORT_NONE;
	unmute(h, l);
	delete_interface(h, l);
	free(l);
}

static void give_addresses(struct sl_host_links *h, struct sl_host_link *l, int ifindex)
{
	l->given = true;
	for (size_t i = 0; i < l->n_addresses; i++) {
		int ret = sl_rtnl_address_put(h->rtnl, ifindex, &l->address[i]);
		char what[32 + SL_PREFIX_STR_LEN], text[SL_PREFIX_STR_LEN];

		snprintf(what, sizeof(what), "address %s", sl_format_prefix(&l->address[i], text));
		note(h, l, what, ret);
		l->given = l->given && ret == 0;
	}
}

static bool is_open(enum sl_port_condition c)
{
	return c == SL_PORT_IS_UP || c == SL_PORT_IS_DOWN;
}

/* The wire is open. It may be on another interface than before, which the kernel has back then. */
static void mute(struct sl_host_links *h, struct sl_host_link *l)
{
	int ifindex = sl_port_ifindex(h->engine, l->follows), ret;

	if (ifindex == l->muted)
		return;
	unmute(h, l);
	if (ifindex == 0)
		return;
	ret = sl_rtnl_mute(h->rtnl, ifindex);
	note(h, l,
		"its wire for itself alone (CAP_NET_ADMIN and CAP_BPF do that), so packets come "
		"twice",
		ret);
	if (ret == 0)
		l->muted = ifindex;
}

/* What the wire has. */
static void follow(
	struct sl_host_links *h, struct sl_host_link *l, const struct sl_interface *i, bool is_new)
{
	const struct sl_port_dp *wire = sl_port_dp(h->engine, l->follows);
	struct sl_port_info info;

	if (wire == NULL)
		return;
	sl_port_info(h->engine, l->follows, &info);
	if (is_open(info.condition))
		mute(h, l);
	if (info.condition == SL_PORT_IS_UP && (!i->has_mac || !sl_mac_equal(&i->mac, &wire->mac)))
		note(h, l, "the MAC of its port", sl_rtnl_link_mac(h->rtnl, i->index, &wire->mac));
	if (i->mtu != wire->mtu)
		note(h, l, "the MTU of its port", sl_rtnl_link_mtu(h->rtnl, i->index, wire->mtu));
	if (is_new || l->carrier != info.link_up)
		note(h, l, "a carrier", sl_rtnl_link_carrier(h->rtnl, i->index, info.link_up));
	l->carrier = info.link_up;
}

/* True when the port has its device, so that the interface of that name is the port's. */
static bool has_device(const struct sl_host_links *h, const struct sl_host_link *l)
{
	struct sl_port_info info;

	sl_port_info(h->engine, l->port, &info);
	return is_open(info.condition);
}

/* True: the interface is a new one. */
static bool look(struct sl_host_links *h, struct sl_host_link *l)
{
	struct sl_interface i;
	bool is_new;

	if (!has_device(h, l) || !sl_interface_ask(l->name, &i))
		i.index = 0;
	is_new = i.index != 0 && i.index != l->ifindex;
	l->ifindex = i.index;
	if (i.index == 0)
		return false;
	if (l->follows != SL_PORT_NONE)
		follow(h, l, &i, is_new);
	if (is_new || !l->given)
		give_addresses(h, l, i.index);
	return is_new && l->follows != SL_PORT_NONE;
}

bool sl_host_links_turn(struct sl_host_links *h, uint32_t tick)
{
	bool all = h->dirty, any_new = false;

	if (h->first == NULL || h->rtnl == NULL)
		return false;
	if (!all && tick - h->looked < SL_TICKS_PER_SECOND)
		return false;
	h->dirty = false;
	h->looked = tick;
	for (struct sl_host_link *l = h->first; l != NULL; l = l->next)
		if (all || l->ifindex == 0 || !l->given)
			any_new |= look(h, l);
	return any_new;
}

void sl_host_links_fini(struct sl_host_links *h)
{
	while (h->first != NULL) {
		struct sl_host_link *l = h->first;

		h->first = l->next;
		free(l);
	}
	sl_rtnl_close(h->rtnl);
	h->rtnl = NULL;
}
