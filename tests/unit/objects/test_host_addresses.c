/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses and MACs that no host can have are refused in every field that is for a host's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "ctrl/model/config.h"

/* What no host can have, in each field that is for a host's address or MAC. */
static const char *const addresses[] = {"0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.5",
	"255.255.255.255", "240.0.0.1", "::", "::1", "ff02::1"};
static const char *const macs[] = {
	"00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "33:33:00:00:00:01"};

static const struct {
	const char *format, *path;
	bool is_mac, is_prefix;
} fields[] = {
	{"{\"node\":{\"name\":\"a\",\"tunnel_addresses\":[\"192.0.2.1\",\"%s\"]}}",
		"node.tunnel_addresses[1]", false, false},
	{"{\"nodes\":[{\"name\":\"b\",\"address\":\"%s\"}]}", "nodes[0].address", false, false},
	{"{\"ports\":[{\"name\":\"u\",\"role\":\"underlay\",\"devargs\":\"net_null0\","
	 "\"addresses\":"
	 "[\"%s\"]}]}",
		"ports[0].addresses[0]", false, true},
	{"{\"neighbors\":[{\"port\":\"u\",\"address\":\"%s\",\"mac\":\"02:00:00:00:0b:01\"}]}",
		"neighbors[0].address", false, false},
	{"{\"routes\":[{\"prefix\":\"198.51.100.0/24\",\"via\":\"%s\"}]}", "routes[0].via", false,
		false},
	{"{\"endpoints\":[{\"name\":\"e\",\"network\":\"n\",\"port\":\"p\",\"mac\":\"02:00:00:00:"
	 "00:05\",\"addresses\":[\"%s\"]}]}",
		"endpoints[0].addresses[0]", false, false},
	{"{\"networks\":[{\"name\":\"n\",\"vni\":7,\"subnets\":[{\"prefix\":\"10.0.0.0/24\","
	 "\"gateway\":\"%s\"}]}]}",
		"networks[0].subnets[0].gateway", false, false},
	{"{\"ports\":[{\"name\":\"u\",\"role\":\"underlay\",\"devargs\":\"net_null0\",\"mac\":\"%"
	 "s\"}]}",
		"ports[0].mac", true, false},
	{"{\"neighbors\":[{\"port\":\"u\",\"address\":\"192.0.2.2\",\"mac\":\"%s\"}]}",
		"neighbors[0].mac", true, false},
	{"{\"endpoints\":[{\"name\":\"e\",\"network\":\"n\",\"port\":\"p\",\"addresses\":[\"10.0.0."
	 "5\"],\"mac\":\"%s\"}]}",
		"endpoints[0].mac", true, false},
};

static void refused_in(size_t field, const char *value)
{
	char text[400], with_len[64];
	struct sl_err e = {0};
	struct sl_config *c;

	snprintf(with_len, sizeof(with_len), "%s%s", value,
		!fields[field].is_prefix     ? ""
		: strchr(value, ':') != NULL ? "/64"
					     : "/24");
	snprintf(text, sizeof(text), fields[field].format, with_len);
	c = sl_config_parse(text, strlen(text), &e);
	if (c != NULL)
		fail_msg("accepted: %s", text);
	if (strcmp(e.path, fields[field].path) != 0)
		fail_msg("%s: %s: %s", text, e.path, e.message);
}

static void address_or_mac_that_no_host_has_is_refused_in_every_field(void **state)
{
	(void)state;
	for (size_t f = 0; f < sizeof(fields) / sizeof(fields[0]); f++) {
		const char *const *values = fields[f].is_mac ? macs : addresses;
		size_t n = fields[f].is_mac ? sizeof(macs) / sizeof(macs[0])
					    : sizeof(addresses) / sizeof(addresses[0]);

		for (size_t i = 0; i < n; i++)
			refused_in(f, values[i]);
	}
	refused_in(2, "192.0.2.0");
	refused_in(2, "192.0.2.255");
}

static void node_may_have_tunnel_addresses_of_either_family_alone(void **state)
{
	static const char text[] =
		"{\"node\":{\"name\":\"a\",\"tunnel_addresses\":[\"2001:db8::1\"]}}";
	struct sl_config *c;
	struct sl_err e = {0};

	(void)state;
	c = sl_config_parse(text, strlen(text), &e);
	assert_non_null(c);
	sl_config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(address_or_mac_that_no_host_has_is_refused_in_every_field),
		cmocka_unit_test(node_may_have_tunnel_addresses_of_either_family_alone),
	};

	return cmocka_run_group_tests_name("host_addresses", tests, NULL, NULL);
}
