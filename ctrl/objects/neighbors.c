/* SPDX-License-Identifier: BSD-3-Clause */
/* The collection of neighbors. */
#include <stdio.h>

#include "fields.h"
#include "tables.h"
#include "collections.h"
#include "neighbors.h"
#include "ports.h"
#include "ctrl/model/store.h"

static const struct sl_field neighbor_fields[] = {
	SL_FIELD(sl_neighbor_obj, port, SL_F_KEPT_NAME, .flags = SL_FIELD_REQUIRED | SL_FIELD_KEY,
		.help = "The underlay port on whose link it is."),
	SL_FIELD(sl_neighbor_obj, address, SL_F_IP, .flags = SL_FIELD_REQUIRED | SL_FIELD_KEY,
		.help = "Its address."),
	SL_FIELD(sl_neighbor_obj, mac, SL_F_MAC, .flags = SL_FIELD_REQUIRED, .help = "Its MAC."),
};

static int check_neighbor(const void *obj, struct sl_err *e)
{
	return sl_check_unicast(&((const struct sl_neighbor_obj *)obj)->address, "address", e);
}

const struct sl_shape sl_shape_neighbor = SL_SHAPE("neighbor", sl_neighbor_obj, neighbor_fields,
	"A fixed MAC of an underlay address; without one it is asked for.",
	.check = check_neighbor);

static void make_key(const void *obj, char key[SL_KEY_LEN])
{
	const struct sl_neighbor_obj *n = obj;
	char text[SL_IP_STR_LEN];

	snprintf(key, SL_KEY_LEN, "%s/%s", n->port, sl_format_ip(&n->address, text));
}

static const struct sl_ref_row refs[] = {
	{"port", offsetof(struct sl_neighbor_obj, port), SL_F_KEPT_NAME, SL_COLL_PORTS},
};

static int check(const struct sl_check *c, struct sl_err *e)
{
	return sl_check_underlay_port(c, &sl_collection_neighbors, e);
}

static int neighbor_own(const struct sl_store *s, const struct sl_object *o, struct sl_err *e)
{
	const struct sl_neighbor_obj *n = (const struct sl_neighbor_obj *)o;

	return sl_check_not_own(s, &sl_collection_neighbors, o, &n->address, "address",
		"give the address of the other end", e);
}

static const struct sl_rule rules[] = {
	{"neighbor_own_address", neighbor_own},
};

const struct sl_collection sl_collection_neighbors = {
	.id = SL_COLL_NEIGHBORS,
	.name = "neighbors",
	.singular = "neighbor",
	.help = "Fixed underlay MACs.",
	.shape = &sl_shape_neighbor,
	.key_field = "address",
	.make_key = make_key,
	.capacity = SL_NODES_MAX - 1,
	.refs = refs,
	.n_refs = sizeof(refs) / sizeof(refs[0]),
	.check = check,
	.rules = rules,
	.n_rules = sizeof(rules) / sizeof(rules[0]),
	.tables = &sl_neighbors_tables,
};
