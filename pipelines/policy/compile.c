/* SPDX-License-Identifier: BSD-3-Clause */
#include "build.h"
#include "labels.h"

#include <netinet/in.h>
#include <stdatomic.h>

/* Protocols that have ports: a port without a protocol means these. */
static const uint8_t with_ports[] = {
	IPPROTO_TCP, IPPROTO_UDP, IPPROTO_DCCP, IPPROTO_SCTP, IPPROTO_UDPLITE};

struct prefix {
	struct sl_pmap_key key;
	uint32_t number, uses;
	bool v4;
	UT_hash_handle hh;
};

/* The state of one direction. */
struct side {
	struct prefix *prefixes;
	struct sl_pmap_edit *edit; /* of the session, once prefixes change */
	struct sl_vec freed;	   /* uint32_t: free numbers of prefixes */
	uint32_t next_number;
	uint32_t n_of_len[2][129];  /* prefixes by family and length */
	struct sl_vec touched;	    /* uint32_t: numbers of groups the session owns */
	struct sl_vec freed_groups; /* uint32_t: free numbers, for later sessions */
	uint32_t last_group;
};

struct sl_policy_compiler {
	struct sl_selectors *labels;
	struct sl_policy_set *now, *next; /* next NULL: no session */
	struct sl_policy_session session;
	struct side side[2];
};

/* Shared by all compilers, so that a piece of one is never taken for a piece of another. */
static atomic_uint_fast64_t last_session;

static void open_session(struct sl_policy_compiler *c)
{
	if (c->next != NULL)
		return;
	c->next = sl_need(malloc(sizeof(*c->next)));
	*c->next = *c->now;
	c->session = (struct sl_policy_session){.id = atomic_fetch_add(&last_session, 1) + 1};
}

static struct sl_pages **pages_of(
	struct sl_policy_compiler *c, enum sl_direction dir, enum sl_selector_role role)
{
	struct sl_policy_dir *d = &c->next->dir[dir];

	return role == SL_ROLE_SUBJECT ? &d->subject : &d->peer;
}

static void listed(void *ctx, enum sl_direction dir, enum sl_selector_role role, uint32_t id,
	uint32_t selector)
{
	struct sl_policy_compiler *c = ctx;

	sl_numbers_add(&c->session, pages_of(c, dir, role), id, selector);
}

static void unlisted(void *ctx, enum sl_direction dir, enum sl_selector_role role, uint32_t id,
	uint32_t selector)
{
	struct sl_policy_compiler *c = ctx;

	sl_numbers_remove(&c->session, pages_of(c, dir, role), id, selector);
}

struct sl_policy_compiler *sl_policy_compiler_create(void)
{
	struct sl_policy_compiler *c = sl_need(calloc(1, sizeof(*c)));
	struct sl_selectors_ops ops = {.ctx = c, .listed = listed, .unlisted = unlisted};

	c->labels = sl_selectors_create(&ops);
	c->now = sl_need(calloc(1, sizeof(*c->now)));
	for (unsigned int dir = 0; dir < 2; dir++) {
		c->side[dir].freed = SL_VEC_OF(uint32_t);
		c->side[dir].touched = SL_VEC_OF(uint32_t);
		c->side[dir].freed_groups = SL_VEC_OF(uint32_t);
	}
	return c;
}

/* Prefixes. */

static bool is_v4(const struct sl_prefix *p)
{
	return p->len >= 96 && sl_ip_is_v4(&p->ip);
}

static void edit_prefixes(struct sl_policy_compiler *c, enum sl_direction dir)
{
	if (c->side[dir].edit == NULL)
		c->side[dir].edit =
			sl_need(sl_pmap_edit_begin(c->next->dir[dir].prefixes, sl_policy_seed));
}

static uint32_t prefix_use(
	struct sl_policy_compiler *c, enum sl_direction dir, const struct sl_prefix *cidr)
{
	struct sl_ip ip = sl_ip_masked(&cidr->ip, cidr->len);
	struct sl_pmap_key key = sl_prefix_key(&ip, cidr->len);
	struct side *side = &c->side[dir];
	struct prefix *p;

