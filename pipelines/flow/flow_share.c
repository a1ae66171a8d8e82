/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <sys/mman.h>

#include "flow_share.h"

#define SWEEP 64 /* closed owners looked at in one call */

/* Reserves room for every number: 32 bytes an owner. The kernel allocates only pages
 * that are touched. */
int sl_flow_share_create(struct sl_flow_share *s, uint32_t n_pairs, const struct sl_conn *conn,
	struct sl_conn_cold *cold)
{
	void *all = mmap(NULL, SL_OWNERS_MAX * sizeof(*s->owner), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (all == MAP_FAILED)
		return -errno;
	s->owner = all;
	s->conn = conn;
	s->cold = cold;
	s->n_pairs = n_pairs;
	s->burst = RTE_MIN(SL_SHARE_BURST, n_pairs / SL_SHARE_BURST_PART);
	return 0;
}

void sl_flow_share_destroy(struct sl_flow_share *s)
{
	if (s->owner != NULL)
		munmap(s->owner, SL_OWNERS_MAX * sizeof(*s->owner));
}

void sl_share_set_percent(struct sl_flow_share *s, uint32_t percent)
{
	s->reserve = s->n_pairs - (uint32_t)((uint64_t)s->n_pairs * percent / 100);
}

static uint32_t used(const struct sl_owner *o)
{
	return atomic_load_explicit(&o->used, memory_order_relaxed);
}

static uint32_t active(const struct sl_flow_share *s, enum sl_owner_level level)
{
	int32_t n = (int32_t)atomic_load_explicit(&s->active[level], memory_order_relaxed);

	return n < 0 ? 0 : (uint32_t)n;
}

/* The active owners of a level, plus one that is not active yet. */
static uint64_t sharers(const struct sl_flow_share *s, enum sl_owner_level level)
{
	return (uint64_t)active(s, level) + 1;
}

static void add_active(struct sl_flow_share *s, enum sl_owner_level level, uint32_t n)
{
	atomic_fetch_add_explicit(&s->active[level], n, memory_order_relaxed);
}

/* True when it is the owner's first. */
static bool count_up(struct sl_flow_share *s, uint32_t number, enum sl_owner_level level)
{
	struct sl_owner *o = &s->owner[number];

	if (number == 0 || atomic_fetch_add_explicit(&o->used, 1, memory_order_relaxed) != 0)
		return false;
	add_active(s, level, 1);
	return true;
}

/* A closed owner is already removed from the active ones. */
static void count_down(struct sl_flow_share *s, uint32_t number, enum sl_owner_level level)
{
	struct sl_owner *o = &s->owner[number];

	/* Release: whoever sees 0 may give the number to another owner (is_unused). */
	if (number != 0 && atomic_fetch_sub_explicit(&o->used, 1, memory_order_release) == 1)
		add_active(s, level, UINT32_MAX);
}

static void bill(struct sl_flow_share *s, uint32_t number, uint32_t n_free)
{
	struct sl_owner *o = &s->owner[number];

	if (number == 0)
		return;
	if (count_up(s, number, SL_LEVEL_ENDPOINT))
		atomic_store_explicit(&o->guest, n_free <= s->reserve, memory_order_relaxed);
	count_up(s, o->place, SL_LEVEL_PLACE);
	count_up(s, o->network, SL_LEVEL_NETWORK);
}

static void unbill(struct sl_flow_share *s, uint32_t number)
{
	const struct sl_owner *o = &s->owner[number];
	uint32_t place = o->place, network = o->network;

	if (number == 0)
		return;
	/* The owner itself comes last: while it has this connection, its number
	 * cannot be used again. */
	count_down(s, network, SL_LEVEL_NETWORK);
	count_down(s, place, SL_LEVEL_PLACE);
	count_down(s, number, SL_LEVEL_ENDPOINT);
}

static void set_owner(struct sl_conn *c, uint32_t number)
{
	const uint32_t others = (1u << SL_CONN_OWNER_SHIFT) - 1;
	uint32_t word = atomic_load_explicit(&c->scales, memory_order_relaxed);

	while (!atomic_compare_exchange_weak_explicit(&c->scales, &word,
		(word & others) | number << SL_CONN_OWNER_SHIFT, memory_order_relaxed,
		memory_order_relaxed))
		;
}

static void set_form(struct sl_conn *c, unsigned int bit, bool on)
{
	unsigned int form = atomic_load_explicit(&c->form, memory_order_relaxed) & ~bit;

	atomic_store_explicit(&c->form, (uint8_t)(on ? form | bit : form), memory_order_release);
}

/* A number is not used again while a pair names it. */
static void name(struct sl_flow_share *s, uint32_t number)
{
	if (number != 0)
		atomic_fetch_add_explicit(&s->owner[number].refs, 1, memory_order_relaxed);
}

/* Release: a thread that reads zero also sees what was billed before. */
static void unname(struct sl_flow_share *s, uint32_t number)
{
	if (number != 0)
		atomic_fetch_sub_explicit(&s->owner[number].refs, 1, memory_order_release);
}

static uint32_t *second_of(const struct sl_flow_share *s, const struct sl_conn *c)
{
	return &s->cold[c - s->conn].second_owner;
}

/* The number is stored before the bit that announces it. */
static void set_second(const struct sl_flow_share *s, struct sl_conn *c, uint32_t second)
{
	bool had = atomic_load_explicit(&c->form, memory_order_relaxed) & SL_FORM_SHARED;

	if (second != 0)
		__atomic_store_n(second_of(s, c), second, __ATOMIC_RELAXED);
	if (had != (second != 0))
		set_form(c, SL_FORM_SHARED, second != 0);
}

/* Which of in->owner sent the first packet of a connection that either end may have opened. */
static unsigned int first_sender(
	const struct sl_flow_share *s, const struct sl_conn *c, const struct sl_flow_install *in)
{
	const uint8_t both = SL_SEEN_ORIG | SL_SEEN_REPLY;

	if (in->owner[1] == 0)
		return 0;
	if (atomic_load_explicit(&c->state, memory_order_relaxed) == SL_CONN_FREE)
		return sl_share_sender(in);
	if (atomic_load_explicit(&c->form, memory_order_relaxed) & SL_FORM_SHARED)
		return !!(__atomic_load_n(second_of(s, c), __ATOMIC_RELAXED) & SL_SECOND_OPENED);
	/* It had one owner until now. */
	return (atomic_load_explicit(&c->seen, memory_order_relaxed) & both) == SL_SEEN_REPLY;
}

static void bill_two(struct sl_flow_share *s, struct sl_conn *c, const struct sl_flow_install *in,
	uint32_t n_free)
{
	const uint32_t before[2] = {sl_conn_owner(c), sl_conn_named_owner(s, c)};
	enum sl_conn_state state = atomic_load_explicit(&c->state, memory_order_relaxed);
	unsigned int first = first_sender(s, c, in);
	const uint32_t now[2] = {in->owner[first], in->owner[!first]};
	unsigned int billed = sl_share_is_answered(state) ? 2 : 1;

	if (before[0] == now[0] && before[1] == now[1])
		return;
	name(s, now[1]);
	for (unsigned int i = 0; i < billed; i++)
		bill(s, now[i], n_free);
	set_owner(c, now[0]);
	set_second(s, c, now[1] == 0 ? 0 : now[1] | (first != 0 ? SL_SECOND_OPENED : 0));
	for (unsigned int i = 0; i < billed; i++)
		unbill(s, before[i]);
	unname(s, before[1]);
}

void sl_share_bill(struct sl_flow_share *s, struct sl_conn *c, const struct sl_flow_install *in,
	uint32_t n_free)
{
	uint32_t before = sl_conn_owner(c);

	if (unlikely((sl_conn_named_owner(s, c) | in->owner[1]) != 0)) {
		bill_two(s, c, in, n_free);
		return;
	}
	if (before == in->owner[0])
		return;
	bill(s, in->owner[0], n_free);
	set_owner(c, in->owner[0]);
	unbill(s, before);
}

void sl_share_follow_second(
	struct sl_flow_share *s, struct sl_conn *c, enum sl_conn_state to, uint32_t n_free)
{
	bool was = sl_share_is_answered(atomic_load_explicit(&c->state, memory_order_relaxed));
	bool is = sl_share_is_answered(to);

