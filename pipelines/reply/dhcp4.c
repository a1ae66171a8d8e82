/* SPDX-License-Identifier: BSD-3-Clause */
/* DHCPv4: RFC 2131, options of RFC 2132. An address is an endpoint's, so nothing is leased out. */
#include <rte_ether.h>
#include <stddef.h>

#include "dp/lib/pkt.h"
#include "setup.h"

enum {
	BOOT_REQUEST = 1,
	BOOT_REPLY = 2,
	BROADCAST_FLAG = 0x8000,
	MESSAGE_LEAST = 576, /* bytes of an IP packet that every client takes */
	IP_UDP_LEN = 28,
	LEASE_SECONDS = 3600,
};

enum {
	DISCOVER = 1,
	OFFER = 2,
	REQUEST = 3,
	DECLINE = 4,
	ACK = 5,
	NAK = 6,
	RELEASE = 7,
	INFORM = 8,
};

enum {
	OPT_PAD = 0,
	OPT_MASK = 1,
	OPT_ROUTER = 3,
	OPT_DNS = 6,
	OPT_MTU = 26,
	OPT_REQUESTED = 50,
	OPT_LEASE = 51,
	OPT_TYPE = 53,
	OPT_SERVER = 54,
	OPT_MAX_SIZE = 57,
	OPT_RENEW = 58,
	OPT_REBIND = 59,
	OPT_CLIENT_ID = 61,
	OPT_SEARCH = 119, /* RFC 3397 */
	OPT_END = 255,
};

struct boot {
	uint8_t op, htype, hlen, hops;
	uint32_t xid;
	uint16_t secs, flags;
	uint32_t ciaddr, yiaddr, siaddr, giaddr;
	uint8_t chaddr[16], sname[64], file[128];
	uint8_t cookie[4];
};
_Static_assert(sizeof(struct boot) == 240, "as on the wire");

static const uint8_t cookie[4] = {99, 130, 83, 99};

/* What a client says. */
struct request {
	struct boot boot;
	uint8_t type;
	bool has_server, has_requested;
	uint32_t server_be, requested_be;
	uint32_t room;	   /* bytes of UDP payload that it takes */
	const uint8_t *id; /* the whole option of its identifier; NULL: none */
};

/* One option, whose length was checked. False: it has another length than it must have. */
static bool take_option(struct request *q, const uint8_t *o)
{
	const uint8_t *v = o + 2;

	switch (o[0]) {
	case OPT_TYPE:
		q->type = v[0];
		return o[1] == 1;
	case OPT_SERVER:
		if (o[1] != 4)
			return false;
		q->has_server = true;
		q->server_be = sl_load32(v);
		return true;
	case OPT_REQUESTED:
		if (o[1] != 4)
			return false;
		q->has_requested = true;
		q->requested_be = sl_load32(v);
		return true;
	case OPT_MAX_SIZE:
		if (o[1] != 2)
			return false;
		if (sl_load_be16(v) > MESSAGE_LEAST)
			q->room = sl_load_be16(v) - (uint32_t)IP_UDP_LEN;
		return true;
	case OPT_CLIENT_ID:
		q->id = o;
		return o[1] >= 2;
	default:
		return true;
	}
}

static bool walk_options(struct request *q, const uint8_t *p, const uint8_t *end)
{
	while (p < end && p[0] != OPT_END) {
		if (p[0] == OPT_PAD) {
			p++;
			continue;
		}
		/* An empty option has no value that take_option could read. */
		if (end - p < 2 || p[1] > end - p - 2 || (p[1] == 0 && p[0] == OPT_TYPE))
			return false;
		if (!take_option(q, p))
			return false;
		p += 2 + p[1];
	}
	return true;
}

/* False: no client sends this, or it came through a relay. */
static bool read_request(
	struct request *q, const uint8_t *message, uint32_t n, const struct sl_asker *a)
{
	memset(q, 0, sizeof(*q));
	q->room = MESSAGE_LEAST - IP_UDP_LEN;
	if (n < sizeof(q->boot))
		return false;
	memcpy(&q->boot, message, sizeof(q->boot));
	if (q->boot.op != BOOT_REQUEST || q->boot.htype != 1 || q->boot.hlen != 6 ||
		q->boot.giaddr != 0 || memcmp(q->boot.cookie, cookie, sizeof(cookie)) != 0 ||
		memcmp(q->boot.chaddr, a->mac.b, sizeof(a->mac.b)) != 0)
		return false;
	return walk_options(q, message + sizeof(q->boot), message + n) && q->type != 0;
}