	HASH_FIND(hh, side->prefixes, &key, sizeof(key), p);
	if (p == NULL) {
		p = sl_need(calloc(1, sizeof(*p)));
		p->key = key;
		p->v4 = is_v4(&(struct sl_prefix){ip, cidr->len});
		p->number = side->freed.n > 0 ? ((const uint32_t *)side->freed.at)[--side->freed.n]
					      : side->next_number++;
		HASH_ADD(hh, side->prefixes, key, sizeof(p->key), p);
		side->n_of_len[p->v4][cidr->len]++;
		edit_prefixes(c, dir);
		if (sl_pmap_put(side->edit, &key, (void *)(uintptr_t)(SL_PEER_PREFIX | p->number),
			    NULL) != 0)
			abort();
	}
	p->uses++;
	return SL_PEER_PREFIX | p->number;
}

/* The number is kept until something is filed under another: removals come first. */
static uint32_t prefix_unuse(
	struct sl_policy_compiler *c, enum sl_direction dir, const struct sl_prefix *cidr)
{
	struct sl_ip ip = sl_ip_masked(&cidr->ip, cidr->len);
	struct sl_pmap_key key = sl_prefix_key(&ip, cidr->len);
	struct side *side = &c->side[dir];
	struct prefix *p;
	uint32_t number;

	HASH_FIND(hh, side->prefixes, &key, sizeof(key), p);
	if (p == NULL)
		return SL_NONE;
	number = SL_PEER_PREFIX | p->number;
	if (--p->uses > 0)
		return number;
	side->n_of_len[p->v4][cidr->len]--;
	edit_prefixes(c, dir);
	if (sl_pmap_remove(side->edit, &key, NULL) != 0)
		abort();
	*(uint32_t *)sl_need(sl_vec_push(&side->freed)) = p->number;
	HASH_DEL(side->prefixes, p);
	free(p);
	return number;
}

/* Rules. */

typedef uint32_t (*selector_fn)(struct sl_selectors *l, const struct sl_selector *s,
	enum sl_direction dir, enum sl_selector_role role);
typedef uint32_t (*prefix_fn)(
	struct sl_policy_compiler *c, enum sl_direction dir, const struct sl_prefix *cidr);

/* Whether a rule is added or removed. */
struct change {
	struct sl_policy_compiler *c;
	const struct sl_policy_def *def;
	uint64_t rank;
	selector_fn selector;
	prefix_fn prefix;
	struct sl_group *group; /* the session's */
	bool added;
};

static void file_entry(struct change *ch, const struct sl_list_key *p, struct sl_port_entry e)
{
	e.rank = ch->rank;
	sl_group_file(&ch->c->session, &ch->group, p, &e);
}

static void file_port(struct change *ch, const struct sl_list_key *p, const struct sl_port_match *m)
{
	struct sl_port_entry e = {.hi = UINT16_MAX, .proto = m->proto};

	if (m->has_port) {
		e.lo = m->port;
		e.hi = m->end;
		e.needs_port = true;
	}
	if (e.lo > e.hi)
		return;
	if (!m->has_port || e.proto != 0) {
		file_entry(ch, p, e);
		return;
	}
	for (size_t i = 0; i < sizeof(with_ports); i++) {
		e.proto = with_ports[i];
		file_entry(ch, p, e);
	}
}

/* Add the rule's ports to the list of its group for this peer, or remove them. */
static void file(struct change *ch, const struct sl_list_key *p)
{
	const struct sl_policy_def *def = ch->def;

	if (!ch->added) {
		sl_group_unfile(&ch->c->session, ch->group, p, ch->rank);
		return;
	}
	if (def->any_port)
		file_entry(ch, p, (struct sl_port_entry){.hi = UINT16_MAX});
	for (size_t i = 0; !def->any_port && i < def->n_ports; i++)
		file_port(ch, p, &def->ports[i]);
}

static void file_peer(struct change *ch, const struct sl_peer_def *peer)
{
	static const uint32_t entity[] = {
		[SL_ENTITY_HOST] = SL_PEER_HOST,
		[SL_ENTITY_WORLD] = SL_PEER_WORLD,
		[SL_ENTITY_ANY] = SL_PEER_ANY,
	};
	enum sl_direction dir = ch->def->direction;
	struct sl_list_key p = {.peer = SL_NONE};

	switch (peer->kind) {
	case SL_PEER_SELECTOR:
		p.peer = ch->selector(ch->c->labels, &peer->selector, dir, SL_ROLE_PEER);
		break;
	case SL_PEER_CIDR:
		if (peer->cidr.len <= 128)
			p.peer = ch->prefix(ch->c, dir, &peer->cidr);
		p.except = peer->except;
		p.n_except = peer->n_except;
		break;
	case SL_PEER_ENTITY:
		p.peer = entity[peer->entity];
		break;
	}
	if (p.peer != SL_NONE)
		file(ch, &p);
}

