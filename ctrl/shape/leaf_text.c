/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "field.h"

#define QUOTE_LEN 64
#define WORD_MAX  48

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int sl_parse_mac(const char *s, struct sl_mac *mac, struct sl_err *e)
{
	static const struct sl_mac zero;
	char buf[QUOTE_LEN];
	struct sl_mac m;

	if (strlen(s) != SL_MAC_STR_LEN - 1)
		goto malformed;
	for (int i = 0; i < 6; i++) {
		int high = hex_digit(s[3 * i]), low = hex_digit(s[3 * i + 1]);

		if (high < 0 || low < 0 || (i < 5 && s[3 * i + 2] != ':'))
			goto malformed;
		m.b[i] = (uint8_t)(high << 4 | low);
	}
	if (m.b[0] & 1)
		return sl_err_set(e, SL_ERR_PARAMS, NULL,
			"%s is a multicast address, a unicast one is needed", s);
	if (sl_mac_equal(&m, &zero))
		return sl_err_set(e, SL_ERR_PARAMS, NULL, "the zero MAC address is not accepted");
	*mac = m;
	return 0;
malformed:
	sl_err_set(
		e, SL_ERR_PARAMS, NULL, "%s is not a MAC address", sl_quote(s, buf, sizeof(buf)));
	sl_err_hint(e, "write six bytes as 02:00:00:00:00:05");
	return -EINVAL;
}

int sl_parse_ip(const char *s, struct sl_ip *ip, struct sl_err *e)
{
	char buf[QUOTE_LEN], v4[INET_ADDRSTRLEN];
	struct in_addr a4;
	struct sl_ip a6;

	if (inet_pton(AF_INET, s, &a4) == 1) {
		*ip = sl_ip_from_v4(a4.s_addr);
		return 0;
	}
	if (inet_pton(AF_INET6, s, &a6) != 1)
		return sl_err_set(e, SL_ERR_PARAMS, NULL, "%s is not an IP address",
			sl_quote(s, buf, sizeof(buf)));
	if (sl_ip_is_v4(&a6)) {
		inet_ntop(AF_INET, &a6.w_be[3], v4, sizeof(v4));
		sl_err_set(e, SL_ERR_PARAMS, NULL, "an IPv4 address in IPv6 form is not accepted");
		sl_err_hint(e, "write %s", v4);
		return -EINVAL;
	}
	*ip = a6;
	return 0;
}

/* 1 to 3 digits, no sign, no leading zero; -1 otherwise. */
static int parse_length(const char *s)
{
	int v = 0, n = 0;

	for (; s[n] >= '0' && s[n] <= '9' && n < 4; n++)
		v = v * 10 + s[n] - '0';
	if (n == 0 || n > 3 || s[n] != '\0' || (n > 1 && s[0] == '0'))
		return -1;
	return v;
}

static void mask_host_bits(struct sl_prefix *p)
{
	for (unsigned int i = 0; i < sizeof(p->ip.b); i++) {
		unsigned int first = i * 8;

		if (first >= p->len)
			p->ip.b[i] = 0;
		else if (first + 8 > p->len)
			p->ip.b[i] &= (uint8_t)(0xff << (first + 8 - p->len));
	}
}

static int parse_prefix_length(const char *s, struct sl_prefix *p, struct sl_err *e)
{
	bool v4 = sl_ip_is_v4(&p->ip);
	int len = parse_length(s), max = v4 ? 32 : 128;

	if (len < 0 || len > max)
		return sl_err_set(e, SL_ERR_PARAMS, NULL,
			"the prefix length must be a number from 0 to %d", max);
	p->len = (uint8_t)(v4 ? 96 + len : len);
	return 0;
}