/* The subnet that gives out this address of the asker; NULL: it is not the asker's, or not given. */
static const struct sl_setup_subnet *serving(const struct sl_asker *a, uint32_t addr_be)
{
	struct sl_ip ip = sl_ip_from_v4(addr_be);
	const struct sl_setup_subnet *s = sl_setup_subnet_of(a->setup, &ip);

	return s != NULL && s->dhcp && sl_asker_has(a, &ip) ? s : NULL;
}

/* The address for the asker: the one it wants, or else its first one; 0: it has none to get. */
static uint32_t choose(const struct sl_asker *a, uint32_t wanted_be)
{
	if (serving(a, wanted_be) != NULL)
		return wanted_be;
	for (uint32_t k = 0; k < a->client->n_ip; k++)
		if (sl_ip_is_v4(&a->client->ip[k]) &&
			serving(a, sl_ip_v4_be(&a->client->ip[k])) != NULL)
			return sl_ip_v4_be(&a->client->ip[k]);
	return 0;
}

static void put_option(struct sl_setup_answer *w, uint8_t code, const void *value, uint32_t n)
{
	uint8_t o[2 + 255] = {code, (uint8_t)n};

	memcpy(o + 2, value, n);
	sl_setup_put(w, o, 2 + n);
}

static void put_option32(struct sl_setup_answer *w, uint8_t code, uint32_t host_order)
{
	uint32_t v = sl_be32(host_order);

	put_option(w, code, &v, sizeof(v));
}

static void put_times(struct sl_setup_answer *w)
{
	put_option32(w, OPT_LEASE, LEASE_SECONDS);
	put_option32(w, OPT_RENEW, LEASE_SECONDS / 2);
	put_option32(w, OPT_REBIND, LEASE_SECONDS / 8 * 7);
}

/* What the client does not have room for is left out: the search list first. */
static void put_setup(struct sl_setup_answer *w, const struct request *q, const struct sl_asker *a,
	const struct sl_setup_subnet *s)
{
	uint32_t len = s->prefix.len - 96u, router = sl_ip_v4_be(&s->gateway);
	uint32_t dns[SL_SETUP_DNS_MAX];
	uint16_t mtu = sl_be16(a->mtu);

	put_option32(w, OPT_MASK, len == 0 ? 0 : UINT32_MAX << (32 - len));
	put_option(w, OPT_ROUTER, &router, sizeof(router));
	if (a->mtu != 0)
		put_option(w, OPT_MTU, &mtu, sizeof(mtu));
	for (unsigned int k = 0; k < s->n_dns; k++)
		dns[k] = sl_ip_v4_be(&s->dns[k]);
	if (s->n_dns > 0)
		put_option(w, OPT_DNS, dns, s->n_dns * 4u);
	if (q->id != NULL && w->len + 2u + q->id[1] < q->room)
		put_option(w, OPT_CLIENT_ID, q->id + 2, q->id[1]); /* RFC 6842 */
	if (s->search_len > 0 && w->len + 2u + s->search_len < q->room)
		put_option(w, OPT_SEARCH, s->search, s->search_len);
}

static void begin(struct sl_setup_answer *w, const struct request *q, uint8_t type,
	uint32_t yiaddr_be, uint32_t server_be)
{
	struct boot b = {.op = BOOT_REPLY,
		.htype = 1,
		.hlen = 6,
		.xid = q->boot.xid,
		.flags = q->boot.flags,
		.ciaddr = type == NAK ? 0 : q->boot.ciaddr,
		.yiaddr = yiaddr_be,
		.siaddr = type == NAK ? 0 : server_be};

	memcpy(b.chaddr, q->boot.chaddr, sizeof(b.chaddr));
	memcpy(b.cookie, cookie, sizeof(b.cookie));
	w->len = 0;
	sl_setup_put(w, &b, sizeof(b));
	put_option(w, OPT_TYPE, &type, 1);
	put_option(w, OPT_SERVER, &server_be, sizeof(server_be));
}

