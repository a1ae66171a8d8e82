/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages of the kernel as bytes: what is read from them, and that no byte of them leads astray. */
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>
#include <libmnl/libmnl.h>

#include "ctrl/underlay/rtnl.h"

static struct {
	unsigned int neighbors, routes, lost;
	struct sl_rtnl_neighbor last;
} heard;

static void hear_neighbor(void *ctx, const struct sl_rtnl_neighbor *n)
{
	(void)ctx;
	heard.neighbors++;
	heard.last = *n;
}

static void hear_routes(void *ctx)
{
	(void)ctx;
	heard.routes++;
}

static void hear_lost(void *ctx)
{
	(void)ctx;
	heard.lost++;
}

static const struct sl_rtnl_ops ops = {
	.neighbor = hear_neighbor, .routes = hear_routes, .lost = hear_lost};

static _Alignas(struct nlmsghdr) char buf[1024];
static const uint8_t gateway[4] = {192, 0, 2, 254}, mac[6] = {2, 0, 0, 0, 0xb, 1};

static struct nlmsghdr *neighbor(uint16_t type, uint16_t state, size_t mac_len)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct ndmsg *nd;

	memset(&heard, 0, sizeof(heard));
	h->nlmsg_type = type;
	nd = mnl_nlmsg_put_extra_header(h, sizeof(*nd));
	nd->ndm_family = AF_INET;
	nd->ndm_ifindex = 7;
	nd->ndm_state = state;
	mnl_attr_put(h, NDA_DST, sizeof(gateway), gateway);
	mnl_attr_put(h, NDA_LLADDR, mac_len, mac);
	return h;
}

static void neighbor_is_heard_with_its_state_and_mac(void **state)
{
	static const struct {
		uint16_t nud;
		enum sl_rtnl_neighbor_state state;
	} cases[] = {
		{NUD_REACHABLE, SL_RTNL_VALID},
		{NUD_PERMANENT, SL_RTNL_VALID},
		{NUD_STALE, SL_RTNL_STALE},
		{NUD_DELAY, SL_RTNL_STALE},
		{NUD_PROBE, SL_RTNL_STALE},
		{NUD_FAILED, SL_RTNL_FAILED},
		{NUD_INCOMPLETE, SL_RTNL_UNKNOWN},
		{0, SL_RTNL_UNKNOWN},
	};
	uint32_t ip;

	(void)state;
	memcpy(&ip, gateway, 4);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nlmsghdr *h = neighbor(RTM_NEWNEIGH, cases[i].nud, 6);
		struct sl_ip is = sl_ip_from_v4(ip);

		sl_rtnl_read(h, h->nlmsg_len, &ops, NULL);
		assert_int_equal(heard.neighbors, 1);
		assert_int_equal(heard.last.ifindex, 7);
		assert_int_equal(heard.last.state, cases[i].state);
		assert_true(sl_ip_equal(&heard.last.ip, &is));
		assert_memory_equal(heard.last.mac.b, mac, 6);
	}
}

static void neighbor_without_a_macs_worth_of_bytes_is_not_usable(void **state)
{
	(void)state;
	for (size_t len = 0; len < 6; len++) {
		struct nlmsghdr *h = neighbor(RTM_NEWNEIGH, NUD_REACHABLE, len);

		sl_rtnl_read(h, h->nlmsg_len, &ops, NULL);
		assert_int_equal(heard.neighbors, 1);
		assert_int_equal(heard.last.state, SL_RTNL_UNKNOWN);
	}
	sl_rtnl_read(neighbor(RTM_DELNEIGH, NUD_REACHABLE, 6), ((struct nlmsghdr *)buf)->nlmsg_len,
		&ops, NULL);
	assert_int_equal(heard.last.state, SL_RTNL_UNKNOWN);
}

static struct nlmsghdr *route(uint8_t family, uint8_t type)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct rtmsg *rt;

	memset(&heard, 0, sizeof(heard));
	h->nlmsg_type = RTM_NEWROUTE;
	rt = mnl_nlmsg_put_extra_header(h, sizeof(*rt));
	rt->rtm_family = family;
	rt->rtm_type = type;
	return h;
}

static void route_is_read_with_interface_gateway_and_source(void **state)
{
	struct nlmsghdr *h = route(AF_INET, RTN_UNICAST);
	struct sl_rtnl_route r;
	struct sl_ip via;
	uint32_t ip;

	(void)state;
	memcpy(&ip, gateway, 4);
	via = sl_ip_from_v4(ip);
	mnl_attr_put_u32(h, RTA_OIF, 7);
	assert_true(sl_rtnl_read_route(h, &r));
	assert_false(r.has_via || r.has_source);
	mnl_attr_put(h, RTA_GATEWAY, 4, gateway);
	mnl_attr_put(h, RTA_PREFSRC, 4, gateway);
	assert_true(sl_rtnl_read_route(h, &r));
	assert_int_equal(r.ifindex, 7);
	assert_true(r.has_via && r.has_source && sl_ip_equal(&r.via, &via));
}

