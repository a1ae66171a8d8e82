/* SPDX-License-Identifier: BSD-3-Clause */
/* The indexes: references in reverse, what may stand only once, and who has which labels. */
#include <assert.h>
#include <stdio.h>

#include "ctrl/shape/field.h"
#include "store_impl.h"

/* Longest text of a label set: all its keys and values with their NULs. */
#define LABELS_KEY_MAX (SL_LABELS_MAX * (SL_LABEL_KEY_LEN + SL_LABEL_LEN + 2))

static size_t labels_key(const struct sl_labels *labels, char key[LABELS_KEY_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < labels->n; i++) {
		size_t k = strlen(labels->pair[i].key) + 1, v = strlen(labels->pair[i].value) + 1;

		if (n + k + v > LABELS_KEY_MAX)
			return SIZE_MAX;
		memcpy(key + n, labels->pair[i].key, k);
		memcpy(key + n + k, labels->pair[i].value, v);
		n += k + v;
	}
	return n;
}

struct sl_labelset *sl_labelset_find(const struct sl_store *s, const struct sl_labels *labels)
{
	char key[LABELS_KEY_MAX];
	size_t len = labels_key(labels, key);
	struct sl_labelset *set = NULL;

	if (len != SIZE_MAX)
		HASH_FIND(hh, s->labelsets, key, len, set);
	return set;
}

static struct sl_labelset *labelset_hold(struct sl_store *s, const struct sl_labels *labels)
{
	struct sl_labelset *set = sl_labelset_find(s, labels);
	char key[LABELS_KEY_MAX];
	size_t len;

	if (set != NULL) {
		set->holders++;
		return set;
	}
	len = labels_key(labels, key);
	if (len == SIZE_MAX)
		return NULL;
	set = calloc(1, sizeof(*set) + len + 1);
	if (set == NULL)
		return NULL;
	memcpy(set->key, key, len);
	set->key_len = len;
	set->holders = 1;
	HASH_ADD_KEYPTR(hh, s->labelsets, set->key, set->key_len, set);
	sl_table_make_room(set->hh.tbl);
	return set;
}

static void labelset_free_unheld(struct sl_store *s, struct sl_labelset *set)
{
	if (set->holders > 0 || set->touched)
		return;
	HASH_DELETE(hh, s->labelsets, set);
	free(set);
}

static void labelset_touch(struct sl_store *s, struct sl_labelset *set)
{
	if (set->touched)
		return;
	set->touched = true;
	set->touched_next = s->touched;
	s->touched = set;
}

void sl_labelsets_untouch(struct sl_store *s)
{
	while (s->touched != NULL) {
		struct sl_labelset *set = s->touched;

		s->touched = set->touched_next;
		set->touched = false;
		labelset_free_unheld(s, set);
	}
}

uint16_t sl_store_identity_of(const struct sl_store *s, const struct sl_labels *labels)
{
	const struct sl_labelset *set = sl_labelset_find(s, labels);

	if (set == NULL || set->identity == NULL || set->identity->obj == NULL)
		return SL_IDENTITY_UNKNOWN;
	return (uint16_t)((const struct sl_identity_obj *)set->identity->obj)->id_number;
}

static size_t count_uniques(enum sl_collection_id c, const struct sl_object *o)
{
	switch (c) {
	case SL_COLL_PORTS:
		return ((const struct sl_port_obj *)o)->addresses.n;
	case SL_COLL_ENDPOINTS:
		return ((const struct sl_endpoint_obj *)o)->addresses.n;
	case SL_COLL_NETWORKS:
	case SL_COLL_NODES:
		return 1;
	default:
		return 0;
	}
}

/* The scope of endpoints' addresses is set by attach, once the network is known. */
static void fill_unique(
	enum sl_collection_id c, const struct sl_object *o, size_t i, struct sl_unique_key *k)
{
	switch (c) {
	case SL_COLL_PORTS:
		k->kind = SL_UNIQUE_PORT_ADDRESS;
		k->ip = ((const struct sl_prefix *)((const struct sl_port_obj *)o)
				 ->addresses.items)[i]
				.ip;
		break;
	case SL_COLL_ENDPOINTS:
		k->kind = SL_UNIQUE_ENDPOINT_ADDRESS;
		k->ip = ((const struct sl_ip *)((const struct sl_endpoint_obj *)o)
				 ->addresses.items)[i];
		break;
	case SL_COLL_NETWORKS:
		k->kind = SL_UNIQUE_VNI;
		k->scope = ((const struct sl_network_obj *)o)->vni;
		break;
	default:
		k->kind = SL_UNIQUE_NODE_ADDRESS;
		k->ip = ((const struct sl_node_obj *)o)->address;
	}
}

