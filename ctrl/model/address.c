/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses that a host may have. */
#include "address.h"

static const struct sl_ip v4_unspecified = {.b = {[10] = 0xff, [11] = 0xff}};

static const char *misuse(const struct sl_ip *ip)
{
	static const struct sl_ip zero, loopback6 = {.b = {[15] = 1}};
	uint8_t first = ip->b[12];

	if (sl_ip_equal(ip, &zero) || sl_ip_equal(ip, &v4_unspecified))
		return "the unspecified address";
	if (!sl_ip_is_v4(ip))
		return ip->b[0] == 0xff		     ? "a multicast address"
		       : sl_ip_equal(ip, &loopback6) ? "a loopback address"
						     : NULL;
	if (first == 0)
		return "in 0.0.0.0/8, which names no host";
	if (first == 127)
		return "a loopback address";
	if (first >= 224 && first < 240)
		return "a multicast address";
	return first >= 240 ? "a reserved or broadcast address" : NULL;
}

int sl_check_unicast(const struct sl_ip *ip, const char *path, struct sl_err *e)
{
	const char *what = misuse(ip);
	char text[SL_IP_STR_LEN];

	if (what == NULL)
		return 0;
	sl_err_set(e, SL_ERR_PARAMS, path, "%s is %s", sl_format_ip(ip, text), what);
	sl_err_hint(e, "use a unicast address");
	return -EINVAL;
}

int sl_check_host(
	const struct sl_prefix *p, const struct sl_ip *ip, const char *path, struct sl_err *e)
{
	char text[SL_IP_STR_LEN], net[SL_PREFIX_STR_LEN];
	uint32_t mask, host;

	if (!sl_ip_is_v4(ip) || p->len < 96 || p->len > 126 || !sl_prefix_contains(p, ip))
		return 0;
	mask = (uint32_t)(UINT64_C(0xffffffff) >> (p->len - 96));
	host = __builtin_bswap32(sl_ip_v4_be(ip)) & mask;
	if (host != 0 && host != mask)
		return 0;
	return sl_err_set(e, SL_ERR_PARAMS, path, "%s is the %s address of %s",
		sl_format_ip(ip, text), host == 0 ? "network" : "broadcast",
		sl_format_prefix(p, net));
}
