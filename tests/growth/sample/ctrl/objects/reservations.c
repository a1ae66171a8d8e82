/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The collection of reservations: addresses of a network that are kept for somebody. A reservation
 * reports which endpoint has its address. Packets do not depend on reservations, so they have no
 * tables.
 */
#include <stdlib.h>
#include <string.h>

#include "collections.h"
#include "ctrl/model/store.h"
#include "fields.h"
#include "networks.h"
#include "report.h"

#define RESERVATIONS_MAX 65536

struct reservation {
	struct sl_object o;
	const char *name;
	const char *network;
	struct sl_ip address;
	char *holder;
};

struct reservation_reported {
	bool has_endpoint;
	char *endpoint;
};

/* The object alone: types, ranges, and what is required. Decoding, discovery and help follow. */
static const struct sl_field reservation_fields[] = {
	SL_FIELD(reservation, name, SL_F_KEPT_NAME, .flags = SL_FIELD_REQUIRED | SL_FIELD_KEY,
		.help = "The reservation's name."),
	SL_FIELD(reservation, network, SL_F_KEPT_NAME, .flags = SL_FIELD_REQUIRED,
		.help = "The network that the address is in."),
	SL_FIELD(reservation, address, SL_F_IP, .flags = SL_FIELD_REQUIRED,
		.help = "The address; unique in the network."),
	SL_FIELD(reservation, holder, SL_F_STRING, .max = 255, .help = "Who may use it, in words."),
};

static int check_reservation(const void *obj, struct sl_err *e)
{
	return sl_check_unicast(&((const struct reservation *)obj)->address, "address", e);
}

static const struct sl_shape reservation_shape = SL_SHAPE("reservation", reservation,
	reservation_fields, "An address that is kept for somebody.", .check = check_reservation);

static const struct sl_field reported_fields[] = {
	SL_FIELD(reservation_reported, endpoint, SL_F_STRING,
		SL_PRESENT(reservation_reported, has_endpoint), .max = SL_NAME_LEN - 1,
		.help = "The endpoint that has the address; absent: none has."),
};

static const struct sl_shape reported_shape = SL_SHAPE("reservation_reported", reservation_reported,
	reported_fields, "What is known beside a reservation.");

static void report(const struct sl_report_ctx *ctx, const struct sl_object *o, void *reported)
{
	const struct reservation *r = (const struct reservation *)o;
	const struct sl_unique_key key = {.ip = r->address,
		.scope = sl_store_id_of(ctx->store, SL_COLL_NETWORKS, r->network)};
	const struct sl_object *endpoint =
		sl_store_unique_owner(ctx->store, SL_COLL_ENDPOINTS, &key);
	struct reservation_reported *out = reported;

	out->endpoint = endpoint != NULL ? strdup(endpoint->key) : NULL;
	out->has_endpoint = out->endpoint != NULL;
}

SL_KEY_OF_NAME(make_key, reservation)

/* A reference to nothing is refused, and so is the removal of a network that has reservations. */
static const struct sl_ref_row refs[] = {
	{"network", offsetof(struct reservation, network), SL_F_KEPT_NAME, SL_COLL_NETWORKS},
};

static size_t count_addresses(const struct sl_object *o)
{
	(void)o;
	return 1;
}

static void fill_address(const struct sl_object *o, size_t i, struct sl_unique_key *key)
{
	(void)i;
	key->ip = ((const struct reservation *)o)->address;
}

static int refuse_address(const struct sl_object *o, size_t i, const struct sl_unique_key *key,
	const char *mine, const char *theirs, struct sl_err *e)
{
	char ip[SL_IP_STR_LEN];

	(void)i;
	return sl_err_set(e, SL_ERR_EXISTS, "address",
		"address %s of %s is that of %s in network \"%s\" already",
		sl_format_ip(&key->ip, ip), mine, theirs, ((const struct reservation *)o)->network);
}

static const struct sl_uniques uniques = {.count = count_addresses,
	.fill = fill_address,
	.refuse = refuse_address,
	.in_first_ref = true};

/* The object among the others. Also called when the subnets of its network change. */
static int check(const struct sl_check *c, struct sl_err *e)
{
	const struct reservation *r = (const struct reservation *)c->obj;
	const struct sl_network_obj *net =
		(const struct sl_network_obj *)sl_check_target(c, SL_COLL_NETWORKS);
	const struct sl_subnet_obj *subnet = net->subnets.items;
	char ip[SL_IP_STR_LEN];

	for (size_t i = 0; i < net->subnets.n; i++)
		if (sl_prefix_contains(&subnet[i].prefix, &r->address))
			return sl_check_host(&subnet[i].prefix, &r->address, "address", e);
	if (net->subnets.n == 0)
		return 0;
	sl_err_set(e, SL_ERR_PARAMS, "address",
		"address %s of reservation \"%s\" is in none of the subnets of network \"%s\"",
		sl_format_ip(&r->address, ip), r->name, net->name);
	sl_err_hint(e, "take an address of a subnet, or add the subnet to the network");
	return -EINVAL;
}

const struct sl_collection sl_collection_reservations = {
	.id = SL_COLL_RESERVATIONS,
	.name = "reservations",
	.singular = "reservation",
	.help = "Addresses that are kept for somebody.",
	.shape = &reservation_shape,
	.reported = &reported_shape,
	.report = report,
	.key_field = "name",
	.make_key = make_key,
	.capacity = RESERVATIONS_MAX,
	.refs = refs,
	.n_refs = sizeof(refs) / sizeof(refs[0]),
	.uniques = &uniques,
	.check = check,
};