static const struct sl_labels *labels_of(const struct sl_entry *en)
{
	if (en->coll == SL_COLL_ENDPOINTS)
		return &((const struct sl_endpoint_obj *)en->obj)->labels;
	if (en->coll == SL_COLL_IDENTITIES)
		return &((const struct sl_identity_obj *)en->obj)->labels;
	return NULL;
}

static void fill_refs(struct sl_links *l)
{
	const struct sl_entry *en = l->entry;

	for (size_t i = 0; i < sl_n_ref_defs; i++) {
		const struct sl_ref_def *d = &sl_ref_defs[i];
		uint32_t n = d->from == en->coll ? sl_ref_names(d, en->obj) : 0;

		for (uint32_t k = 0; k < n; k++)
			l->refs[l->n_refs++] = (struct sl_ref){.from = l, .def = d, .index = k};
	}
}

struct sl_links *sl_links_create(struct sl_store *s, struct sl_entry *en, struct sl_err *e)
{
	const struct sl_labels *labels = labels_of(en);
	size_t n = count_uniques(en->coll, en->obj), n_refs = sl_ref_count(en->coll, en->obj);
	struct sl_links *l =
		calloc(1, sizeof(*l) + n * sizeof(l->uniques[0]) + n_refs * sizeof(l->refs[0]));

	if (l == NULL)
		goto no_memory;
	l->entry = en;
	l->refs = (struct sl_ref *)(void *)&l->uniques[n];
	fill_refs(l);
	for (size_t i = 0; i < n; i++) {
		l->uniques[i].owner = l;
		fill_unique(en->coll, en->obj, i, &l->uniques[i].key);
	}
	l->n_uniques = n;
	if (labels != NULL) {
		l->labels = labelset_hold(s, labels);
		if (l->labels == NULL)
			goto no_memory;
		l->is_user = en->coll == SL_COLL_ENDPOINTS;
		l->user.from = l;
	}
	return l;
no_memory:
	free(l);
	sl_err_set(e, SL_ERR_INTERNAL, "", "out of memory");
	return NULL;
}

void sl_links_destroy(struct sl_store *s, struct sl_links *l)
{
	if (l == NULL)
		return;
	if (l->labels != NULL) {
		l->labels->holders--;
		labelset_free_unheld(s, l->labels);
	}
	free(l);
}

static int unique_refused(
	const struct sl_unique *u, const struct sl_unique *other, size_t i, struct sl_err *e)
{
	const struct sl_entry *a = u->owner->entry, *b = other->owner->entry;
	char mine[SL_WHAT_LEN], theirs[SL_WHAT_LEN], ip[SL_IP_STR_LEN], path[32];

	sl_object_what(a->coll, a->obj, mine);
	sl_object_what(b->coll, b->obj, theirs);
	switch (u->key.kind) {
	case SL_UNIQUE_VNI:
		return sl_err_set(e, SL_ERR_EXISTS, "vni", "VNI %u of %s is that of %s already",
			u->key.scope, mine, theirs);
	case SL_UNIQUE_NODE_ADDRESS:
		return sl_err_set(e, SL_ERR_EXISTS, "address",
			"tunnel address %s of %s is that of %s already",
			sl_format_ip(&u->key.ip, ip), mine, theirs);
	case SL_UNIQUE_PORT_ADDRESS:
		snprintf(path, sizeof(path), "addresses[%zu]", i);
		return sl_err_set(e, SL_ERR_EXISTS, path, "address %s of %s is that of %s already",
			sl_format_ip(&u->key.ip, ip), mine, theirs);
	default:
		snprintf(path, sizeof(path), "addresses[%zu]", i);
		return sl_err_set(e, SL_ERR_EXISTS, path,
			"address %s of %s is that of %s in network \"%s\" already",
			sl_format_ip(&u->key.ip, ip), mine, theirs,
			((const struct sl_endpoint_obj *)a->obj)->network);
	}
}

