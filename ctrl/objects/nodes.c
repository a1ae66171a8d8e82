/* SPDX-License-Identifier: BSD-3-Clause */
/* The collection of nodes. */
#include <stdarg.h>
#include <stdio.h>

#include "fields.h"
#include "tables.h"
#include "collections.h"
#include "nodes.h"
#include "ctrl/model/store.h"

static const char *const trusts[] = {"verify", "claim", "ignore", NULL};
static const char *const checksums[] = {"zero", "compute", NULL};

static const struct sl_field node_encap_fields[] = {
	SL_FIELD(sl_node_encap_obj, encap, SL_F_ENUM, .flags = SL_FIELD_REQUIRED,
		.names = sl_encap_names, .help = "The encapsulation."),
	SL_FIELD(sl_node_encap_obj, family, SL_F_ENUM, SL_PRESENT(sl_node_encap_obj, has_family),
		.names = sl_family_names,
		.help = "The underlay's address family; absent: that of the node's address."),
	SL_FIELD(sl_node_encap_obj, port, SL_F_UINT, .min = 1, .max = 65535,
		.help = "UDP port that the node listens on; absent: the standard one."),
};
static const struct sl_shape node_encap_shape = SL_SHAPE("node_encap", sl_node_encap_obj,
	node_encap_fields, "An encapsulation that carries packets to a node.");
static const struct sl_field node_encap = {.name = "encap",
	.type = SL_F_OBJECT,
	.shape = &node_encap_shape,
	.help = "An encapsulation."};
static const struct sl_field further_address = {
	.name = "address", .type = SL_F_IP, .help = "A tunnel address."};

static const struct sl_field node_fields[] = {
	SL_FIELD(sl_node_obj, name, SL_F_KEPT_NAME, .flags = SL_FIELD_REQUIRED | SL_FIELD_KEY,
		.help = "The node's name."),
	SL_FIELD(sl_node_obj, address, SL_F_IP, .flags = SL_FIELD_REQUIRED,
		.help = "Its tunnel address."),
	SL_FIELD(sl_node_obj, addresses, SL_F_LIST, .flags = SL_FIELD_UNIQUE,
		.max = SL_NODE_ADDRESSES_MAX, .elem = &further_address,
		.help = "Further tunnel addresses, for instance of the other family. Tunnels go to "
			"the first of each family; packets are taken from all."),
	SL_FIELD(sl_node_obj, encaps, SL_F_LIST, .max = SL_NODE_WAYS_MAX, .elem = &node_encap,
		.help = "Carry packets to the node: the first one is used that the network allows "
			"and the underlay has a way for. They are taken from the node as well. "
			"Absent: the encap of each network, over the family of address."),
	SL_FIELD(sl_node_obj, identity_trust, SL_F_ENUM, .names = trusts,
		.help = "The sender's identity that packets of the node carry. verify: one that is "
			"not the sender's is dropped; claim: it counts as the sender's; ignore."),
	SL_FIELD(sl_node_obj, udp6_checksum, SL_F_ENUM, .names = checksums,
		.help = "UDP checksum of tunnel packets to the node over IPv6. zero: RFC 6935; "
			"compute: for nodes that drop packets without one. Both are taken."),
	SL_FIELD(sl_node_obj, zone, SL_F_KEPT_NAME, .help = "The zone it stands in."),
	SL_FIELD(sl_node_obj, mtu, SL_F_UINT, .min = SL_MTU_MIN, .max = 65535,
		.help = "Largest outer IP packet on the way there; absent: the port's."),
};

/* The path of an address in an error. */
static const char *address_path(size_t i, char path[32])
{
	if (i == 0)
		return "address";
	snprintf(path, 32, "addresses[%zu]", i - 1);
	return path;
}

static int check_node_addresses(const struct sl_node_obj *n, struct sl_err *e)
{
	char path[32], ip[SL_IP_STR_LEN];

	for (size_t i = 0; i < sl_node_n_addresses(n); i++) {
		if (sl_check_unicast(sl_node_address_at(n, i), address_path(i, path), e) != 0)
			return -EINVAL;
		if (i > 0 && sl_ip_equal(sl_node_address_at(n, i), &n->address))
			return sl_err_set(e, SL_ERR_PARAMS, address_path(i, path),
				"%s is the node's address already", sl_format_ip(&n->address, ip));
	}
	return 0;
}

static int refuse_way(size_t i, const char *field, struct sl_err *e, const char *hint,
	const char *fmt, ...) __attribute__((format(printf, 5, 6)));

static int refuse_way(
	size_t i, const char *field, struct sl_err *e, const char *hint, const char *fmt, ...)
{
	char path[40], text[256];
	va_list ap;

	snprintf(path, sizeof(path), "encaps[%zu].%s", i, field);
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sl_err_set(e, SL_ERR_PARAMS, path, "%s", text);
	sl_err_hint(e, "%s", hint);
	return -EINVAL;
}