static void gateway_of_the_other_family_is_read(void **state)
{
	struct nlmsghdr *h = route(AF_INET, RTN_UNICAST);
	uint8_t bytes[2 + 16] = {AF_INET6, 0, 0xfe, 0x80};
	struct sl_rtnl_route r;

	(void)state;
	bytes[17] = 1;
	mnl_attr_put_u32(h, RTA_OIF, 7);
	mnl_attr_put(h, RTA_VIA, sizeof(bytes), bytes);
	assert_true(sl_rtnl_read_route(h, &r));
	assert_true(r.has_via && !sl_ip_is_v4(&r.via));
	assert_memory_equal(r.via.b, bytes + 2, 16);
	for (size_t len = 0; len < sizeof(bytes); len++) {
		h = route(AF_INET, RTN_UNICAST);
		mnl_attr_put_u32(h, RTA_OIF, 7);
		mnl_attr_put(h, RTA_VIA, len, bytes);
		assert_true(sl_rtnl_read_route(h, &r));
		assert_false(r.has_via);
	}
}

static void route_that_leads_nowhere_is_none(void **state)
{
	static const uint8_t types[] = {RTN_UNREACHABLE, RTN_BLACKHOLE, RTN_LOCAL, RTN_BROADCAST};
	struct sl_rtnl_route r;

	(void)state;
	for (size_t i = 0; i < sizeof(types); i++) {
		struct nlmsghdr *h = route(AF_INET, types[i]);

		mnl_attr_put_u32(h, RTA_OIF, 7);
		assert_false(sl_rtnl_read_route(h, &r));
	}
	assert_false(sl_rtnl_read_route(route(AF_INET, RTN_UNICAST), &r)); /* no interface */
}

static void change_of_a_route_or_address_is_heard_once_for_many(void **state)
{
	static const uint16_t types[] = {RTM_NEWROUTE, RTM_DELROUTE, RTM_NEWADDR, RTM_DELADDR,
		RTM_NEWNEXTHOP, RTM_NEWRULE, RTM_DELRULE};

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct nlmsghdr *h = route(AF_INET, RTN_UNICAST);
		size_t len = h->nlmsg_len;

		h->nlmsg_type = types[i];
		memcpy(buf + len, buf, len);
		sl_rtnl_read(buf, 2 * len, &ops, NULL);
		assert_int_equal(heard.routes, 1);
		assert_int_equal(heard.neighbors, 0);
	}
}

/* Exact copies, so that a sanitizer sees each byte too far. */
static void read_copy(const char *bytes, size_t len)
{
	char *copy = malloc(len);
	struct nlmsghdr *h = (void *)copy;
	struct sl_rtnl_route r;

	assert_true(copy != NULL || len == 0);
	if (len > 0)
		memcpy(copy, bytes, len);
	sl_rtnl_read(copy, len, &ops, NULL);
	if (len >= sizeof(struct nlmsghdr) && (h->nlmsg_len >= sizeof(*h) && h->nlmsg_len <= len))
		(void)sl_rtnl_read_route(h, &r);
	free(copy);
}

static void message_cut_at_any_length_or_changed_in_any_byte_is_harmless(void **state)
{
	char whole[1024];

	(void)state;
	for (unsigned int kind = 0; kind < 2; kind++) {
		struct nlmsghdr *h = kind == 0 ? neighbor(RTM_NEWNEIGH, NUD_REACHABLE, 6)
					       : route(AF_INET, RTN_UNICAST);
		size_t len;

		if (kind == 1) {
			mnl_attr_put_u32(h, RTA_OIF, 7);
			mnl_attr_put(h, RTA_GATEWAY, 4, gateway);
		}
		len = h->nlmsg_len;
		memcpy(whole, buf, len);
		for (size_t cut = 0; cut <= len; cut++)
			read_copy(whole, cut);
		for (size_t at = 0; at < len; at++)
			for (unsigned int v = 0; v < 256; v++) {
				char was = whole[at];

				whole[at] = (char)v;
				read_copy(whole, len);
				whole[at] = was;
			}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neighbor_is_heard_with_its_state_and_mac),
		cmocka_unit_test(neighbor_without_a_macs_worth_of_bytes_is_not_usable),
		cmocka_unit_test(route_is_read_with_interface_gateway_and_source),
		cmocka_unit_test(gateway_of_the_other_family_is_read),
		cmocka_unit_test(route_that_leads_nowhere_is_none),
		cmocka_unit_test(change_of_a_route_or_address_is_heard_once_for_many),
		cmocka_unit_test(message_cut_at_any_length_or_changed_in_any_byte_is_harmless),
	};

	return cmocka_run_group_tests_name("rtnl", tests, NULL, NULL);
}