const struct sl_object *sl_unique_owner(
	const struct sl_store *s, enum sl_unique_kind kind, const struct sl_ip *ip)
{
	const struct sl_unique_key key = {.kind = kind, .ip = *ip};
	const struct sl_unique *u;

	HASH_FIND(hh, s->uniques, &key, sizeof(key), u);
	return u != NULL ? u->owner->entry->obj : NULL;
}

static void unique_add(struct sl_store *s, struct sl_unique *u)
{
	HASH_ADD(hh, s->uniques, key, sizeof(u->key), u);
	sl_table_make_room(u->hh.tbl);
	u->in_map = true;
}

static int attach_uniques(struct sl_store *s, struct sl_links *l, struct sl_err *e)
{
	for (size_t i = 0; i < l->n_uniques; i++) {
		struct sl_unique *u = &l->uniques[i], *other;

		if (u->key.kind == SL_UNIQUE_ENDPOINT_ADDRESS)
			u->key.scope = l->refs[0].to->id; /* its first reference is the network */
		HASH_FIND(hh, s->uniques, &u->key, sizeof(u->key), other);
		if (other != NULL)
			return unique_refused(u, other, i, e);
		unique_add(s, u);
	}
	return 0;
}

static void number_set(struct sl_store *s, const struct sl_entry *en, bool used)
{
	uint32_t n = (uint32_t)strtoul(en->hh.key, NULL, 10);

	if (used)
		s->numbers[n / 64] |= UINT64_C(1) << n % 64;
	else
		s->numbers[n / 64] &= ~(UINT64_C(1) << n % 64);
}

static int attach_labels(struct sl_store *s, struct sl_links *l, struct sl_err *e)
{
	struct sl_labelset *set = l->labels;

	if (set == NULL)
		return 0;
	labelset_touch(s, set);
	if (l->is_user) {
		DL_APPEND(set->users, &l->user);
		return 0;
	}
	if (set->identity != NULL) {
		sl_err_set(e, SL_ERR_EXISTS, "labels",
			"identity %s has exactly the labels of identity %s", l->entry->obj->key,
			set->identity->obj->key);
		sl_err_hint(e, "an endpoint has the identity of its labels; let one of the two go");
		return -EEXIST;
	}
	set->identity = l->entry;
	number_set(s, l->entry, true);
	return 0;
}

int sl_links_attach(struct sl_store *s, struct sl_links *l, struct sl_err *e)
{
	int ret;

	for (size_t i = 0; i < l->n_refs; i++) {
		ret = sl_ref_resolve(s, &l->refs[i], e);
		if (ret != 0)
			return ret;
	}
	l->attached = true;
	for (size_t i = 0; i < l->n_refs; i++)
		DL_APPEND(l->refs[i].to->in, &l->refs[i]);
	ret = attach_labels(s, l, e);
	return ret != 0 ? ret : attach_uniques(s, l, e);
}

void sl_links_attach_again(struct sl_store *s, struct sl_links *l)
{
	if (l == NULL)
		return;
	l->attached = true;
	for (size_t i = 0; i < l->n_refs; i++)
		DL_APPEND(l->refs[i].to->in, &l->refs[i]);
	for (size_t i = 0; i < l->n_uniques; i++)
		unique_add(s, &l->uniques[i]);
	if (l->labels == NULL)
		return;
	labelset_touch(s, l->labels);
	if (l->is_user) {
		DL_APPEND(l->labels->users, &l->user);
	} else {
		l->labels->identity = l->entry;
		number_set(s, l->entry, true);
	}
}

void sl_links_detach(struct sl_store *s, struct sl_links *l)
{
	if (l == NULL || !l->attached)
		return;
	l->attached = false;
	for (size_t i = 0; i < l->n_refs; i++)
		DL_DELETE(l->refs[i].to->in, &l->refs[i]);
	for (size_t i = 0; i < l->n_uniques; i++) {
		if (!l->uniques[i].in_map)
			continue;
		HASH_DELETE(hh, s->uniques, &l->uniques[i]);
		l->uniques[i].in_map = false;
	}
	if (l->labels == NULL)
		return;
	labelset_touch(s, l->labels);
	if (l->is_user) {
		DL_DELETE(l->labels->users, &l->user);
	} else if (l->labels->identity == l->entry) {
		l->labels->identity = NULL;
		number_set(s, l->entry, false);
	}
}
