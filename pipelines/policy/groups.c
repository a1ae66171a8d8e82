/* SPDX-License-Identifier: BSD-3-Clause */
/* Groups of rules and the lists in them: filing, removing, and sorting at the end. */
#include "build.h"

static uint32_t slots_for(uint32_t n)
{
	uint32_t size = 2;

	while (size < 2 * n)
		size *= 2;
	return size;
}

static size_t group_size(uint32_t slots)
{
	return sizeof(struct sl_group) + slots * sizeof(struct sl_group_slot);
}

void sl_list_free(struct sl_piece *p)
{
	struct sl_rule_list *l = (struct sl_rule_list *)p;

	sl_port_index_free(l->ports);
	free(l->except);
	free(l);
}

static void list_drop(struct sl_policy_session *s, struct sl_rule_list *l)
{
	if (l->piece.owner == s->id) {
		sl_list_free(&l->piece);
		return;
	}
	l->piece.next_dead = s->dead_lists;
	s->dead_lists = &l->piece;
}

/* Number of list heads, each of a chain: the three fixed ones, then the slots. */
static uint32_t n_heads(const struct sl_group *g)
{
	return 3 + g->mask + 1;
}

static struct sl_rule_list **head_at(struct sl_group *g, uint32_t i)
{
	if (i == 0)
		return &g->any;
	if (i == 1)
		return &g->host;
	return i == 2 ? &g->world : &g->slot[i - 3].list;
}

void sl_group_destroy(void *group)
{
	struct sl_group *g = group;

	for (uint32_t i = 0; i < n_heads(g); i++) {
		struct sl_rule_list *l = *head_at(g, i), *next;

		for (; l != NULL; l = next) {
			next = l->next;
			sl_list_free(&l->piece);
		}
	}
	free(g);
}

struct sl_group *sl_group_new(struct sl_policy_session *s, uint32_t network, uint32_t subject)
{
	struct sl_group *g = sl_need(calloc(1, group_size(2)));

	g->piece.owner = s->id;
	g->network = network;
	g->subject = subject;
	g->mask = 1;
	return g;
}

struct sl_group *sl_group_own(struct sl_policy_session *s, struct sl_group *g)
{
	size_t size = group_size(g->mask + 1);
	struct sl_group *own;

	if (g->piece.owner == s->id)
		return g;
	own = memcpy(sl_need(malloc(size)), g, size);
	sl_piece_drop(s, &g->piece);
	own->piece.owner = s->id;
	return own;
}

void sl_group_drop(struct sl_policy_session *s, struct sl_group *g)
{
	sl_piece_drop(s, &g->piece);
}

static struct sl_group_slot *slot_of(struct sl_group *g, uint32_t peer)
{
	uint32_t i = sl_group_hash(peer) & g->mask;

	while (g->slot[i].list != NULL && g->slot[i].peer != peer)
		i = (i + 1) & g->mask;
	return &g->slot[i];
}

/* An owned group with another number of slots. */
static struct sl_group *resize(struct sl_group *g, uint32_t slots)
{
	struct sl_group *r = sl_need(calloc(1, group_size(slots)));

	*r = *g;
	r->mask = slots - 1;
	for (uint32_t i = 0; i <= g->mask; i++)
		if (g->slot[i].list != NULL)
			*slot_of(r, g->slot[i].peer) = g->slot[i];
	free(g);
	return r;
}

static struct sl_rule_list **fixed_head(struct sl_group *g, uint32_t peer)
{
	return peer == SL_PEER_ANY ? &g->any : peer == SL_PEER_HOST ? &g->host : &g->world;
}

static bool same_except(const struct sl_rule_list *l, const struct sl_list_key *p)
{
	if (l->n_except != p->n_except)
		return false;
	for (size_t i = 0; i < p->n_except; i++)
		if (l->except[i].len != p->except[i].len ||
			!sl_ip_equal(&l->except[i].ip, &p->except[i].ip))
			return false;
	return true;
}

static struct sl_prefix *copy_except(const struct sl_prefix *except, size_t n)
{
	return n == 0 ? NULL
		      : memcpy(sl_need(calloc(n, sizeof(*except))), except, n * sizeof(*except));
}

static struct sl_rule_list *list_new(struct sl_policy_session *s, uint32_t room)
{
	struct sl_rule_list *l =
		sl_need(calloc(1, sizeof(*l) + room * sizeof(struct sl_port_entry)));

	l->piece.owner = s->id;
	l->room = room;
	return l;
}

/* The list at *at, the session's own, with room for `more` entries; without an index. */
static struct sl_rule_list *list_own(
	struct sl_policy_session *s, struct sl_rule_list **at, uint32_t more)
{
	struct sl_rule_list *l = *at, *own;
	bool owned = l->piece.owner == s->id;

	if (owned && l->n + more <= l->room)
		return l;
	own = list_new(s, owned ? 2 * l->n + more : l->n + more);
	own->next = l->next;
	own->n = l->n;
	own->n_sorted = l->n_sorted;
	own->n_except = l->n_except;
	own->except = copy_except(l->except, l->n_except);
	memcpy(own->entry, l->entry, l->n * sizeof(l->entry[0]));
	list_drop(s, l);
	*at = own;
	return own;
}

/* The position of the list with these exceptions in the chain, or of the NULL at its end. */
static struct sl_rule_list **find_in_chain(
	struct sl_policy_session *s, struct sl_rule_list **at, const struct sl_list_key *p)
{
	while (*at != NULL && !same_except(*at, p))
		at = &list_own(s, at, 0)->next;
	return at;
}