	if (is && !was)
		bill(s, sl_conn_named_owner(s, c), n_free);
	if (was && !is)
		unbill(s, sl_conn_named_owner(s, c));
}

void sl_share_unbill(struct sl_flow_share *s, struct sl_conn *c)
{
	const uint32_t before[2] = {sl_conn_owner(c), sl_conn_second_owner(s, c)};
	uint32_t named = sl_conn_named_owner(s, c);

	set_form(c, SL_FORM_SHARED, false);
	if (before[0] != 0)
		set_owner(c, 0);
	for (unsigned int i = 0; i < 2; i++)
		unbill(s, before[i]);
	unname(s, named);
}

/* N * F / R: the total for the owners of a level if each is at its threshold. */
static uint64_t room_for_all(const struct sl_flow_share *s, uint32_t n_free)
{
	return (uint64_t)n_free * s->n_pairs / s->reserve;
}

/* used < N / (n + 1) * F / R, without the divisions. */
static bool below(
	const struct sl_flow_share *s, uint32_t number, enum sl_owner_level level, uint64_t room)
{
	return number != 0 && used(&s->owner[number]) * sharers(s, level) < room;
}

static bool is_guest(const struct sl_flow_share *s, const struct sl_owner *o, uint32_t n_free)
{
	return n_free >= s->reserve / 2 && used(o) < s->burst &&
	       atomic_load_explicit(&o->guest, memory_order_relaxed);
}

static bool admits(const struct sl_flow_share *s, uint32_t number, uint32_t n_free)
{
	const struct sl_owner *o = &s->owner[number];
	uint64_t room = room_for_all(s, n_free);

	return number == 0 || below(s, number, SL_LEVEL_ENDPOINT, room) ||
	       below(s, o->place, SL_LEVEL_PLACE, room) ||
	       below(s, o->network, SL_LEVEL_NETWORK, room) || is_guest(s, o, n_free);
}

static void count_refused(struct sl_flow_share *s, uint32_t number)
{
	struct sl_owner *o = &s->owner[number];

	atomic_fetch_add_explicit(&o->refused, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->owner[o->place].refused, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->owner[o->network].refused, 1, memory_order_relaxed);
}

bool sl_share_admits_scarce(struct sl_flow_share *s, uint32_t owner, uint32_t n_free)
{
	if (admits(s, owner, n_free))
		return true;
	count_refused(s, owner);
	return false;
}

/* room / (used * (n + 1)), at most 1. */
static uint32_t kept_at(
	const struct sl_flow_share *s, uint32_t number, enum sl_owner_level level, uint64_t room)
{
	uint64_t all = used(&s->owner[number]) * sharers(s, level);

	if (number == 0)
		return 0;
	return all <= room ? SL_SHARE_ONE : (uint32_t)(room * SL_SHARE_ONE / all);
}

static uint32_t kept_by(const struct sl_flow_share *s, uint32_t number, uint32_t n_free)
{
	const struct sl_owner *o = &s->owner[number];
	uint64_t room = room_for_all(s, n_free);
	uint32_t most;

	if (number == 0 || is_guest(s, o, n_free))
		return SL_SHARE_ONE;
	if (used(o) & SL_OWNER_CLOSED)
		return 0;
	most = kept_at(s, number, SL_LEVEL_ENDPOINT, room);
	most = RTE_MAX(most, kept_at(s, o->place, SL_LEVEL_PLACE, room));
	return RTE_MAX(most, kept_at(s, o->network, SL_LEVEL_NETWORK, room));
}

uint32_t sl_share_keeps(const struct sl_flow_share *s, const struct sl_conn *c, uint32_t n_free)
{
	uint32_t second = sl_conn_second_owner(s, c);

	if (n_free >= s->reserve)
		return SL_SHARE_ONE;
	return RTE_MIN(kept_by(s, sl_conn_owner(c), n_free), kept_by(s, second, n_free));
}

uint32_t sl_share_open(struct sl_flow_share *s, enum sl_owner_kind kind, uint32_t id,
	uint32_t place, uint32_t network)
{
	uint32_t number = s->free;
	struct sl_owner *o;

	if (number != 0)
		s->free = s->owner[number].next;
	else if (s->high + 1 < SL_OWNERS_MAX)
		number = ++s->high;
	else
		return 0;
	o = &s->owner[number];
	*o = (struct sl_owner){.place = place, .network = network, .id = id, .kind = kind};
	name(s, place);
	name(s, network);
	return number;
}

static enum sl_owner_level level_of(const struct sl_owner *o)
{
	if (o->kind == SL_OWNER_ENDPOINT)
		return SL_LEVEL_ENDPOINT;
	return o->kind == SL_OWNER_NETWORK ? SL_LEVEL_NETWORK : SL_LEVEL_PLACE;
}

static void append_closed(struct sl_flow_share *s, uint32_t number)
{
	s->owner[number].next = 0;
	if (s->n_closed++ == 0)
		s->closed = number;
	else
		s->owner[s->last_closed].next = number;
	s->last_closed = number;
}

void sl_share_close(struct sl_flow_share *s, uint32_t number)
{
	struct sl_owner *o = &s->owner[number];

	if (number == 0)
		return;
	if (atomic_fetch_or_explicit(&o->used, SL_OWNER_CLOSED, memory_order_relaxed) > 0)
		add_active(s, level_of(o), UINT32_MAX);
	append_closed(s, number);
}

static void free_number(struct sl_flow_share *s, uint32_t number)
{
	struct sl_owner *o = &s->owner[number];

	unname(s, o->place);
	unname(s, o->network);
	o->kind = SL_OWNER_NONE;
	o->next = s->free;
	s->free = number;
}

/* In this order, because a pair that names an owner may still bill it. */
static bool is_unused(const struct sl_owner *o)
{
	return atomic_load_explicit(&o->refs, memory_order_acquire) == 0 &&
	       atomic_load_explicit(&o->used, memory_order_acquire) == SL_OWNER_CLOSED;
}

/* Owners that must stay in the list go to its end, so that repeated calls cover a long list. */
void sl_owner_sweep(struct sl_flow_share *s)
{
	uint32_t look = RTE_MIN(s->n_closed, (uint32_t)SWEEP);

	for (uint32_t n = 0; n < look; n++) {
		uint32_t number = s->closed;
		const struct sl_owner *o = &s->owner[number];

		s->closed = o->next;
		s->n_closed--;
		if (is_unused(o))
			free_number(s, number);
		else
			append_closed(s, number);
	}
}

static uint32_t share_of(const struct sl_flow_share *s, const struct sl_owner *o)
{
	return (uint32_t)(s->n_pairs / sharers(s, level_of(o)));
}

bool sl_share_view_next(const struct sl_flow_share *s, uint32_t from, struct sl_owner_view *view)
{
	for (uint32_t number = RTE_MAX(from, 1u); number <= s->high; number++) {
		const struct sl_owner *o = &s->owner[number];
		uint32_t n = used(o);

		if (o->kind == SL_OWNER_NONE)
			continue;
		*view = (struct sl_owner_view){.number = number,
			.id = o->id,
			.place = o->place,
			.network = o->network,
			.kind = (enum sl_owner_kind)o->kind,
			.closed = n & SL_OWNER_CLOSED,
			.used = n & ~SL_OWNER_CLOSED,
			.refused = atomic_load_explicit(&o->refused, memory_order_relaxed),
			.share = n & SL_OWNER_CLOSED ? 0 : share_of(s, o)};
		return true;
	}
	return false;
}
