/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inside of the compiled set, for the compiler, the evaluator and explain. No other
 * file includes this.
 *
 * A rule's rank is one number made of tier, priority, action and slot. The lowest rank that
 * matches wins, and a new rule does not change the ranks of others. Rules of one network and one
 * subject selector form a group. Rules for every network are filed as the rules of a network of
 * their own, number 0. In a group, rules are filed by their peer: everyone, host, world, a
 * selector, a prefix. Each of these files is a list of (rank, ports). So a query costs (selectors
 * that match the subject) x (selectors and prefixes that match the peer) probes of small tables,
 * once for its network and once for number 0, however many rules and networks there are. Memory
 * is linear in the rules (a rule counts once for each network it names, and once when it is for
 * all). It is not multiplied by identities or by networks. Long lists that differ by port have an
 * index of port ranges.
 *
 * The group keeps networks apart: a query reaches the groups of its own network and of number 0,
 * and no others. Selectors, prefixes and the lists of identities that each matches are numbers that
 * all networks share. They tell who is meant, never what is allowed. They are shared because labels
 * repeat from tenant to tenant. However many of them one tenant has, a query of another tenant
 * costs at most one look at each group and each list of that other tenant.
 *
 * A set is one version of many pieces. The next version shares all that did not change, so the cost
 * of a change is that of the pieces it touches.
 *
 * Threads: immutable once committed; read by workers and control.
 * Ownership: a piece belongs to the newest version that reaches it, then to the garbage
 * of that version.
 */
#ifndef SL_POLICY_SET_H
#define SL_POLICY_SET_H

#include <stddef.h>

#include "dp/lib/pmap.h"
#include "policy_ctl.h"
#include "vec.h"

#define SL_TIERS	  3
#define SL_PORT_INDEX_MIN 16 /* a list with this many entries gets a port index */

/* Layout from the top: 2 bits tier, 16 priority, 2 action, 20 slot. */
#define SL_RANK_NONE	   UINT64_MAX
#define SL_RANK_SLOT_BITS  20
#define SL_RANK_TIER_SHIFT (SL_RANK_SLOT_BITS + 2 + 16)
_Static_assert(SL_POLICIES_MAX <= 1 << SL_RANK_SLOT_BITS, "a slot fits a rank");

static inline uint64_t sl_rank(
	enum sl_tier tier, uint16_t priority, enum sl_rule_action action, uint32_t slot)
{
	return (uint64_t)tier << SL_RANK_TIER_SHIFT |
	       (uint64_t)priority << (SL_RANK_SLOT_BITS + 2) |
	       (uint64_t)action << SL_RANK_SLOT_BITS | slot;
}

static inline unsigned int sl_rank_tier(uint64_t rank)
{
	return (unsigned int)(rank >> SL_RANK_TIER_SHIFT);
}

static inline uint16_t sl_rank_priority(uint64_t rank)
{
	return (uint16_t)(rank >> (SL_RANK_SLOT_BITS + 2));
}

static inline enum sl_rule_action sl_rank_action(uint64_t rank)
{
	return (enum sl_rule_action)(rank >> SL_RANK_SLOT_BITS & 3);
}

static inline uint32_t sl_rank_slot(uint64_t rank)
{
	return (uint32_t)rank & ((1u << SL_RANK_SLOT_BITS) - 1);
}

/* The first rank after the tier of this one. */
static inline uint64_t sl_rank_tier_end(uint64_t rank)
{
	return ((rank >> SL_RANK_TIER_SHIFT) + 1) << SL_RANK_TIER_SHIFT;
}

/* The head of every piece. */
struct sl_piece {
	union {
		uint64_t owner; /* the session that made it; no other may change it */
		/* used once the piece is replaced; readers look at neither field */
		struct sl_piece *next_dead;
	};
};

struct sl_port_entry {
	uint64_t rank;
	uint16_t lo, hi; /* 0..65535 when the rule ignores ports */
	uint8_t proto;	 /* 0: any */
	bool needs_port;
};

/* The winners by port for one protocol. An index ends with that of protocol 0, for all others. */
struct sl_port_map {
	uint32_t first, n; /* segments, by ascending start; the first starts at 0 */
	uint8_t proto;
};

struct sl_port_segment {
	uint64_t winner[SL_TIERS]; /* lowest rank of each tier; SL_RANK_NONE: none */
	uint16_t start;
};

struct sl_port_index {
	struct sl_port_map *maps;
	struct sl_port_segment *segments;
};

struct sl_rule_list {
	struct sl_piece piece;
	struct sl_rule_list *next;   /* same group and prefix with other exceptions */
	struct sl_port_index *ports; /* NULL: entries are scanned */
	struct sl_prefix *except;
	uint32_t n_except;
	uint32_t n, room, n_sorted;   /* counts of entries; all are sorted once committed */
	struct sl_port_entry entry[]; /* by ascending rank */
};

/* The peer of a rule, as a key within a group. */
#define SL_PEER_PREFIX \
	0x40000000u /* | number of the prefix; selectors are plain numbers below it \
		     */

struct sl_group_slot {
	struct sl_rule_list *list; /* NULL: free */
	uint32_t peer;
};