static uint32_t new_group(
	struct sl_policy_compiler *c, enum sl_direction dir, uint32_t network, uint32_t subject)
{
	struct side *side = &c->side[dir];
	struct sl_policy_dir *d = &c->next->dir[dir];
	uint32_t number =
		side->freed_groups.n > 0
			? ((const uint32_t *)side->freed_groups.at)[--side->freed_groups.n]
			: ++side->last_group;

	sl_net_add(&c->session, d, network, subject, number);
	sl_pages_set(&c->session, &d->groups, number, sl_group_new(&c->session, network, subject));
	*(uint32_t *)sl_need(sl_vec_push(&side->touched)) = number;
	return number;
}

/* The session's own group of this network and subject. */
static uint32_t open_group(
	struct sl_policy_compiler *c, enum sl_direction dir, uint32_t network, uint32_t subject)
{
	struct sl_policy_dir *d = &c->next->dir[dir];
	const struct sl_net *net = sl_net_get(d, network);
	uint32_t number = net != NULL ? sl_net_find(net, subject) : 0;
	struct sl_group *g;

	if (number == 0)
		return new_group(c, dir, network, subject);
	g = sl_pages_get(d->groups, number);
	if (g->piece.owner == c->session.id)
		return number;
	*(uint32_t *)sl_need(sl_vec_push(&c->side[dir].touched)) = number;
	sl_pages_set(&c->session, &d->groups, number, sl_group_own(&c->session, g));
	return number;
}

static void carry_out_in(struct change *ch, uint32_t network)
{
	const struct sl_policy_def *def = ch->def;
	struct sl_policy_compiler *c = ch->c;
	struct sl_pages **groups = &c->next->dir[def->direction].groups;
	uint32_t subject, number;

	subject = ch->selector(c->labels, &def->subject, def->direction, SL_ROLE_SUBJECT);
	if (subject == SL_NONE)
		return;
	number = open_group(c, def->direction, network, subject);
	ch->group = sl_pages_get(*groups, number);
	if (def->any_peer)
		file(ch, &(struct sl_list_key){.peer = SL_PEER_ANY});
	for (size_t i = 0; !def->any_peer && i < def->n_peers; i++)
		file_peer(ch, &def->peers[i]);
	sl_pages_set(&c->session, groups, number, ch->group);
}

static void carry_out(struct change *ch)
{
	const struct sl_policy_def *def = ch->def;

	open_session(ch->c);
	ch->rank = sl_rank(def->tier, def->priority, def->action, def->slot);
	if (!def->any_port && def->n_ports == 0)
		return;
	if (def->any_network)
		carry_out_in(ch, SL_EVERY_NETWORK);
	for (size_t i = 0; !def->any_network && i < def->n_networks; i++)
		carry_out_in(ch, def->networks[i]);
}

void sl_policy_rule_gone(struct sl_policy_compiler *c, const struct sl_policy_def *def)
{
	carry_out(&(struct change){
		.c = c, .def = def, .selector = sl_selectors_unuse, .prefix = prefix_unuse});
}

void sl_policy_rule_put(struct sl_policy_compiler *c, const struct sl_policy_def *def)
{
	carry_out(&(struct change){.c = c,
		.def = def,
		.selector = sl_selectors_use,
		.prefix = prefix_use,
		.added = true});
}

void sl_policy_identity_put(struct sl_policy_compiler *c, const struct sl_identity_def *def)
{
	open_session(c);
	sl_selectors_identity_put(c->labels, def);
}

void sl_policy_identity_gone(struct sl_policy_compiler *c, uint32_t id)
{
	open_session(c);
	sl_selectors_identity_gone(c->labels, id);
}

void sl_policy_members(struct sl_policy_compiler *c, const struct sl_selector *selector,
	void (*fn)(uint32_t identity, void *ctx), void *ctx)
{
	sl_selectors_members(c->labels, selector, fn, ctx);
}

/* Committing. */

