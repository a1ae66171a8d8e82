/* SPDX-License-Identifier: BSD-3-Clause */
#include "labels.h"

#include "build.h"

#include <sys/random.h>

uint64_t sl_policy_seed;

struct label {
	struct sl_vec ids;	 /* uint32_t, ascending: identities that have it */
	struct sl_vec selectors; /* struct selector *: some of the selectors that require it */
	uint32_t uses;		 /* by identities and selectors */
	UT_hash_handle hh;
	size_t text_len;
	char text[]; /* key, NUL, value, NUL */
};

/* Distinct labels, by address. */
struct label_set {
	struct label **label;
	uint32_t n;
};

struct selector {
	uint32_t number;
	struct label_set labels;
	struct label *filed;   /* the label whose `selectors` has this selector */
	struct sl_vec members; /* uint32_t, ascending */
	uint32_t uses[2][SL_SELECTOR_ROLES];
	bool listed[2][SL_SELECTOR_ROLES]; /* what was reported for its members */
	bool touched;
	UT_hash_handle hh; /* by the addresses of its labels */
};

/* Label sets of identities are in pages, which are allocated when needed. */
enum {
	IDENTITY_PAGE = 256,
	IDENTITY_PAGES = (1 << SL_IDENTITY_BITS) / IDENTITY_PAGE,
};

struct sl_selectors {
	struct sl_selectors_ops ops;
	struct label *labels;
	struct selector *selectors;
	struct sl_vec touched; /* struct selector * */
	struct sl_vec freed;   /* uint32_t: free numbers */
	uint32_t next_number;
	struct label_set *page[IDENTITY_PAGES]; /* of identities; see identity_labels */
};

struct sl_selectors *sl_selectors_create(const struct sl_selectors_ops *ops)
{
	struct sl_selectors *l = sl_need(calloc(1, sizeof(*l)));

	/* Drawn once, because existing tables depend on it. */
	if (sl_policy_seed == 0 && getrandom(&sl_policy_seed, sizeof(sl_policy_seed),
					   GRND_NONBLOCK) != (ssize_t)sizeof(sl_policy_seed))
		sl_policy_seed = (uint64_t)(uintptr_t)l;
	l->ops = *ops;
	l->touched = SL_VEC_OF(struct selector *);
	l->freed = SL_VEC_OF(uint32_t);
	return l;
}

/* Ascending numbers. */

static uint32_t position_of(const struct sl_vec *v, uint32_t id)
{
	const uint32_t *at = v->at;
	uint32_t lo = 0, hi = v->n;

	if (hi > 0 && at[hi - 1] < id)
		return hi;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (at[mid] < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void ids_add(struct sl_vec *v, uint32_t id)
{
	uint32_t at = position_of(v, id);
	uint32_t *all;

	sl_need(sl_vec_push(v));
	all = v->at;
	memmove(&all[at + 1], &all[at], (v->n - 1 - at) * sizeof(*all));
	all[at] = id;
}

static void ids_remove(struct sl_vec *v, uint32_t id)
{
	uint32_t at = position_of(v, id);
	uint32_t *all = v->at;

	if (at == v->n || all[at] != id)
		return;
	memmove(&all[at], &all[at + 1], (v->n - at - 1) * sizeof(*all));
	v->n--;
}

/* Labels. */

static struct label *label_find(struct sl_selectors *l, const struct sl_label *want, bool add)
{
	size_t key_len = strlen(want->key) + 1, value_len = strlen(want->value) + 1;
	struct label *label, *new = sl_need(calloc(1, sizeof(*new) + key_len + value_len));

	memcpy(new->text, want->key, key_len);
	memcpy(new->text + key_len, want->value, value_len);
	new->text_len = key_len + value_len;
	HASH_FIND(hh, l->labels, new->text, new->text_len, label);
	if (label != NULL || !add) {
		free(new);
		return label;
	}
	new->ids = SL_VEC_OF(uint32_t);
	new->selectors = SL_VEC_OF(struct selector *);
	HASH_ADD_KEYPTR(hh, l->labels, new->text, new->text_len, new);
	return new;
}

static void label_release(struct sl_selectors *l, struct label *label)
{
	if (--label->uses > 0)
		return;
	HASH_DEL(l->labels, label);
	sl_vec_fini(&label->ids);
	sl_vec_fini(&label->selectors);
	free(label);
}

static int compare_address(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t) * (struct label *const *)a,
		  y = (uintptr_t) * (struct label *const *)b;

	return x < y ? -1 : x > y;
}

/* Empty when one of them is unknown and must not be added. */
static struct label_set set_of(
	struct sl_selectors *l, const struct sl_label *labels, size_t n, bool add)
{
	struct label_set s = {.label = sl_need(malloc((n + 1) * sizeof(struct label *)))};
	uint32_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		s.label[i] = label_find(l, &labels[i], add);
		if (s.label[i] == NULL)
			return s;
	}
	if (n > 1)
		qsort(s.label, n, sizeof(struct label *), compare_address);
	for (size_t i = 0; i < n; i++)
		if (kept == 0 || s.label[kept - 1] != s.label[i])
			s.label[kept++] = s.label[i];
	s.n = kept;
	return s;
}

