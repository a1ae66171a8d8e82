/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "ctrl/shape/grow.h"
#include "ctrl/shape/shape.h"

static void mac_round_trips_in_lower_case(void **state)
{
	char buf[SL_MAC_STR_LEN];
	struct sl_mac m;

	(void)state;
	assert_int_equal(sl_parse_mac("02:00:00:00:0B:fe", &m, NULL), 0);
	assert_string_equal(sl_format_mac(&m, buf), "02:00:00:00:0b:fe");
}

static void malformed_macs_are_refused(void **state)
{
	static const char *const bad[] = {"", "02:00:00:00:00", "02:00:00:00:00:05:06",
		"02-00-00-00-00-05", "02:00:00:00:00:0g", "2:0:0:0:0:5", "02:00:00:00:00:5 ",
		" 2:00:00:00:00:05"};
	struct sl_err e;
	struct sl_mac m;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(sl_parse_mac(bad[i], &m, &e), -EINVAL);
		assert_non_null(strstr(e.message, "is not a MAC address"));
	}
}

static void multicast_and_zero_macs_are_refused(void **state)
{
	struct sl_err e;
	struct sl_mac m;

	(void)state;
	assert_int_equal(sl_parse_mac("01:00:5e:00:00:01", &m, &e), -EINVAL);
	assert_non_null(strstr(e.message, "multicast"));
	assert_int_equal(sl_parse_mac("ff:ff:ff:ff:ff:ff", &m, &e), -EINVAL);
	assert_int_equal(sl_parse_mac("00:00:00:00:00:00", &m, &e), -EINVAL);
	assert_non_null(strstr(e.message, "zero"));
}

static void addresses_of_both_families_round_trip(void **state)
{
	static const char *const good[] = {
		"10.0.0.5", "0.0.0.0", "255.255.255.255", "2001:db8::1", "::", "fe80::1"};
	char buf[SL_IP_STR_LEN];
	struct sl_ip ip;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(sl_parse_ip(good[i], &ip, NULL), 0);
		assert_string_equal(sl_format_ip(&ip, buf), good[i]);
	}
}

static void malformed_addresses_are_refused(void **state)
{
	static const char *const bad[] = {"", "10.0.0", "10.0.0.256", "010.0.0.1", "10.0.0.1 ",
		"1.2.3.4.5", "fe80::1%eth0", ":::1", "2001:db8::g", "10.0.0.1/24", "0x7f.0.0.1",
		"2130706433"};
	struct sl_err e;
	struct sl_ip ip;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(sl_parse_ip(bad[i], &ip, &e), -EINVAL);
}

static void ipv4_in_ipv6_form_is_refused_with_the_plain_form(void **state)
{
	struct sl_err e;
	struct sl_ip ip;

	(void)state;
	assert_int_equal(sl_parse_ip("::ffff:1.2.3.4", &ip, &e), -EINVAL);
	assert_string_equal(e.hint, "write 1.2.3.4");
	assert_int_equal(sl_parse_ip("::ffff:102:304", &ip, &e), -EINVAL);
}

static void prefix_length_counts_on_the_sixteen_byte_form(void **state)
{
	char buf[SL_PREFIX_STR_LEN];
	struct sl_prefix p;

	(void)state;
	assert_int_equal(sl_parse_prefix("10.0.0.0/8", false, &p, NULL), 0);
	assert_int_equal(p.len, 104);
	assert_string_equal(sl_format_prefix(&p, buf), "10.0.0.0/8");
	assert_int_equal(sl_parse_prefix("0.0.0.0/0", false, &p, NULL), 0);
	assert_int_equal(p.len, 96);
	assert_string_equal(sl_format_prefix(&p, buf), "0.0.0.0/0");
	assert_int_equal(sl_parse_prefix("::/0", false, &p, NULL), 0);
	assert_int_equal(p.len, 0);
	assert_string_equal(sl_format_prefix(&p, buf), "::/0");
	assert_int_equal(sl_parse_prefix("2001:db8::1/128", false, &p, NULL), 0);
	assert_string_equal(sl_format_prefix(&p, buf), "2001:db8::1/128");
}

static void host_bits_are_refused_with_the_prefix_meant(void **state)
{
	struct sl_prefix p;
	struct sl_err e;

	(void)state;
	assert_int_equal(sl_parse_prefix("10.0.0.5/24", false, &p, &e), -EINVAL);
	assert_string_equal(e.hint, "did you mean 10.0.0.0/24?");
	assert_int_equal(sl_parse_prefix("2001:db8:0:ff::/47", false, &p, &e), -EINVAL);
	assert_string_equal(e.hint, "did you mean 2001:db8::/47?");
}

