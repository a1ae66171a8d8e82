/* SPDX-License-Identifier: BSD-3-Clause */
#include "build.h"

#include "dp/hash.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

/* Protocols that have ports: what a port without a protocol means. */
static const uint8_t with_ports[] = {
	IPPROTO_TCP, IPPROTO_UDP, IPPROTO_DCCP, IPPROTO_SCTP, IPPROTO_UDPLITE};

static int compare_rank(const void *a, const void *b)
{
	const struct sl_policy_def *x = *(const struct sl_policy_def *const *)a;
	const struct sl_policy_def *y = *(const struct sl_policy_def *const *)b;

	if (x->tier != y->tier)
		return x->tier < y->tier ? -1 : 1;
	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	if (x->action != y->action)
		return x->action < y->action ? -1 : 1;
	return x->slot < y->slot ? -1 : x->slot > y->slot;
}

static bool place_equal(const void *ctx, uint32_t number, const void *key)
{
	const struct build *b = ctx;

	return memcmp((const struct place *)b->places.at + number, key, sizeof(struct place)) == 0;
}

static int list_of(struct build *b, const struct place *p, uint32_t *list)
{
	uint64_t hash = sl_hash_bytes(p, sizeof(*p), 0);
	struct place *new;

	*list = sl_intern_find(&b->place_table, hash, place_equal, b, p);
	if (*list != SL_NONE)
		return 0;
	new = sl_vec_push(&b->places);
	if (new == NULL || sl_intern_add(&b->place_table, hash) != 0)
		return -ENOMEM;
	*new = *p;
	*list = b->place_table.n - 1;
	return 0;
}

static struct mark *mark_of(struct build *b, uint32_t selector)
{
	while (b->marks.n <= selector)
		if (sl_vec_push(&b->marks) == NULL)
			return NULL;
	return (struct mark *)b->marks.at + selector;
}

/* The group of a rule's subject; SL_NONE when it is nobody. */
static int group_of(struct build *b, const struct sl_selector *subject, uint32_t *group)
{
	uint32_t selector;
	struct mark *mark;
	struct bound *new;

	*group = SL_NONE;
	if (sl_labels_selector(b->labels, subject, &selector) != 0)
		return -ENOMEM;
	if (selector == SL_NONE)
		return 0;
	mark = mark_of(b, selector);
	if (mark == NULL)
		return -ENOMEM;
	if (mark->group == 0) {
		new = sl_vec_push(&b->groups);
		if (new == NULL)
			return -ENOMEM;
		*new = (struct bound){selector, b->groups.n - 1};
		mark->group = b->groups.n;
	}
	*group = mark->group - 1;
	return 0;
}

static int selector_peer(struct build *b, const struct sl_selector *s, uint32_t *peer)
{
	struct mark *mark;
	struct bound *new;

	if (sl_labels_selector(b->labels, s, peer) != 0)
		return -ENOMEM;
	if (*peer == SL_NONE)
		return 0;
	mark = mark_of(b, *peer);
	if (mark == NULL)
		return -ENOMEM;
	if (mark->is_peer)
		return 0;
	new = sl_vec_push(&b->peers);
	if (new == NULL)
		return -ENOMEM;
	*new = (struct bound){*peer, *peer};
	mark->is_peer = true;
	return 0;
}

static bool prefix_equal(const void *ctx, uint32_t number, const void *key)
{
	const struct build *b = ctx;

	return memcmp((const struct sl_prefix *)b->prefixes.at + number, key,
		       sizeof(struct sl_prefix)) == 0;
}

static int prefix_peer(struct build *b, const struct sl_prefix *cidr, uint32_t *peer)
{
	struct sl_prefix p, *new;
	uint64_t hash;

	*peer = SL_NONE;
	if (cidr->len > 128)
		return 0;
	memset(&p, 0, sizeof(p));
	p.ip = sl_ip_masked(&cidr->ip, cidr->len);
	p.len = cidr->len;
	hash = sl_hash_bytes(&p, sizeof(p), 0);
	*peer = sl_intern_find(&b->prefix_table, hash, prefix_equal, b, &p);
	if (*peer == SL_NONE) {
		new = sl_vec_push(&b->prefixes);
		if (new == NULL || sl_intern_add(&b->prefix_table, hash) != 0)
			return -ENOMEM;
		memcpy(new, &p, sizeof(p));
		*peer = b->prefix_table.n - 1;
	}
	*peer |= SL_PEER_PREFIX;
	return 0;
}