struct sl_group {
	struct sl_piece piece;
	uint32_t network, subject; /* whose rules these are: selector `subject` of that network */
	uint32_t n, mask;	   /* lists in slots; open addressing, at most half full */
	uint32_t n_prefixes;
	struct sl_rule_list *any, *host, *world;
	struct sl_group_slot slot[]; /* mask + 1 */
};

/*
 * The groups of one network: subject selector -> number of the group. Each group is in the table of
 * its own network, under its own subject, and nowhere else. A change inside a group does not change
 * the table. When a group is added or removed, the table is copied.
 */
#define SL_EVERY_NETWORK 0u /* network number of rules that name no network */

struct sl_net_slot {
	uint32_t subject;
	uint32_t group; /* 0: free */
};

struct sl_net {
	struct sl_piece piece;
	uint32_t n, mask;	   /* open addressing, at most half full */
	struct sl_net_slot slot[]; /* mask + 1 */
};

/* Numbers in ascending order. */
struct sl_numbers {
	struct sl_piece piece;
	uint32_t n, room;
	uint32_t at[];
};

/* A sparse array of pieces that versions share page by page. */
#define SL_PAGE_BITS 8
#define SL_PAGE_SIZE (1u << SL_PAGE_BITS)

struct sl_page {
	struct sl_piece piece;
	void *at[SL_PAGE_SIZE];
};

struct sl_pages {
	struct sl_piece piece;
	uint32_t n; /* pages, NULL where empty */
	struct sl_page *page[];
};

static inline void *sl_pages_get(const struct sl_pages *p, uint32_t i)
{
	const struct sl_page *page;

	if (p == NULL || i >> SL_PAGE_BITS >= p->n)
		return NULL;
	page = p->page[i >> SL_PAGE_BITS];
	return page != NULL ? page->at[i & (SL_PAGE_SIZE - 1)] : NULL;
}

struct sl_policy_dir {
	struct sl_pages *subject; /* identity -> struct sl_numbers, of subject selectors */
	struct sl_pages *peer;	  /* identity -> struct sl_numbers, of peer selectors */
	struct sl_net *every;	  /* rules for all networks; NULL: none */
	struct sl_pages *nets;	  /* network, from 1 -> struct sl_net */
	struct sl_pages *groups;  /* number, from 1 -> struct sl_group */
	/*
	 * (address, length) -> SL_PEER_PREFIX | number. The families are separate, so that ::/0
	 * does not include IPv4: lengths in use by family (IPv6, IPv4), descending.
	 */
	struct sl_pmap *prefixes;
	uint8_t n_len[2];
	uint8_t len[2][129];
};

struct sl_policy_set {
	struct sl_policy_dir dir[2]; /* by enum sl_direction */
	/* Filled by the commit that replaces this version: the pieces that the next version does
	 * not share. */
	struct sl_piece *dead, *dead_lists;
	struct sl_pmap_garbage *dead_prefixes[2];
};

/* Hash of a peer in a group, or of a subject in a network. */
static inline uint32_t sl_group_hash(uint32_t number)
{
	return (uint32_t)((number * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

static inline struct sl_net *sl_net_get(const struct sl_policy_dir *d, uint32_t network)
{
	return network == SL_EVERY_NETWORK ? d->every : sl_pages_get(d->nets, network);
}

/* The slot of the subject, or the free slot where it would go. */
static inline uint32_t sl_net_position(const struct sl_net *n, uint32_t subject)
{
	uint32_t i = sl_group_hash(subject) & n->mask;

	while (n->slot[i].group != 0 && n->slot[i].subject != subject)
		i = (i + 1) & n->mask;
	return i;
}

/* The number of the group; 0 when there is none. */
static inline uint32_t sl_net_find(const struct sl_net *n, uint32_t subject)
{
	return n->slot[sl_net_position(n, subject)].group;
}

/* The first len bits of ip. */
static inline struct sl_ip sl_ip_masked(const struct sl_ip *ip, unsigned int len)
{
	uint64_t hi = len >= 64 ? UINT64_MAX : ~(UINT64_MAX >> len);
	uint64_t lo = len >= 128 ? UINT64_MAX : len <= 64 ? 0 : ~(UINT64_MAX >> (len - 64));

	return (struct sl_ip){
		.q = {ip->q[0] & __builtin_bswap64(hi), ip->q[1] & __builtin_bswap64(lo)}};
}

static inline struct sl_pmap_key sl_prefix_key(const struct sl_ip *masked, unsigned int len)
{
	return (struct sl_pmap_key){{masked->q[0], masked->q[1], len}};
}

/* Calls fn for each list whose rules are for this subject and peer; ports are ignored. */
typedef void (*sl_list_visit)(const struct sl_rule_list *l, void *ctx);
void sl_policy_visit(const struct sl_policy_dir *d, const struct sl_policy_query *q,
	sl_list_visit fn, void *ctx);

/* The entry matches the query's protocol and port. */
static inline bool sl_port_fits(const struct sl_port_entry *e, const struct sl_policy_query *q)
{
	if (e->proto != 0 && e->proto != q->proto)
		return false;
	return !e->needs_port || (q->dport >= e->lo && q->dport <= e->hi);
}

#endif