static void set_hold(const struct label_set *s)
{
	for (uint32_t i = 0; i < s->n; i++)
		s->label[i]->uses++;
}

static void set_release(struct sl_selectors *l, struct label_set *s)
{
	for (uint32_t i = 0; i < s->n; i++)
		label_release(l, s->label[i]);
	free(s->label);
	*s = (struct label_set){.n = 0};
}

/* Whether `whole` has all labels of `part`; both are sorted by address. */
static bool includes(const struct label_set *whole, const struct label_set *part)
{
	uint32_t k = 0;

	for (uint32_t i = 0; i < whole->n && k < part->n; i++)
		if (whole->label[i] == part->label[k])
			k++;
	return k == part->n;
}

/* The labels of an identity; NULL when its page does not exist. */
static struct label_set *identity_labels(const struct sl_selectors *l, uint32_t id)
{
	struct label_set *page = id <= SL_IDENTITY_MASK ? l->page[id / IDENTITY_PAGE] : NULL;

	return page != NULL ? &page[id % IDENTITY_PAGE] : NULL;
}

static void make_page(struct sl_selectors *l, uint32_t id)
{
	struct label_set **page = &l->page[id / IDENTITY_PAGE];

	if (*page == NULL)
		*page = sl_need(calloc(IDENTITY_PAGE, sizeof(**page)));
}

/* Selectors. */

/* Call fn for each identity that has all of the labels; there is at least one label. */
static void for_holders(const struct sl_selectors *l, const struct label_set *labels,
	void (*fn)(uint32_t identity, void *ctx), void *ctx)
{
	const struct label *rarest = labels->label[0];
	const uint32_t *id;

	for (uint32_t i = 1; i < labels->n; i++)
		if (labels->label[i]->ids.n < rarest->ids.n)
			rarest = labels->label[i];
	id = rarest->ids.at;
	for (uint32_t i = 0; i < rarest->ids.n; i++)
		if (includes(identity_labels(l, id[i]), labels))
			fn(id[i], ctx);
}

static void add_member(uint32_t identity, void *ctx)
{
	struct selector *s = ctx;

	*(uint32_t *)sl_need(sl_vec_push(&s->members)) = identity;
}

void sl_selectors_members(struct sl_selectors *l, const struct sl_selector *want,
	void (*fn)(uint32_t identity, void *ctx), void *ctx)
{
	struct label_set set = set_of(l, want->labels, want->n_labels, false);

	if (set.n > 0)
		for_holders(l, &set, fn, ctx);
	free(set.label);
}

/* File it under its rarest label, which selects best. */
static void file(struct selector *s)
{
	s->filed = s->labels.label[0];
	for (uint32_t i = 1; i < s->labels.n; i++)
		if (s->labels.label[i]->selectors.n < s->filed->selectors.n)
			s->filed = s->labels.label[i];
	*(struct selector **)sl_need(sl_vec_push(&s->filed->selectors)) = s;
}

static void unfile(struct selector *s)
{
	struct sl_vec *v = &s->filed->selectors;
	struct selector **all = v->at;

	for (uint32_t i = 0; i < v->n; i++) {
		if (all[i] != s)
			continue;
		all[i] = all[--v->n];
		return;
	}
}

static struct selector *selector_find(
	struct sl_selectors *l, const struct sl_selector *want, bool add)
{
	struct label_set set = set_of(l, want->labels, want->n_labels, add);
	struct selector *s = NULL;

	if (set.n > 0)
		HASH_FIND(hh, l->selectors, set.label, set.n * sizeof(struct label *), s);
	if (s != NULL || set.n == 0 || !add) {
		free(set.label);
		return s;
	}
	s = sl_need(calloc(1, sizeof(*s)));
	s->labels = set;
	s->members = SL_VEC_OF(uint32_t);
	if (l->freed.n > 0)
		s->number = ((const uint32_t *)l->freed.at)[--l->freed.n];
	else
		s->number = l->next_number++;
	set_hold(&s->labels);
	for_holders(l, &s->labels, add_member, s);
	file(s);
	HASH_ADD_KEYPTR(hh, l->selectors, s->labels.label, set.n * sizeof(struct label *), s);
	return s;
}

static void selector_free(struct sl_selectors *l, struct selector *s)
{
	HASH_DEL(l->selectors, s);
	unfile(s);
	set_release(l, &s->labels);
	sl_vec_fini(&s->members);
	free(s);
}