static bool except_equal(const void *ctx, uint32_t number, const void *key)
{
	const struct build *b = ctx;
	const struct except_set *s = (const struct except_set *)b->except_sets.at + number;
	const struct except_set *want = key;
	const struct sl_prefix *at = b->excepts.at;

	return s->n == want->n &&
	       (s->n == 0 || memcmp(at + s->first, at + want->first, s->n * sizeof(*at)) == 0);
}

static int except_number(struct build *b, const struct sl_peer_def *peer, uint32_t *number)
{
	struct except_set set = {.first = b->excepts.n}, *new;
	uint64_t hash;

	for (size_t i = 0; i < peer->n_except; i++) {
		struct sl_prefix *p = sl_vec_push(&b->excepts);

		if (p == NULL)
			return -ENOMEM;
		p->ip = peer->except[i].ip;
		p->len = peer->except[i].len;
		set.n++;
	}
	hash = sl_hash_bytes((const struct sl_prefix *)b->excepts.at + (set.n > 0 ? set.first : 0),
		set.n * sizeof(struct sl_prefix), 0);
	*number = sl_intern_find(&b->except_table, hash, except_equal, b, &set);
	if (*number != SL_NONE) {
		b->excepts.n = set.first;
		return 0;
	}
	new = sl_vec_push(&b->except_sets);
	if (new == NULL || sl_intern_add(&b->except_table, hash) != 0)
		return -ENOMEM;
	*new = set;
	*number = b->except_table.n - 1;
	return 0;
}

static int push_item(struct build *b, uint32_t list, struct sl_port_entry entry)
{
	struct item *item = sl_vec_push(&b->items);

	if (item == NULL)
		return -ENOMEM;
	*item = (struct item){list, entry};
	return 0;
}

static int file_port(struct build *b, uint32_t list, uint32_t rank, const struct sl_port_match *m)
{
	struct sl_port_entry e = {.rank = rank, .hi = UINT16_MAX, .proto = m->proto};

	if (!m->has_port)
		return push_item(b, list, e);
	e.lo = m->port;
	e.hi = m->end;
	e.needs_port = true;
	if (e.lo > e.hi)
		return 0;
	if (e.proto != 0)
		return push_item(b, list, e);
	for (size_t i = 0; i < sizeof(with_ports); i++) {
		e.proto = with_ports[i];
		if (push_item(b, list, e) != 0)
			return -ENOMEM;
	}
	return 0;
}

/* The rule's ports into the list of its group for this peer. */
static int file(
	struct build *b, uint32_t rank, const struct sl_policy_def *def, const struct place *p)
{
	uint32_t list;

	if (list_of(b, p, &list) != 0)
		return -ENOMEM;
	if (def->any_port)
		return push_item(b, list, (struct sl_port_entry){.rank = rank, .hi = UINT16_MAX});
	for (size_t i = 0; i < def->n_ports; i++)
		if (file_port(b, list, rank, &def->ports[i]) != 0)
			return -ENOMEM;
	return 0;
}

static int place_of(struct build *b, const struct sl_peer_def *peer, struct place *p)
{
	static const uint32_t entity[] = {
		[SL_ENTITY_HOST] = PEER_HOST,
		[SL_ENTITY_WORLD] = PEER_WORLD,
		[SL_ENTITY_ANY] = PEER_ANY,
	};
	int rc;

	p->except_set = 0;
	switch (peer->kind) {
	case SL_PEER_SELECTOR:
		return selector_peer(b, &peer->selector, &p->peer);
	case SL_PEER_CIDR:
		rc = prefix_peer(b, &peer->cidr, &p->peer);
		return rc == 0 && p->peer != SL_NONE ? except_number(b, peer, &p->except_set) : rc;
	case SL_PEER_ENTITY:
		p->peer = entity[peer->entity];
		return 0;
	}
	p->peer = SL_NONE;
	return 0;
}

static int file_rule(struct build *b, uint32_t rank, const struct sl_policy_def *def)
{
	struct place p = {.peer = PEER_ANY};

	if (!def->any_port && def->n_ports == 0)
		return 0;
	if (group_of(b, &def->subject, &p.group) != 0)
		return -ENOMEM;
	if (p.group == SL_NONE)
		return 0;
	if (def->any_peer)
		return file(b, rank, def, &p);
	for (size_t i = 0; i < def->n_peers; i++) {
		if (place_of(b, &def->peers[i], &p) != 0)
			return -ENOMEM;
		if (p.peer != SL_NONE && file(b, rank, def, &p) != 0)
			return -ENOMEM;
	}
	return 0;
}