static void host_bits_are_kept_for_interface_addresses(void **state)
{
	char buf[SL_PREFIX_STR_LEN];
	struct sl_prefix p;

	(void)state;
	assert_int_equal(sl_parse_prefix("192.0.2.1/24", true, &p, NULL), 0);
	assert_string_equal(sl_format_prefix(&p, buf), "192.0.2.1/24");
}

static void malformed_prefixes_are_refused(void **state)
{
	static const char *const bad[] = {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1",
		"10.0.0.0/+8", "10.0.0.0/08", "10.0.0.0/8 ", "10.0.0.0/8/8", "::/129",
		"10.0.0.0/4294967304", "x/8",
		"0000000000000000000000000000000000000000000000000000/8"};
	struct sl_prefix p;
	struct sl_err e;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(sl_parse_prefix(bad[i], true, &p, &e), -EINVAL);
}

static void an_address_where_a_prefix_belongs_gets_a_hint(void **state)
{
	struct sl_prefix p;
	struct sl_err e;

	(void)state;
	assert_int_equal(sl_parse_prefix("10.0.0.5", false, &p, &e), -EINVAL);
	assert_string_equal(e.hint, "a single address is 10.0.0.5/32");
}

static void assert_contains(bool expected, const char *prefix, const char *address)
{
	struct sl_prefix p;
	struct sl_ip ip;

	assert_int_equal(sl_parse_prefix(prefix, false, &p, NULL), 0);
	assert_int_equal(sl_parse_ip(address, &ip, NULL), 0);
	if (sl_prefix_contains(&p, &ip) != expected)
		fail_msg("%s %s", prefix, address);
}

static void prefix_contains_addresses_of_its_own_family_only(void **state)
{
	(void)state;
	assert_contains(true, "0.0.0.0/0", "10.0.0.5");
	assert_contains(true, "10.0.0.0/8", "10.0.0.5");
	assert_contains(true, "10.0.0.5/32", "10.0.0.5");
	assert_contains(true, "::/0", "2001:db8::1");
	assert_contains(true, "::/80", "::5");
	assert_contains(false, "0.0.0.0/0", "2001:db8::1");
	assert_contains(false, "0.0.0.0/0", "::1");
	for (unsigned int len = 0; len <= 95; len++) {
		char text[16];

		snprintf(text, sizeof(text), "::/%u", len);
		assert_contains(false, text, "0.0.0.5");
		assert_contains(false, text, "10.0.0.5");
	}
	assert_contains(false, "::fffe:0:0/95", "10.0.0.5");
}

static void an_array_grows_at_least_twofold_and_keeps_what_it_has(void **state)
{
	uint32_t *all = NULL;
	size_t max = 0, moves = 0;

	(void)state;
	for (uint32_t n = 0; n < 100000; n++) {
		size_t before = max;
		uint32_t *more = sl_grow(all, n + 1, &max, sizeof(*all));

		assert_non_null(more);
		assert_true(max > n);
		moves += max != before;
		all = more;
		all[n] = n;
	}
	assert_true(moves < 20);
	for (uint32_t n = 0; n < 100000; n++)
		assert_int_equal(all[n], n);
	free(all);
}

static void an_array_that_cannot_be_addressed_stays_as_it_is(void **state)
{
	size_t max = 0;
	char *all = sl_grow(NULL, 1, &max, 1);
	size_t before = max;

	(void)state;
	assert_non_null(all);
	assert_null(sl_grow(all, SIZE_MAX / 2, &max, 4));
	assert_int_equal(max, before);
	max = SIZE_MAX - 1;
	assert_null(sl_grow(all, SIZE_MAX, &max, 1));
	assert_int_equal(max, SIZE_MAX - 1);
	free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefix_contains_addresses_of_its_own_family_only),
		cmocka_unit_test(mac_round_trips_in_lower_case),
		cmocka_unit_test(malformed_macs_are_refused),
		cmocka_unit_test(multicast_and_zero_macs_are_refused),
		cmocka_unit_test(addresses_of_both_families_round_trip),
		cmocka_unit_test(malformed_addresses_are_refused),
		cmocka_unit_test(ipv4_in_ipv6_form_is_refused_with_the_plain_form),
		cmocka_unit_test(prefix_length_counts_on_the_sixteen_byte_form),
		cmocka_unit_test(host_bits_are_refused_with_the_prefix_meant),
		cmocka_unit_test(host_bits_are_kept_for_interface_addresses),
		cmocka_unit_test(malformed_prefixes_are_refused),
		cmocka_unit_test(an_array_grows_at_least_twofold_and_keeps_what_it_has),
		cmocka_unit_test(an_array_that_cannot_be_addressed_stays_as_it_is),
		cmocka_unit_test(an_address_where_a_prefix_belongs_gets_a_hint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