static void touch(struct sl_selectors *l, struct selector *s)
{
	if (s->touched)
		return;
	s->touched = true;
	*(struct selector **)sl_need(sl_vec_push(&l->touched)) = s;
}

uint32_t sl_selectors_use(struct sl_selectors *l, const struct sl_selector *want,
	enum sl_direction dir, enum sl_selector_role role)
{
	struct selector *s = selector_find(l, want, true);

	if (s == NULL)
		return SL_NONE;
	if (s->uses[dir][role]++ == 0)
		touch(l, s);
	return s->number;
}

uint32_t sl_selectors_unuse(struct sl_selectors *l, const struct sl_selector *want,
	enum sl_direction dir, enum sl_selector_role role)
{
	struct selector *s = selector_find(l, want, false);

	if (s == NULL || s->uses[dir][role] == 0)
		return SL_NONE;
	if (--s->uses[dir][role] == 0)
		touch(l, s);
	return s->number;
}

static bool flush_role(struct sl_selectors *l, struct selector *s, enum sl_direction dir,
	enum sl_selector_role role)
{
	bool used = s->uses[dir][role] > 0;
	const uint32_t *id = s->members.at;

	if (used == s->listed[dir][role])
		return used;
	s->listed[dir][role] = used;
	for (uint32_t i = 0; i < s->members.n; i++)
		(used ? l->ops.listed : l->ops.unlisted)(l->ops.ctx, dir, role, id[i], s->number);
	return used;
}

void sl_selectors_flush(struct sl_selectors *l)
{
	struct selector *const *all = l->touched.at;

	for (uint32_t i = 0; i < l->touched.n; i++) {
		struct selector *s = all[i];
		bool used = false;

		s->touched = false;
		for (unsigned int dir = 0; dir < 2; dir++)
			for (unsigned int role = 0; role < SL_SELECTOR_ROLES; role++)
				used = flush_role(l, s, dir, role) || used;
		if (used)
			continue;
		*(uint32_t *)sl_need(sl_vec_push(&l->freed)) = s->number;
		selector_free(l, s);
	}
	l->touched.n = 0;
}

/* Identities. */

static void notify(struct sl_selectors *l, const struct selector *s, uint32_t id, bool member)
{
	for (unsigned int dir = 0; dir < 2; dir++)
		for (unsigned int role = 0; role < SL_SELECTOR_ROLES; role++)
			if (s->listed[dir][role])
				(member ? l->ops.listed : l->ops.unlisted)(
					l->ops.ctx, dir, role, id, s->number);
}

static void for_selectors(struct sl_selectors *l, uint32_t id, bool member)
{
	const struct label_set *set = identity_labels(l, id);

	for (uint32_t i = 0; i < set->n; i++) {
		struct selector *const *all = set->label[i]->selectors.at;

		for (uint32_t k = 0; k < set->label[i]->selectors.n; k++) {
			if (!includes(set, &all[k]->labels))
				continue;
			(member ? ids_add : ids_remove)(&all[k]->members, id);
			notify(l, all[k], id, member);
		}
	}
}

const struct sl_label sl_policy_host_label = {"entity:", "host"};

void sl_selectors_identity_put(struct sl_selectors *l, const struct sl_identity_def *def)
{
	static const struct sl_identity_def host = {SL_IDENTITY_HOST, &sl_policy_host_label, 1};
	struct label_set *set;

	sl_selectors_identity_gone(l, def->id);
	/* Reserved identities have no labels of users, whatever the input has. */
	if (def->id == SL_IDENTITY_HOST)
		def = &host;
	else if (def->id < SL_IDENTITY_MIN || def->id > SL_IDENTITY_MASK)
		return;
	make_page(l, def->id);
	set = identity_labels(l, def->id);
	*set = set_of(l, def->labels, def->n_labels, true);
	set_hold(set);
	for (uint32_t i = 0; i < set->n; i++)
		ids_add(&set->label[i]->ids, def->id);
	for_selectors(l, def->id, true);
}

void sl_selectors_identity_gone(struct sl_selectors *l, uint32_t id)
{
	struct label_set *set = identity_labels(l, id);

	if (set == NULL || set->label == NULL)
		return;
	for_selectors(l, id, false);
	for (uint32_t i = 0; i < set->n; i++)
		ids_remove(&set->label[i]->ids, id);
	set_release(l, set);
}

void sl_selectors_destroy(struct sl_selectors *l)
{
	struct selector *s, *next;

	if (l == NULL)
		return;
	HASH_ITER (hh, l->selectors, s, next)
		selector_free(l, s);
	for (uint32_t i = 0; i < IDENTITY_PAGES; i++) {
		for (uint32_t id = 0; l->page[i] != NULL && id < IDENTITY_PAGE; id++)
			set_release(l, &l->page[i][id]);
		free(l->page[i]);
	}
	sl_vec_fini(&l->touched);
	sl_vec_fini(&l->freed);
	free(l);
}
