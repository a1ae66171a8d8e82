/* SPDX-License-Identifier: BSD-3-Clause */
/* The collection of identities. */
#include <stdio.h>

#include "fields.h"
#include "tables.h"
#include "collections.h"
#include "identities.h"

#define ALLOCATE_FROM 4096 /* lower numbers are left to declared identities */

static const struct sl_field identity_fields[] = {
	SL_FIELD_AS("id", sl_identity_obj, id_number, SL_F_UINT,
		.flags = SL_FIELD_REQUIRED | SL_FIELD_KEY, .min = SL_IDENTITY_MIN,
		.max = SL_IDENTITY_MAX,
		.help = "The number that tunnels carry; above 65535, VXLAN-GBP cannot."),
	SL_FIELD(sl_identity_obj, labels, SL_F_LABELS, .flags = SL_FIELD_REQUIRED,
		.help = "Exactly the labels of the endpoints that have it; unique."),
};

const struct sl_shape sl_shape_identity = SL_SHAPE(
	"identity", sl_identity_obj, identity_fields, "A number bound to a set of labels.");

static void make_key(const void *obj, char key[SL_KEY_LEN])
{
	snprintf(key, SL_KEY_LEN, "%u", ((const struct sl_identity_obj *)obj)->id_number);
}

const struct sl_collection sl_collection_identities = {
	.id = SL_COLL_IDENTITIES,
	.name = "identities",
	.singular = "identity",
	.help = "Declared identities.",
	.shape = &sl_shape_identity,
	.key_field = "id",
	.make_key = make_key,
	.key_is_number = true,
	.capacity = SL_IDENTITY_NARROW_MAX - SL_IDENTITY_MIN + 1,
	.check = sl_identity_check_width,
	.labels_role = SL_LABELS_DECLARED,
	.labels_at = offsetof(struct sl_identity_obj, labels),
	.number_at = offsetof(struct sl_identity_obj, id_number),
	.number_min = ALLOCATE_FROM,
	.number_max = SL_IDENTITY_NARROW_MAX,
	.derived_field = "allocated",
	.derived_help =
		"The daemon made it for endpoints whose labels no identity was declared for. "
		"On input, an identity that says true is ignored.",
	.tables = &sl_identities_tables,
};
