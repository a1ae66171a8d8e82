/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "fields.h"
#include "subnets.h"
#include "pipelines/reply/setup_dp.h"

enum { LABEL_MAX = 63 }; /* RFC 1035 section 2.3.4 */

/* ASCII only: the letters of a locale are no letters of a domain. */
static bool is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Letters, digits, and hyphens within: RFC 1123 section 2.1. "_" is in use, too. */
static bool is_label(const char *s, size_t n)
{
	if (n == 0 || n > LABEL_MAX || s[0] == '-' || s[n - 1] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_letter_or_digit(s[i]) && s[i] != '-' && s[i] != '_')
			return false;
	return true;
}

/* Appends a domain in the form of RFC 1035 section 3.1. Returns its length; 0: it is no domain. */
static size_t put_domain(uint8_t *to, size_t room, const char *domain)
{
	size_t len = 0;

	while (*domain != '\0') {
		size_t n = strcspn(domain, ".");

		if (!is_label(domain, n) || len + n + 2 > room)
			return 0;
		to[len++] = (uint8_t)n;
		memcpy(to + len, domain, n);
		len += n;
		domain += n;
		if (*domain == '.')
			domain++;
	}
	if (len == 0)
		return 0;
	to[len++] = 0;
	return len;
}

static int check_search(const struct sl_subnet_obj *s, struct sl_err *e)
{
	char *const *domain = s->search.items;
	uint8_t buf[SL_SETUP_SEARCH_MAX];
	size_t len = 0;
	char path[32];

	for (size_t i = 0; i < s->search.n; i++) {
		uint8_t one[SL_SETUP_SEARCH_MAX];
		size_t n = put_domain(one, sizeof(one), domain[i]);

		snprintf(path, sizeof(path), "search[%zu]", i);
		if (n == 0) {
			sl_err_set(e, SL_ERR_PARAMS, path, "\"%s\" is no domain name", domain[i]);
			sl_err_hint(e, "letters, digits and hyphens between dots, like "
				       "\"svc.example.org\"; other letters as xn--");
			return -EINVAL;
		}
		if (len + n > sizeof(buf)) {
			sl_err_set(e, SL_ERR_PARAMS, path,
				"the search list is too long: one DHCP option holds %d bytes",
				SL_SETUP_SEARCH_MAX);
			sl_err_hint(e, "give fewer or shorter domains");
			return -EINVAL;
		}
		len += n;
	}
	return 0;
}

static int check_dns(const struct sl_subnet_obj *s, struct sl_err *e)
{
	const struct sl_ip *dns = s->dns.items;
	char path[32], ip[SL_IP_STR_LEN], prefix[SL_PREFIX_STR_LEN];

	for (size_t i = 0; i < s->dns.n; i++) {
		snprintf(path, sizeof(path), "dns[%zu]", i);
		if (sl_check_unicast(&dns[i], path, e) != 0)
			return -EINVAL;
		if (sl_ip_is_v4(&dns[i]) == sl_prefix_is_v4(&s->prefix))
			continue;
		sl_err_set(e, SL_ERR_PARAMS, path,
			"name server %s and subnet %s are of two address families",
			sl_format_ip(&dns[i], ip), sl_format_prefix(&s->prefix, prefix));
		sl_err_hint(e, "name it in a subnet of its own family");
		return -EINVAL;
	}
	return 0;
}

int sl_subnet_setup_check(const struct sl_subnet_obj *s, struct sl_err *e)
{
	char prefix[SL_PREFIX_STR_LEN];

	if (s->dhcp && sl_prefix_is_v4(&s->prefix) && !s->has_gateway) {
		sl_err_set(e, SL_ERR_PARAMS, "dhcp", "subnet %s serves DHCP and has no gateway",
			sl_format_prefix(&s->prefix, prefix));
		sl_err_hint(e, "give it a gateway: DHCP answers come from the gateway's address");
		return -EINVAL;
	}
	return check_dns(s, e) != 0 ? -EINVAL : check_search(s, e);
}

static void fill_subnet(struct sl_setup_subnet *to, const struct sl_subnet_obj *s)
{
	char *const *domain = s->search.items;
	size_t len = 0;

	to->prefix = s->prefix;
	to->gateway = s->gateway;
	to->has_gateway = s->has_gateway;
	to->dhcp = s->dhcp;
	to->ra = s->ra;
	to->n_dns = (uint8_t)s->dns.n;
	if (s->dns.n > 0)
		memcpy(to->dns, s->dns.items, s->dns.n * sizeof(to->dns[0]));
	for (size_t i = 0; i < s->search.n; i++)
		len += put_domain(to->search + len, sizeof(to->search) - len, domain[i]);
	to->search_len = (uint8_t)len;
}

static void note(struct sl_setup *setup, const struct sl_subnet_obj *s)
{
	bool v4 = sl_prefix_is_v4(&s->prefix);

	setup->has_dhcp4 |= v4 && s->dhcp;
	setup->has_dhcp6 |= !v4 && s->dhcp;
	setup->has_ra |= !v4 && s->ra && s->has_gateway;
}

struct sl_setup *sl_subnets_setup(
	const struct sl_list *subnets, uint32_t mtu, const struct sl_mac *mac, bool *ok)
{
	const struct sl_subnet_obj *s = subnets->items;
	struct sl_setup *setup = calloc(1, sizeof(*setup) + subnets->n * sizeof(setup->subnet[0]));

	*ok = setup != NULL;
	if (setup == NULL)
		return NULL;
	setup->mac = *mac;
	setup->router = sl_link_local(mac);
	setup->mtu = (uint16_t)mtu;
	setup->n = (uint16_t)subnets->n;
	for (size_t i = 0; i < subnets->n; i++) {
		fill_subnet(&setup->subnet[i], &s[i]);
		note(setup, &s[i]);
	}
	if (setup->has_dhcp4 || setup->has_dhcp6 || setup->has_ra)
		return setup;
	free(setup);
	return NULL;
}
