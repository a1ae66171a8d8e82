/* SPDX-License-Identifier: BSD-3-Clause */
#include "route_dp.h"

#include "route_table.h"

/* An IPv4 address begins with the bits of ::/0 to ::/80, which are IPv6 prefixes. */
static unsigned int least_length(const struct sl_ip *ip)
{
	return sl_ip_is_v4(ip) ? 96 : 0;
}

const struct sl_route_dp *sl_route_find(
	const struct sl_pmap *routes, uint32_t table, const struct sl_ip *ip)
{
	const struct sl_pmap_key lengths = sl_route_lengths_key(table);
	const struct sl_route_lengths *l = sl_pmap_find(routes, &lengths);
	unsigned int least = least_length(ip);

	if (l == NULL)
		return NULL;
	for (int word = 2; word >= 0; word--) {
		uint64_t left = l->in_use[word];

		while (left != 0) {
			unsigned int bit = 63 - (unsigned int)__builtin_clzll(left);
			unsigned int len = (unsigned int)word * 64 + bit;
			struct sl_pmap_key key;
			const struct sl_route_dp *r;

			if (len < least)
				return NULL;
			key = sl_route_key(table, ip, len);
			r = sl_pmap_find(routes, &key);
			if (r != NULL)
				return r;
			left &= ~(UINT64_C(1) << bit);
		}
	}
	return NULL;
}

const struct sl_route_dp *sl_route_of(
	const struct sl_world *w, uint32_t network, const struct sl_ip *ip)
{
	const struct sl_route_dp *r = sl_route_find(w->routes, sl_routes_of(network), ip);
	const struct sl_route_dp *s = sl_route_find(w->routes, sl_subnets_of(network), ip);

	if (r == NULL || s == NULL)
		return r != NULL ? r : s;
	return r->prefix.len >= s->prefix.len ? r : s;
}

const struct sl_route_dp *sl_gateway_find(
	const struct sl_world *w, uint32_t network, const struct sl_ip *ip)
{
	const struct sl_route_dp *s = sl_route_find(w->routes, sl_subnets_of(network), ip);

	return s != NULL && s->has_gateway && sl_ip_equal(&s->gateway, ip) ? s : NULL;
}

bool sl_gateway_of(
	const struct sl_world *w, uint32_t network, const struct sl_ip *host, struct sl_ip *gateway)
{
	const struct sl_route_dp *s = sl_route_find(w->routes, sl_subnets_of(network), host);

	if (s == NULL || !s->has_gateway)
		return false;
	*gateway = s->gateway;
	return true;
}

struct sl_ip sl_gateway_link_local(const struct sl_network *net)
{
	const uint8_t *mac = net->gateway_mac.b;

	return (struct sl_ip){.b = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, mac[0] ^ 2, mac[1], mac[2], 0xff,
				      0xfe, mac[3], mac[4], mac[5]}};
}

#define SPREAD UINT64_C(0x9e3779b97f4a7c15)

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * SPREAD;
	return h ^ h >> 29;
}

uint32_t sl_route_hash(const struct sl_burst *b, unsigned int i)
{
	const struct sl_key4 *k4 = &b->key4[i];
	const struct sl_key6 *k6 = &b->key6[i];
	bool v4 = b->meta[i].flags & SL_P_IP4;
	uint64_t h = b->meta[i].proto, src[2] = {0}, dst[2] = {0};

	if (v4) {
		src[0] = k4->src_be;
		dst[0] = k4->dst_be;
	} else {
		memcpy(src, k6->src, sizeof(src));
		memcpy(dst, k6->dst, sizeof(dst));
	}
	/* Sums do not tell the directions apart. */
	h = mix(h, mix(SPREAD, src[0]) + mix(SPREAD, dst[0]));
	h = mix(h, mix(SPREAD, src[1]) + mix(SPREAD, dst[1]));
	h = mix(h, mix(SPREAD, v4 ? k4->sport_be : k6->sport_be) +
			   mix(SPREAD, v4 ? k4->dport_be : k6->dport_be));
	return (uint32_t)(h >> 32);
}