/* A second entry of an encapsulation and family would never be used. */
static int check_repeated(const struct sl_node_obj *n, size_t i, struct sl_err *e)
{
	const struct sl_node_encap_obj *w = n->encaps.items;
	enum sl_family family = sl_node_encap_family(n, &w[i]);

	for (size_t j = 0; j < i; j++)
		if (w[j].encap == w[i].encap && sl_node_encap_family(n, &w[j]) == family)
			return refuse_way(i, "encap", e, "leave one of the two out",
				"%s over %s is there already, as encaps[%zu]",
				sl_encap_names[w[i].encap], sl_family_word(family), j);
	return 0;
}

static int check_node_encap(const struct sl_node_obj *n, size_t i, struct sl_err *e)
{
	const struct sl_node_encap_obj *w = (const struct sl_node_encap_obj *)n->encaps.items + i;
	enum sl_family family = sl_node_encap_family(n, w);

	if (w->encap == SL_ENCAP_NONE)
		return refuse_way(i, "encap", e, "give a network \"encap\": \"none\"",
			"a node has no packets without encapsulation: networks have");
	if (w->port != 0 && sl_encaps[w->encap]->udp_port == 0)
		return refuse_way(i, "port", e, "leave it out", "%s has no UDP port",
			sl_encap_names[w->encap]);
	if (sl_node_address_of(n, family) == NULL)
		return refuse_way(i, w->has_family ? "family" : "encap", e,
			"give the address in addresses, or another family",
			"node \"%s\" has no %s address for %s", n->name, sl_family_word(family),
			sl_encap_names[w->encap]);
	return check_repeated(n, i, e);
}

static int check_node(const void *obj, struct sl_err *e)
{
	const struct sl_node_obj *n = obj;
	int ret = check_node_addresses(n, e);

	for (size_t i = 0; i < n->encaps.n && ret == 0; i++)
		ret = check_node_encap(n, i, e);
	return ret;
}

const struct sl_shape sl_shape_node = SL_SHAPE("node", sl_node_obj, node_fields,
	"Another node of the fabric, reached by tunnel.", .check = check_node);

SL_KEY_OF_NAME(make_key, sl_node_obj)

static size_t count_addresses(const struct sl_object *o)
{
	return sl_node_n_addresses((const struct sl_node_obj *)o);
}

static void fill_address(const struct sl_object *o, size_t i, struct sl_unique_key *key)
{
	key->ip = *sl_node_address_at((const struct sl_node_obj *)o, i);
}

static int refuse_address(const struct sl_object *o, size_t i, const struct sl_unique_key *key,
	const char *mine, const char *theirs, struct sl_err *e)
{
	char ip[SL_IP_STR_LEN], path[32];

	(void)o;
	return sl_err_set(e, SL_ERR_EXISTS, address_path(i, path),
		"tunnel address %s of %s is that of %s already", sl_format_ip(&key->ip, ip), mine,
		theirs);
}

static const struct sl_uniques uniques = {
	.count = count_addresses, .fill = fill_address, .refuse = refuse_address};

static int node_own(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	const struct sl_node_obj *n = (const struct sl_node_obj *)o;
	char path[32];
	int ret = 0;

	for (size_t i = 0; i < sl_node_n_addresses(n) && ret == 0; i++)
		ret = sl_check_not_own(s, &sl_collection_nodes, o, sl_node_address_at(n, i),
			address_path(i, path), "nodes lists the other nodes of the fabric only", e);
	return ret;
}

static int node_mtu(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	const struct sl_node_obj *n = (const struct sl_node_obj *)o;
	uint32_t overhead =
		sl_node_overhead_least(n, sl_overhead_least(s, sl_family_of(&n->address)));

	if (n->mtu == 0 || n->mtu >= SL_INNER_MTU_MIN + overhead)
		return 0;
	sl_err_set(e, SL_ERR_PARAMS, "mtu",
		"mtu %u of node \"%s\" leaves %u bytes for workloads' packets after %u of tunnel "
		"headers; %u are the least that hosts can work with",
		n->mtu, n->name, sl_inner_mtu(n->mtu, overhead), overhead, SL_INNER_MTU_MIN);
	sl_err_hint(e, "give at least %u, or leave mtu out for the port's",
		SL_INNER_MTU_MIN + overhead);
	return -EINVAL;
}

static const struct sl_rule rules[] = {
	{"node_own_address", node_own},
	{"node_mtu", node_mtu},
};

const struct sl_collection sl_collection_nodes = {
	.id = SL_COLL_NODES,
	.name = "nodes",
	.singular = "node",
	.help = "The other nodes of the fabric.",
	.shape = &sl_shape_node,
	.key_field = "name",
	.make_key = make_key,
	.capacity = SL_NODES_MAX - 1,
	.uniques = &uniques,
	.rules = rules,
	.n_rules = sizeof(rules) / sizeof(rules[0]),
	.tables = &sl_nodes_tables,
};