static int build_init(struct build *b, struct sl_policy_dir *d, struct sl_labels *labels)
{
	struct sl_peer_def no_except = {.n_except = 0};
	uint32_t zero;

	*b = (struct build){
		.d = d,
		.labels = labels,
		.items = SL_VEC_OF(struct item),
		.places = SL_VEC_OF(struct place),
		.groups = SL_VEC_OF(struct bound),
		.peers = SL_VEC_OF(struct bound),
		.marks = SL_VEC_OF(struct mark),
		.prefixes = SL_VEC_OF(struct sl_prefix),
		.except_sets = SL_VEC_OF(struct except_set),
		.excepts = SL_VEC_OF(struct sl_prefix),
	};
	return except_number(b, &no_except, &zero);
}

static void build_fini(struct build *b)
{
	sl_intern_fini(&b->except_table);
	sl_intern_fini(&b->prefix_table);
	sl_intern_fini(&b->place_table);
	sl_vec_fini(&b->excepts);
	sl_vec_fini(&b->except_sets);
	sl_vec_fini(&b->prefixes);
	sl_vec_fini(&b->marks);
	sl_vec_fini(&b->peers);
	sl_vec_fini(&b->groups);
	sl_vec_fini(&b->places);
	sl_vec_fini(&b->items);
}

static int keep_rules(
	struct sl_policy_dir *d, const struct sl_policy_def *const *ranked, uint32_t n)
{
	d->rules = calloc(n + 1, sizeof(*d->rules));
	if (d->rules == NULL)
		return -ENOMEM;
	d->n_rules = n;
	for (uint32_t i = 0; i < n; i++) {
		d->rules[i] = (struct sl_rule){ranked[i]->slot, ranked[i]->priority,
			(uint8_t)ranked[i]->tier, (uint8_t)ranked[i]->action};
		for (unsigned int tier = ranked[i]->tier; tier < SL_TIERS; tier++)
			d->tier_end[tier] = i + 1;
	}
	return 0;
}

static int compile_dir(struct sl_policy_dir *d, struct sl_labels *labels,
	const struct sl_policy_def **ranked, uint32_t n)
{
	struct build b;
	int rc = build_init(&b, d, labels);

	if (rc != 0)
		goto out;
	if (n > 1)
		qsort(ranked, n, sizeof(*ranked), compare_rank);
	rc = keep_rules(d, ranked, n);
	for (uint32_t rank = 0; rc == 0 && rank < n; rank++)
		rc = file_rule(&b, rank, ranked[rank]);
	if (rc == 0)
		rc = sl_policy_lay_out(&b);
out:
	build_fini(&b);
	return rc;
}

static void dir_fini(struct sl_policy_dir *d)
{
	free(d->prefixes.slot);
	free(d->excepts);
	free(d->segments);
	free(d->maps);
	free(d->entries);
	free(d->lists);
	free(d->slots);
	free(d->groups);
	free(d->peer.item);
	free(d->peer.start);
	free(d->subject.item);
	free(d->subject.start);
	free(d->rules);
}

void sl_policy_set_destroy(void *set)
{
	struct sl_policy_set *s = set;

	if (s == NULL)
		return;
	dir_fini(&s->dir[SL_EGRESS]);
	dir_fini(&s->dir[SL_INGRESS]);
	free(s);
}

struct sl_policy_set *sl_policy_compile(const struct sl_policy_def *defs, size_t n_defs,
	const struct sl_identity_def *ids, size_t n_ids)
{
	const struct sl_policy_def **ranked = calloc(n_defs + 1, sizeof(struct sl_policy_def *));
	struct sl_policy_set *set = calloc(1, sizeof(*set));
	struct sl_labels *labels = sl_labels_create(ids, n_ids);
	int rc = ranked == NULL || set == NULL || labels == NULL ? -ENOMEM : 0;

	for (enum sl_direction dir = SL_INGRESS; rc == 0 && dir <= SL_EGRESS; dir++) {
		uint32_t n = 0;

		for (size_t i = 0; i < n_defs; i++)
			if (defs[i].direction == dir)
				ranked[n++] = &defs[i];
		rc = compile_dir(&set->dir[dir], labels, ranked, n);
	}
	sl_labels_destroy(labels);
	free(ranked);
	if (rc != 0) {
		sl_policy_set_destroy(set);
		errno = -rc;
		return NULL;
	}
	return set;
}