void sl_group_file(struct sl_policy_session *s, struct sl_group **g, const struct sl_list_key *p,
	const struct sl_port_entry *e)
{
	struct sl_rule_list **at, *l;
	struct sl_group_slot *slot;

	if (p->peer >= SL_PEER_ANY) {
		at = fixed_head(*g, p->peer);
	} else {
		slot = slot_of(*g, p->peer);
		if (slot->list == NULL) {
			if (slots_for((*g)->n + 1) > (*g)->mask + 1)
				*g = resize(*g, slots_for((*g)->n + 1));
			slot = slot_of(*g, p->peer);
			slot->peer = p->peer;
			(*g)->n++;
			(*g)->n_prefixes += (p->peer & SL_PEER_PREFIX) != 0;
		}
		at = &slot->list;
	}
	at = find_in_chain(s, at, p);
	if (*at == NULL) {
		*at = list_new(s, 1);
		(*at)->n_except = (uint32_t)p->n_except;
		(*at)->except = copy_except(p->except, p->n_except);
	}
	l = list_own(s, at, 1);
	l->entry[l->n++] = *e;
}

static uint32_t first_of_rank(const struct sl_rule_list *l, uint64_t rank)
{
	uint32_t lo = 0, hi = l->n_sorted;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (l->entry[mid].rank < rank)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* A removed entry matches no port; its rank stays, which keeps the order. */
static bool is_dead(const struct sl_port_entry *e)
{
	return e->lo > e->hi;
}

void sl_group_unfile(
	struct sl_policy_session *s, struct sl_group *g, const struct sl_list_key *p, uint64_t rank)
{
	struct sl_rule_list **at =
		p->peer >= SL_PEER_ANY ? fixed_head(g, p->peer) : &slot_of(g, p->peer)->list;
	struct sl_rule_list *l;

	at = find_in_chain(s, at, p);
	if (*at == NULL)
		return;
	l = list_own(s, at, 0);
	for (uint32_t i = first_of_rank(l, rank); i < l->n_sorted && l->entry[i].rank == rank;
		i++) {
		l->entry[i].lo = 1;
		l->entry[i].hi = 0;
	}
}

static int compare_rank(const void *a, const void *b)
{
	const struct sl_port_entry *x = a, *y = b;

	return x->rank < y->rank ? -1 : x->rank > y->rank;
}

/* Merge the entries after the sorted ones into them. */
static void merge_tail(struct sl_rule_list *l)
{
	uint32_t n_tail = l->n - l->n_sorted, i = l->n_sorted, k = n_tail, to = l->n;
	struct sl_port_entry *tail = l->entry + l->n_sorted, *copy;

	if (n_tail > 1)
		qsort(tail, n_tail, sizeof(*tail), compare_rank);
	if (n_tail == 0 || i == 0 || l->entry[i - 1].rank <= tail[0].rank)
		return;
	copy = memcpy(sl_need(malloc(n_tail * sizeof(*copy))), tail, n_tail * sizeof(*copy));
	while (k > 0)
		l->entry[--to] = i > 0 && l->entry[i - 1].rank > copy[k - 1].rank ? l->entry[--i]
										  : copy[--k];
	free(copy);
}

static void list_tidy(struct sl_rule_list *l)
{
	uint32_t kept = 0, sorted = 0;

	for (uint32_t i = 0; i < l->n; i++) {
		if (is_dead(&l->entry[i]))
			continue;
		sorted += i < l->n_sorted;
		l->entry[kept++] = l->entry[i];
	}
	l->n = kept;
	l->n_sorted = sorted;
	merge_tail(l);
	l->n_sorted = l->n;
	sl_port_index_free(l->ports);
	l->ports = l->n >= SL_PORT_INDEX_MIN ? sl_port_index_build(l) : NULL;
}

/* Free the room that many additions left unused. */
static struct sl_rule_list *list_shrink(struct sl_rule_list *l)
{
	struct sl_rule_list *less;

	if (l->n == 0 || l->room - l->n < 4)
		return l;
	less = realloc(l, sizeof(*l) + l->n * sizeof(l->entry[0]));
	if (less == NULL)
		return l;
	less->room = less->n;
	return less;
}

/* True when something of the chain was taken out of it. */
static bool chain_tidy(struct sl_policy_session *s, struct sl_rule_list **at)
{
	bool dropped = false;

	while (*at != NULL) {
		struct sl_rule_list *l = *at;

		if (l->piece.owner == s->id) {
			list_tidy(l);
			*at = l = list_shrink(l);
		}
		if (l->n > 0) {
			at = &l->next;
			continue;
		}
		/* Its predecessors are owned as well: it was found through them. */
		*at = l->next;
		list_drop(s, l);
		dropped = true;
	}
	return dropped;
}

/* Empty slots would break probe sequences: the remaining lists get new slots. */
static void slots_tidy(struct sl_group *g)
{
	uint32_t n_slots = g->mask + 1;
	struct sl_group_slot *old =
		memcpy(sl_need(malloc(n_slots * sizeof(*old))), g->slot, n_slots * sizeof(*old));

	memset(g->slot, 0, n_slots * sizeof(*old));
	g->n = g->n_prefixes = 0;
	for (uint32_t i = 0; i < n_slots; i++) {
		if (old[i].list == NULL)
			continue;
		*slot_of(g, old[i].peer) = old[i];
		g->n++;
		g->n_prefixes += (old[i].peer & SL_PEER_PREFIX) != 0;
	}
	free(old);
}

bool sl_group_tidy(struct sl_policy_session *s, struct sl_group *g)
{
	bool holes = false;

	for (uint32_t i = 0; i < n_heads(g); i++) {
		struct sl_rule_list **head = head_at(g, i);

		if (*head != NULL && chain_tidy(s, head) && i >= 3 && *head == NULL)
			holes = true;
	}
	if (holes)
		slots_tidy(g);
	return g->n > 0 || g->any != NULL || g->host != NULL || g->world != NULL;
}