static void finish_groups(struct sl_policy_compiler *c, enum sl_direction dir)
{
	struct sl_policy_dir *d = &c->next->dir[dir];
	struct side *side = &c->side[dir];

	for (uint32_t i = 0; i < side->touched.n; i++) {
		uint32_t number = ((const uint32_t *)side->touched.at)[i];
		struct sl_group *g = sl_pages_get(d->groups, number);

		if (sl_group_tidy(&c->session, g))
			continue;
		sl_net_remove(&c->session, d, g->network, g->subject);
		sl_pages_set(&c->session, &d->groups, number, NULL);
		sl_group_drop(&c->session, g);
		*(uint32_t *)sl_need(sl_vec_push(&side->freed_groups)) = number;
	}
	side->touched.n = 0;
}

static void finish_prefixes(struct sl_policy_compiler *c, enum sl_direction dir)
{
	struct sl_policy_dir *d = &c->next->dir[dir];
	struct side *side = &c->side[dir];

	if (side->edit == NULL)
		return;
	d->prefixes = sl_pmap_edit_commit(side->edit, &c->now->dead_prefixes[dir]);
	side->edit = NULL;
	for (unsigned int v4 = 0; v4 < 2; v4++) {
		d->n_len[v4] = 0;
		for (unsigned int len = 129; len-- > 0;)
			if (side->n_of_len[v4][len] > 0)
				d->len[v4][d->n_len[v4]++] = (uint8_t)len;
	}
}

const struct sl_policy_set *sl_policy_compiler_commit(struct sl_policy_compiler *c, void **garbage)
{
	*garbage = NULL;
	if (c->next == NULL)
		return c->now;
	for (enum sl_direction dir = SL_INGRESS; dir <= SL_EGRESS; dir++) {
		finish_groups(c, dir);
		finish_prefixes(c, dir);
	}
	sl_selectors_flush(c->labels);
	c->now->dead = c->session.dead;
	c->now->dead_lists = c->session.dead_lists;
	*garbage = c->now;
	c->now = c->next;
	c->next = NULL;
	return c->now;
}

void sl_policy_garbage_free(void *garbage)
{
	struct sl_policy_set *s = garbage;
	struct sl_piece *p, *next;

	if (s == NULL)
		return;
	for (p = s->dead; p != NULL; p = next) {
		next = p->next_dead;
		free(p);
	}
	for (p = s->dead_lists; p != NULL; p = next) {
		next = p->next_dead;
		sl_list_free(p);
	}
	for (unsigned int dir = 0; dir < 2; dir++)
		if (s->dead_prefixes[dir] != NULL)
			sl_pmap_garbage_free(s->dead_prefixes[dir]);
	free(s);
}

const struct sl_policy_set *sl_policy_compiler_destroy(struct sl_policy_compiler *c)
{
	const struct sl_policy_set *set;
	void *garbage;

	if (c == NULL)
		return NULL;
	set = sl_policy_compiler_commit(c, &garbage);
	sl_policy_garbage_free(garbage);
	for (unsigned int dir = 0; dir < 2; dir++) {
		struct prefix *p, *next;

		HASH_ITER (hh, c->side[dir].prefixes, p, next) {
			HASH_DEL(c->side[dir].prefixes, p);
			free(p);
		}
		sl_vec_fini(&c->side[dir].freed);
		sl_vec_fini(&c->side[dir].touched);
		sl_vec_fini(&c->side[dir].freed_groups);
	}
	sl_selectors_destroy(c->labels);
	free(c);
	return set;
}

void sl_policy_set_destroy(void *set)
{
	struct sl_policy_set *s = set;

	if (s == NULL)
		return;
	for (unsigned int dir = 0; dir < 2; dir++) {
		sl_pages_destroy(s->dir[dir].subject, free);
		sl_pages_destroy(s->dir[dir].peer, free);
		free(s->dir[dir].every);
		sl_pages_destroy(s->dir[dir].nets, free);
		sl_pages_destroy(s->dir[dir].groups, sl_group_destroy);
		sl_pmap_destroy(s->dir[dir].prefixes);
	}
	free(s);
}

struct sl_policy_set *sl_policy_compile(const struct sl_policy_def *defs, size_t n_defs,
	const struct sl_identity_def *ids, size_t n_ids)
{
	struct sl_policy_compiler *c = sl_policy_compiler_create();

	for (size_t i = 0; i < n_ids; i++)
		sl_policy_identity_put(c, &ids[i]);
	for (size_t i = 0; i < n_defs; i++)
		sl_policy_rule_put(c, &defs[i]);
	return (struct sl_policy_set *)(uintptr_t)sl_policy_compiler_destroy(c);
}
