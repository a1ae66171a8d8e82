/* SPDX-License-Identifier: BSD-3-Clause */
/* Which field of which collection names objects of which other, and what is said when one is
 * missing. */
#include <stdio.h>

#include "store_impl.h"

/* An endpoint's network stands first: its id is the scope of the endpoint's addresses. */
const struct sl_ref_def sl_ref_defs[] = {
	{SL_COLL_ENDPOINTS, SL_COLL_NETWORKS, "network", SL_F_KEPT_NAME,
		offsetof(struct sl_endpoint_obj, network)},
	{SL_COLL_ENDPOINTS, SL_COLL_PORTS, "port", SL_F_KEPT_NAME,
		offsetof(struct sl_endpoint_obj, port)},
	{SL_COLL_ENDPOINTS, SL_COLL_NODES, "node", SL_F_KEPT_NAME,
		offsetof(struct sl_endpoint_obj, node)},
	{SL_COLL_NEIGHBORS, SL_COLL_PORTS, "port", SL_F_KEPT_NAME,
		offsetof(struct sl_neighbor_obj, port)},
	{SL_COLL_ROUTES, SL_COLL_PORTS, "port", SL_F_KEPT_NAME,
		offsetof(struct sl_route_obj, port)},
	{SL_COLL_POLICIES, SL_COLL_NETWORKS, "network", SL_F_NAMES,
		offsetof(struct sl_policy_obj, networks)},
};
const size_t sl_n_ref_defs = sizeof(sl_ref_defs) / sizeof(sl_ref_defs[0]);

uint32_t sl_ref_names(const struct sl_ref_def *d, const struct sl_object *obj)
{
	const char *field = (const char *)obj + d->offset;

	if (d->type == SL_F_NAMES)
		return ((const struct sl_names *)(const void *)field)->n;
	return **(const char *const *)(const void *)field != '\0';
}

size_t sl_ref_count(enum sl_collection_id c, const struct sl_object *obj)
{
	size_t n = 0;

	for (size_t i = 0; i < sl_n_ref_defs; i++)
		if (sl_ref_defs[i].from == c)
			n += sl_ref_names(&sl_ref_defs[i], obj);
	return n;
}

static const char *key_of(const struct sl_ref *r)
{
	const char *field = (const char *)r->from->entry->obj + r->def->offset;

	if (r->def->type == SL_F_NAMES)
		return ((const struct sl_names *)(const void *)field)->name[r->index];
	return *(const char *const *)(const void *)field;
}

/* Where the name stands: "port", or "network[2]" in a list. */
static const char *path_of(const struct sl_ref *r, char buf[32])
{
	if (sl_ref_names(r->def, r->from->entry->obj) == 1)
		return r->def->field;
	snprintf(buf, 32, "%s[%u]", r->def->field, r->index);
	return buf;
}

int sl_ref_resolve(const struct sl_store *s, struct sl_ref *r, struct sl_err *e)
{
	const struct sl_entry *from = r->from->entry;
	const char *key = key_of(r);
	const struct sl_collection *to = &sl_collections[r->def->to];
	char what[SL_WHAT_LEN], path[32];

	r->to = sl_entry_find(s, r->def->to, key);
	if (r->to != NULL && r->to->obj != NULL)
		return 0;
	sl_object_what(from->coll, from->obj, what);
	if (r->to != NULL)
		return sl_err_set(e, SL_ERR_REFERENCE, path_of(r, path),
			"%s refers to %s \"%s\", which the same transaction removes", what,
			to->singular, key);
	sl_err_set(e, SL_ERR_REFERENCE, path_of(r, path),
		"%s refers to %s \"%s\", which does not exist", what, to->singular, key);
	sl_err_hint(e, "add the %s before, or in the same transaction", to->singular);
	return -EBUSY;
}

int sl_refs_check_removed(const struct sl_store *s, const struct sl_entry *en,
	const struct sl_object *removed, struct sl_err *e)
{
	const size_t named_max = 3;
	char what[SL_WHAT_LEN], list[512] = "";
	size_t n = 0, n_named = 0, len = 0;
	const struct sl_ref *r;

	(void)s;
	if (en->in == NULL)
		return 0;
	DL_FOREACH (en->in, r) {
		const struct sl_entry *from = r->from->entry;

		n++;
		sl_object_what(from->coll, from->obj, what);
		if (n_named >= named_max || len + strlen(what) + 3 > sizeof(list))
			continue;
		len += (size_t)snprintf(
			list + len, sizeof(list) - len, "%s%s", n_named > 0 ? ", " : "", what);
		n_named++;
	}
	sl_object_what(en->coll, removed, what);
	if (n > n_named)
		sl_err_set(e, SL_ERR_REFERENCE, sl_collections[en->coll].key_field,
			"%s is referred to by %s and %zu more", what, list, n - n_named);
	else
		sl_err_set(e, SL_ERR_REFERENCE, sl_collections[en->coll].key_field,
			"%s is referred to by %s", what, list);
	sl_err_hint(e, "remove what refers to it before, or in the same transaction");
	return -EBUSY;
}

void sl_store_referrers(const struct sl_store *s, enum sl_collection_id c, const char *key,
	bool (*fn)(enum sl_collection_id by, const struct sl_object *o, void *ctx), void *ctx)
{
	const struct sl_entry *en = sl_entry_find(s, c, key);
	const struct sl_ref *r;

	if (en == NULL)
		return;
	DL_FOREACH (en->in, r)
		if (!fn(r->from->entry->coll, r->from->entry->obj, ctx))
			return;
	/* An identity's endpoints name its labels, not its number. */
	if (c != SL_COLL_IDENTITIES || en->links == NULL || !en->links->attached)
		return;
	DL_FOREACH (en->links->labels->users, r)
		if (!fn(SL_COLL_ENDPOINTS, r->from->entry->obj, ctx))
			return;
}
