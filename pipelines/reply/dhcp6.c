/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Stateless DHCPv6: RFC 8415 section 6.1. Name servers and domains, no addresses: those come from
 * prefixes that routers advertise, or from the workload's own configuration.
 */
#include "dp/lib/pkt.h"
#include "setup.h"

enum {
	SOLICIT = 1,
	REPLY = 7,
	INFORMATION_REQUEST = 11,
	CLIENT_MESSAGES = 11, /* the highest type that a client sends */
};

enum {
	OPT_CLIENT_ID = 1,
	OPT_SERVER_ID = 2,
	OPT_IA_NA = 3,
	OPT_IA_TA = 4,
	OPT_DNS = 23,	  /* RFC 3646 */
	OPT_DOMAINS = 24, /* RFC 3646 */
	OPT_IA_PD = 25,
	OPT_REFRESH = 32, /* RFC 8415 section 21.23 */
	REFRESH_SECONDS = 3600,
	DUID_MAX = 130, /* section 11.1: a type of 2 bytes and at most 128 more */
};

struct request {
	uint8_t id[DUID_MAX];
	uint32_t id_len;       /* 0: none */
	const uint8_t *server; /* the option; NULL: none */
	bool wants_addresses;
};

/* The server's identifier: a DUID-LL of the gateway's MAC (RFC 8415 section 11.4). */
static uint32_t server_id(const struct sl_asker *a, uint8_t id[10])
{
	const uint8_t head[4] = {0, 3, 0, 1};

	memcpy(id, head, sizeof(head));
	memcpy(id + sizeof(head), a->setup->mac.b, 6);
	return 10;
}

static bool take_option(struct request *q, const uint8_t *o, uint32_t len)
{
	switch (sl_load_be16(o)) {
	case OPT_CLIENT_ID:
		if (len < 3 || len > DUID_MAX || q->id_len != 0)
			return false;
		memcpy(q->id, o + 4, len);
		q->id_len = len;
		return true;
	case OPT_SERVER_ID:
		q->server = o;
		return len >= 3 && len <= DUID_MAX;
	case OPT_IA_NA:
	case OPT_IA_TA:
	case OPT_IA_PD:
		q->wants_addresses = true;
		return true;
	default:
		return true;
	}
}

static bool walk_options(struct request *q, const uint8_t *p, const uint8_t *end)
{
	while (p < end) {
		uint32_t len;

		if (end - p < 4)
			return false;
		len = sl_load_be16(p + 2);
		if (len > (size_t)(end - p) - 4 || !take_option(q, p, len))
			return false;
		p += 4 + len;
	}
	return true;
}

static void put_option(struct sl_setup_answer *w, uint16_t code, const void *value, uint32_t n)
{
	uint8_t o[4 + 256];
	uint16_t head[2] = {sl_be16(code), sl_be16((uint16_t)n)};

	if (n > sizeof(o) - 4)
		return;
	memcpy(o, head, 4);
	memcpy(o + 4, value, n);
	sl_setup_put(w, o, 4 + n);
}

/* The settings of the first subnet that serves and has an address of the asker. */
static void put_setup(struct sl_setup_answer *w, const struct sl_asker *a)
{
	uint32_t refresh = sl_be32(REFRESH_SECONDS);

	for (uint32_t k = 0; k < a->setup->n; k++) {
		const struct sl_setup_subnet *s = &a->setup->subnet[k];

		if (!s->dhcp || sl_prefix_is_v4(&s->prefix) || !sl_setup_is_in(s, a->client))
			continue;
		if (s->n_dns > 0)
			put_option(w, OPT_DNS, s->dns, s->n_dns * 16u);
		if (s->search_len > 0)
			put_option(w, OPT_DOMAINS, s->search, s->search_len);
		break;
	}
	put_option(w, OPT_REFRESH, &refresh, sizeof(refresh));
}

static enum sl_drop reply(const struct sl_trip *t, unsigned int i, const struct sl_asker *a,
	const uint8_t *message, const struct request *q)
{
	struct sl_setup_to to = {.mac = a->mac,
		.from = a->setup->router,
		.sport = SL_DHCP6_SERVER,
		.dport = SL_DHCP6_CLIENT};
	uint8_t head[4] = {REPLY, message[1], message[2], message[3]}, id[10];
	struct sl_setup_answer w = {.len = 0};

	memcpy(to.ip.b, t->b->key6[i].src, 16);
	sl_setup_put(&w, head, sizeof(head));
	if (q->id_len > 0)
		put_option(&w, OPT_CLIENT_ID, q->id, q->id_len);
	put_option(&w, OPT_SERVER_ID, id, server_id(a, id));
	put_setup(&w, a);
	return sl_setup_answer_udp(t, i, a, &to, &w);
}

static bool is_for_me(const struct sl_asker *a, const struct request *q)
{
	uint8_t id[10];
	uint32_t n = server_id(a, id);

	return q->server == NULL ||
	       (sl_load_be16(q->server + 2) == n && memcmp(q->server + 4, id, n) == 0);
}

/* Clients send from link-local addresses (RFC 8415 section 18.2), which belong to no endpoint. */
static bool is_link_local(const uint8_t *ip)
{
	return ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80;
}

enum sl_drop sl_dhcp6_serve(const struct sl_trip *t, unsigned int i, const struct sl_asker *a,
	const uint8_t *message, uint32_t n)
{
	struct request q = {.id_len = 0};

	if (!is_link_local(t->b->key6[i].src))
		return SL_DROP_SPOOFED;
	if (n < 4 || message[0] < SOLICIT || message[0] > CLIENT_MESSAGES)
		return SL_DROP_DHCP_MALFORMED; /* relays' messages are among these */
	if (!walk_options(&q, message + 4, message + n))
		return SL_DROP_DHCP_MALFORMED;
	/* There are no addresses here to ask for: such a client hears nothing, and asks no more. */
	if (message[0] != INFORMATION_REQUEST || q.wants_addresses || !is_for_me(a, &q))
		return SL_CONSUMED;
	return reply(t, i, a, message, &q);
}