/* RFC 2131 section 4.1. */
static struct sl_setup_to where(
	const struct request *q, const struct sl_asker *a, uint8_t type, uint32_t yiaddr_be)
{
	const struct sl_mac all = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
	struct sl_setup_to to = {.mac = a->mac, .sport = SL_DHCP4_SERVER, .dport = SL_DHCP4_CLIENT};
	bool broadcast = q->boot.flags & sl_be16(BROADCAST_FLAG);

	if (type != NAK && q->boot.ciaddr != 0) {
		to.ip = sl_ip_from_v4(q->boot.ciaddr);
	} else if (type == NAK || broadcast) {
		to.ip = sl_ip_from_v4(UINT32_MAX);
		to.mac = all;
	} else {
		to.ip = sl_ip_from_v4(yiaddr_be);
	}
	return to;
}

static enum sl_drop answer(const struct sl_trip *t, unsigned int i, const struct sl_asker *a,
	const struct request *q, uint8_t type, uint32_t yiaddr_be)
{
	/* A refusal is made in the name of the server of the address that the asker has. */
	uint32_t of_be = yiaddr_be != 0 ? yiaddr_be : choose(a, 0);
	const struct sl_setup_subnet *s = serving(a, type == INFORM ? q->boot.ciaddr : of_be);
	struct sl_setup_to to = where(q, a, type, yiaddr_be);
	struct sl_setup_answer w;

	if (s == NULL)
		return SL_DROP_DHCP_FOREIGN;
	begin(&w, q, type == INFORM ? ACK : type, type == INFORM ? 0 : yiaddr_be,
		sl_ip_v4_be(&s->gateway));
	if (type == OFFER || type == ACK)
		put_times(&w);
	if (type != NAK)
		put_setup(&w, q, a, s);
	sl_setup_put(&w, (const uint8_t[]){OPT_END}, 1);
	to.from = s->gateway;
	return sl_setup_answer_udp(t, i, a, &to, &w);
}

/* RFC 2131 section 4.3.2: the client chose an offer, or asks whether its address still holds. */
static enum sl_drop requested(
	const struct sl_trip *t, unsigned int i, const struct sl_asker *a, const struct request *q)
{
	uint32_t wanted = q->has_requested ? q->requested_be : q->boot.ciaddr;
	const struct sl_setup_subnet *s = serving(a, wanted);
	uint32_t mine = choose(a, 0);

	if (mine == 0)
		return SL_DROP_DHCP_FOREIGN;
	if (q->has_server) {
		struct sl_ip server = sl_ip_from_v4(q->server_be);
		const struct sl_setup_subnet *of = sl_setup_subnet_of(a->setup, &server);

		if (of == NULL || !of->dhcp || !sl_ip_equal(&of->gateway, &server))
			return SL_CONSUMED; /* it chose another server, which is not here */
	}
	return answer(t, i, a, q, s != NULL ? ACK : NAK, s != NULL ? wanted : 0);
}

/* A client sends from no address, or from one of its own. */
static bool is_honest(const struct sl_trip *t, unsigned int i, const struct sl_asker *a)
{
	struct sl_ip src = sl_ip_from_v4(t->b->key4[i].src_be);

	return t->b->key4[i].src_be == 0 || sl_asker_has(a, &src);
}

enum sl_drop sl_dhcp4_serve(const struct sl_trip *t, unsigned int i, const struct sl_asker *a,
	const uint8_t *message, uint32_t n)
{
	struct request q;
	uint32_t mine;

	if (!is_honest(t, i, a))
		return SL_DROP_SPOOFED;
	if (!read_request(&q, message, n, a))
		return SL_DROP_DHCP_MALFORMED;
	switch (q.type) {
	case DISCOVER:
		mine = choose(a, q.requested_be);
		return mine != 0 ? answer(t, i, a, &q, OFFER, mine) : SL_DROP_DHCP_FOREIGN;
	case REQUEST:
		return requested(t, i, a, &q);
	case INFORM:
		return answer(t, i, a, &q, INFORM, q.boot.ciaddr);
	case DECLINE:
	case RELEASE:
		return SL_CONSUMED; /* the address stays the endpoint's */
	default:
		return SL_DROP_DHCP_MALFORMED;
	}
}