int sl_parse_prefix(const char *s, bool keep_host_bits, struct sl_prefix *p, struct sl_err *e)
{
	char address[SL_IP_STR_LEN], buf[QUOTE_LEN];
	const char *slash = strchr(s, '/');
	struct sl_prefix given, masked;
	int ret;

	memset(&given, 0, sizeof(given));
	if (slash == NULL || (size_t)(slash - s) >= sizeof(address)) {
		sl_err_set(e, SL_ERR_PARAMS, NULL, "%s is not of the form ADDRESS/LENGTH",
			sl_quote(s, buf, sizeof(buf)));
		if (slash == NULL && sl_parse_ip(s, &given.ip, NULL) == 0)
			sl_err_hint(e, "a single address is %s/%d", s,
				sl_ip_is_v4(&given.ip) ? 32 : 128);
		return -EINVAL;
	}
	memcpy(address, s, (size_t)(slash - s));
	address[slash - s] = '\0';
	ret = sl_parse_ip(address, &given.ip, e);
	if (ret == 0)
		ret = parse_prefix_length(slash + 1, &given, e);
	if (ret != 0)
		return ret;
	masked = given;
	mask_host_bits(&masked);
	if (!keep_host_bits && !sl_ip_equal(&masked.ip, &given.ip)) {
		sl_err_set(e, SL_ERR_PARAMS, NULL, "%s has bits set beyond its length", s);
		sl_err_hint(e, "did you mean %s?", sl_format_prefix(&masked, buf));
		return -EINVAL;
	}
	*p = given;
	return 0;
}

const char *sl_format_mac(const struct sl_mac *mac, char buf[SL_MAC_STR_LEN])
{
	const uint8_t *b = mac->b;

	snprintf(buf, SL_MAC_STR_LEN, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4],
		b[5]);
	return buf;
}

const char *sl_format_ip(const struct sl_ip *ip, char buf[SL_IP_STR_LEN])
{
	if (sl_ip_is_v4(ip))
		inet_ntop(AF_INET, &ip->w_be[3], buf, SL_IP_STR_LEN);
	else
		inet_ntop(AF_INET6, ip, buf, SL_IP_STR_LEN);
	return buf;
}

const char *sl_format_prefix(const struct sl_prefix *p, char buf[SL_PREFIX_STR_LEN])
{
	char address[SL_IP_STR_LEN];
	unsigned int len = p->len;

	if (sl_ip_is_v4(&p->ip) && len >= 96)
		len -= 96;
	snprintf(buf, SL_PREFIX_STR_LEN, "%s/%u", sl_format_ip(&p->ip, address), len);
	return buf;
}

const char *sl_quote(const char *text, char *buf, size_t size)
{
	size_t n = strlen(text), room = size - sizeof("\"...\"");
	const char *dots = "";

	if (n > room) {
		n = room;
		while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
			n--;
		dots = "...";
	}
	snprintf(buf, size, "\"%.*s%s\"", (int)n, text, dots);
	return buf;
}

/*
 * The number of letters to insert, delete or replace to turn a into b; both have at most WORD_MAX
 * letters.
 */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int row[WORD_MAX + 1];
	size_t nb = strlen(b);

	for (size_t j = 0; j <= nb; j++)
		row[j] = (unsigned int)j;
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		unsigned int diagonal = row[0];

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= nb; j++) {
			unsigned int best = diagonal + (a[i - 1] != b[j - 1]);

			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[nb];
}

const char *sl_nearest_name(const char *word, const char *const *names)
{
	const char *nearest = NULL;
	unsigned int best = strlen(word) < 5 ? 2 : 3; /* one more than tolerated */

	if (strlen(word) > WORD_MAX)
		return NULL;
	for (; *names != NULL; names++) {
		size_t n = strlen(*names), m = strlen(word);
		unsigned int d;

		/* cannot be near. This check is cheap, because a client may send many such words */
		if (n > WORD_MAX || n >= m + best || m >= n + best)
			continue;
		d = distance(word, *names);
		if (d < best && d < strlen(*names)) {
			best = d;
			nearest = *names;
		}
	}
	return nearest;
}
