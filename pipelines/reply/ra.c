/* SPDX-License-Identifier: BSD-3-Clause */
/* Router advertisements: RFC 4861 sections 4.2 and 6.2.6, RFC 8106. */
#include <netinet/icmp6.h>
#include <rte_ether.h>

#include "dp/lib/pkt.h"
#include "ra.h"
#include "setup.h"

enum {
	HOPS = 64,
	OTHER_CONFIG = 0x40, /* DHCPv6 has more */
	ON_LINK = 0x80,
	AUTONOMOUS = 0x40,
	IP6_MTU_MIN = 1280,
	/* RFC 4861 section 6.2.1, for an advertisement every ten minutes. */
	ROUTER_SECONDS = 1800,
	NAMES_SECONDS = 1800, /* RFC 8106 section 5.1: three times the interval */
	VALID_SECONDS = 2592000,
	PREFERRED_SECONDS = 604800,
	OPT_RDNSS = 25,
	OPT_DNSSL = 31,
};

struct prefix_option {
	uint8_t type, len, prefix_len, flags;
	uint32_t valid_be, preferred_be, reserved;
	uint8_t prefix[16];
};
_Static_assert(sizeof(struct prefix_option) == 32, "as on the wire");

/* The address that a workload makes for itself from a prefix and its MAC: RFC 4862 section 5.5.3. */
static struct sl_ip made_from(const struct sl_prefix *p, const struct sl_mac *mac)
{
	struct sl_ip ip = sl_link_local(mac);

	memcpy(ip.b, p->ip.b, 8);
	return ip;
}

static bool client_has(const struct sl_endpoint *c, const struct sl_ip *ip)
{
	for (uint32_t k = 0; c != NULL && k < c->n_ip; k++)
		if (sl_ip_equal(&c->ip[k], ip))
			return true;
	return false;
}

/*
 * The prefix is on the link. A workload may make an address from it only if that is an address of
 * its endpoint: from any other address its packets would be dropped as spoofed.
 */
static void put_prefix(struct sl_answer *w, const struct sl_setup_subnet *s,
	const struct sl_endpoint *c, const struct sl_mac *mac)
{
	struct sl_ip made = made_from(&s->prefix, mac);
	bool makes = s->prefix.len == 64 && client_has(c, &made);
	struct prefix_option o = {.type = ND_OPT_PREFIX_INFORMATION,
		.len = sizeof(o) / 8,
		.prefix_len = s->prefix.len,
		.flags = (uint8_t)(ON_LINK | (makes ? AUTONOMOUS : 0)),
		.valid_be = sl_be32(VALID_SECONDS),
		.preferred_be = sl_be32(PREFERRED_SECONDS)};

	memcpy(o.prefix, s->prefix.ip.b, 16);
	sl_answer_put(w, &o, sizeof(o));
}

/* An option of n bytes behind a lifetime, filled up to a multiple of 8. */
static void put_names(struct sl_answer *w, uint8_t type, const void *value, uint32_t n)
{
	uint8_t o[8 + SL_SETUP_SEARCH_MAX + 7] = {type, (uint8_t)((8 + n + 7) / 8)};
	uint32_t seconds = sl_be32(NAMES_SECONDS);

	if (n == 0)
		return;
	memcpy(o + 4, &seconds, sizeof(seconds));
	memcpy(o + 8, value, n);
	sl_answer_put(w, o, o[1] * 8u);
}

static bool is_advertised(const struct sl_setup_subnet *s)
{
	return s->ra && s->has_gateway && !sl_prefix_is_v4(&s->prefix);
}

static void put_link(struct sl_answer *w, const struct sl_setup *s, uint16_t mtu)
{
	uint8_t source[8] = {ND_OPT_SOURCE_LINKADDR, 1}, size[8] = {ND_OPT_MTU, 1};
	uint32_t mtu_be = sl_be32(mtu);

	memcpy(source + 2, s->mac.b, 6);
	memcpy(size + 4, &mtu_be, sizeof(mtu_be));
	sl_answer_put(w, source, sizeof(source));
	if (mtu >= IP6_MTU_MIN)
		sl_answer_put(w, size, sizeof(size));
}

uint32_t sl_ra_write(uint8_t b[SL_RA_MAX], const struct sl_setup *s, const struct sl_endpoint *c,
	const struct sl_mac *mac, uint16_t mtu)
{
	uint8_t head[16] = {ND_ROUTER_ADVERT, [4] = HOPS, [5] = s->has_dhcp6 ? OTHER_CONFIG : 0,
		[6] = ROUTER_SECONDS >> 8, [7] = ROUTER_SECONDS & 0xff};
	struct sl_answer w = {.len = 0};

	sl_answer_put(&w, head, sizeof(head));
	put_link(&w, s, mtu);
	for (uint32_t k = 0; k < s->n; k++)
		if (is_advertised(&s->subnet[k]))
			put_prefix(&w, &s->subnet[k], c, mac);
	for (uint32_t k = 0; k < s->n; k++) {
		if (!is_advertised(&s->subnet[k]))
			continue;
		put_names(&w, OPT_RDNSS, s->subnet[k].dns, s->subnet[k].n_dns * 16u);
		put_names(&w, OPT_DNSSL, s->subnet[k].search, s->subnet[k].search_len);
	}
	memcpy(b, w.b, w.len);
	return w.len;
}

enum sl_drop sl_router_solicited(const struct sl_trip *t, unsigned int i)
{
	static const uint8_t nobody[16];
	struct sl_answer_to to = {0};
	struct sl_answer w;
	struct sl_asker a;

	if (!sl_asker_find(t, i, &a) || !a.setup->has_ra)
		return SL_DROP_MULTICAST; /* there is no router */
	if (a.client == NULL)
		return SL_DROP_SPOOFED;
	w.len = sl_ra_write(w.b, a.setup, a.client, &a.mac, a.mtu);
	to.mac = a.mac;
	to.from = a.setup->router;
	memcpy(to.ip.b, t->b->key6[i].src, 16);
	if (memcmp(to.ip.b, nobody, 16) == 0)
		to.ip = (struct sl_ip){.b = {0xff, 0x02, [15] = 1}};
	return sl_answer_icmp6(t, i, &a, &to, &w);
}
