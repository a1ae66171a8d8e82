/* SPDX-License-Identifier: BSD-3-Clause */
/* Ways to nodes: addresses and encapsulations, as workers and the underlay know them. */
#include "ctrl/underlay/underlay.h"
#include "networks.h"
#include "nodes.h"
#include "pipelines/overlay/tunnel_ctl.h"

size_t sl_node_n_addresses(const struct sl_node_obj *n)
{
	return 1 + n->addresses.n;
}

const struct sl_ip *sl_node_address_at(const struct sl_node_obj *n, size_t i)
{
	return i == 0 ? &n->address : (const struct sl_ip *)n->addresses.items + i - 1;
}

const struct sl_ip *sl_node_address_of(const struct sl_node_obj *n, enum sl_family family)
{
	for (size_t i = 0; i < sl_node_n_addresses(n); i++)
		if (sl_family_of(sl_node_address_at(n, i)) == family)
			return sl_node_address_at(n, i);
	return NULL;
}

bool sl_node_way_of(const struct sl_node_obj *n, struct sl_node_way *way)
{
	static const struct sl_node_way plain;
	const struct sl_node_encap_obj *e = n->encaps.items;

	*way = (struct sl_node_way){
		.family = (uint8_t)sl_family_of(&n->address), .trust = (uint8_t)n->identity_trust};
	for (size_t i = 0; i < n->encaps.n && i < SL_NODE_WAYS_MAX; i++) {
		way->way[way->n_ways++] =
			(uint8_t)(e[i].encap * SL_FAMILIES + sl_node_encap_family(n, &e[i]));
		way->accepts |= (uint16_t)(1u << e[i].encap);
	}
	return memcmp(way, &plain, sizeof(plain)) != 0;
}

static struct sl_tunnel_wishes wishes_of(const struct sl_node_obj *n)
{
	const struct sl_node_encap_obj *e = n->encaps.items;
	struct sl_tunnel_wishes w = {.udp6_checksum = n->udp6_checksum != 0};

	for (size_t i = 0; i < n->encaps.n; i++)
		w.udp_port[e[i].encap][sl_node_encap_family(n, &e[i])] = (uint16_t)e[i].port;
	return w;
}

struct sl_underlay_node sl_node_underlay(const struct sl_node_obj *n)
{
	const struct sl_node_encap_obj *e = n->encaps.items;
	struct sl_underlay_node node = {.id = n->o.id,
		.name = n->name,
		.first = n->encaps.n > 0 ? sl_node_encap_family(n, &e[0])
					 : sl_family_of(&n->address),
		.mtu = n->mtu,
		.wishes = wishes_of(n)};

	for (enum sl_family f = 0; f < SL_FAMILIES; f++)
		if (sl_node_address_of(n, f) != NULL)
			node.address[f] = *sl_node_address_of(n, f);
	return node;
}

bool sl_node_choice(
	const struct sl_node_obj *n, size_t i, enum sl_family *family, unsigned int *encap)
{
	const struct sl_node_encap_obj *e = n->encaps.items;

	if (n->encaps.n == 0) {
		*family = sl_family_of(&n->address);
		*encap = SL_ENCAP_COUNT;
		return i == 0;
	}
	if (i >= n->encaps.n)
		return false;
	*family = sl_node_encap_family(n, &e[i]);
	*encap = e[i].encap;
	return true;
}

/* As workers choose: pipelines/way/node_way.h. */
static bool may_carry(unsigned int encap, const struct sl_network_obj *net)
{
	return encap != SL_ENCAP_COUNT &&
	       (sl_encaps[encap]->carries_network || sl_network_takes(net, encap));
}

uint32_t sl_node_overhead(const struct sl_node_obj *n, const struct sl_network_obj *net)
{
	enum sl_family family;
	unsigned int encap;
	uint32_t most = 0, overhead;

	if (net->encap == SL_ENCAP_NONE)
		return 0;
	for (size_t i = 0; sl_node_choice(n, i, &family, &encap); i++) {
		overhead = may_carry(encap, net) ? sl_encap_overhead(encap, family) : 0;
		most = overhead > most ? overhead : most;
	}
	return most != 0 ? most : sl_encap_overhead(net->encap, sl_family_of(&n->address));
}

uint32_t sl_node_overhead_least(const struct sl_node_obj *n, uint32_t otherwise)
{
	uint32_t least = n->encaps.n == 0 ? otherwise : UINT32_MAX, overhead;
	enum sl_family family;
	unsigned int encap;

	for (size_t i = 0; sl_node_choice(n, i, &family, &encap); i++) {
		overhead = encap != SL_ENCAP_COUNT ? sl_encap_overhead(encap, family) : least;
		least = overhead < least ? overhead : least;
	}
	return least;
}

unsigned int sl_node_encap_now(const struct sl_underlay *u, const struct sl_node_obj *n)
{
	const struct sl_node_encap_obj *e = n->encaps.items;

	for (size_t i = 0; i < n->encaps.n; i++)
		if (sl_underlay_has_way(u, n->o.id, sl_node_encap_family(n, &e[i])))
			return e[i].encap;
	return n->encaps.n > 0 ? e[0].encap : SL_ENCAP_COUNT;
}
