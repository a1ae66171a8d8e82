/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The compiled set's inside, for the compiler, the evaluator and explain; nobody else includes
 * this.
 *
 * Rules of a direction stand in rank order (tier, priority, action, slot): the lowest rank that
 * matches wins. Rules of one subject selector form a group. In a group, rules are filed under what
 * they say about the peer: everyone, host, world, a selector, a prefix. Each of these files is a
 * list of (rank, ports). So a query costs (selectors that mean the subject) x (selectors and
 * prefixes that mean the peer) probes of small tables, however many rules there are, and memory is
 * linear in the rules: nothing is multiplied out over identities. Long lists that differ by port
 * have an index of port ranges.
 *
 * Threads: immutable once compiled; read by workers and control. Ownership: the set owns all
 * arrays.
 */
#ifndef SL_POLICY_SET_H
#define SL_POLICY_SET_H

#include "policy_ctl.h"
#include "vec.h"

#define SL_TIERS	  3
#define SL_PORT_INDEX_MIN 16 /* entries from which a list gets a port index */

/* By rank. */
struct sl_rule {
	uint32_t slot;
	uint16_t priority;
	uint8_t tier;
	uint8_t action;
};

struct sl_port_entry {
	uint32_t rank;
	uint16_t lo, hi; /* 0..65535 when the rule does not look at ports */
	uint8_t proto;	 /* 0: any */
	bool needs_port;
};

struct sl_rule_list {
	uint32_t first, n; /* entries, by ascending rank */
	uint32_t ports;	   /* first of its port maps, SL_NONE when entries are scanned */
	uint32_t next;	   /* same group and prefix with other exceptions; SL_NONE ends */
	uint32_t except, n_except;
};

/* The winners by port for one protocol; a list's maps end with that of protocol 0, for all others.
 */
struct sl_port_map {
	uint32_t first, n; /* segments, by ascending start; the first starts at 0 */
	uint8_t proto;
};

struct sl_port_segment {
	uint32_t winner[SL_TIERS]; /* lowest rank of each tier, SL_NONE without */
	uint16_t start;
};

/* What a rule says about its peer, as a key within a group. */
#define SL_PEER_PREFIX                                                             \
	0x40000000u /* | index of the prefix; selectors are plain numbers below it \
		     */

struct sl_group_slot {
	uint32_t peer;
	uint32_t list; /* SL_NONE: free */
};

struct sl_group {
	uint32_t slots, mask;	   /* open addressing in the direction's slots */
	uint32_t any, host, world; /* lists or SL_NONE */
	bool has_prefixes;
};

/* identity -> ascending numbers: item[start[id]] up to item[start[id + 1]]. */
struct sl_id_lists {
	uint32_t *start; /* n + 1 of them */
	uint32_t *item;
	uint32_t n; /* identities from here on have none */
};

struct sl_prefix_slot {
	struct sl_ip ip;
	uint32_t len;  /* as in sl_prefix */
	uint32_t peer; /* SL_PEER_PREFIX | index; SL_NONE: free */
};

/*
 * Prefixes of one family by length; the families are kept apart, so that ::/0 does not take in
 * IPv4. len[] descends.
 */
struct sl_prefix_table {
	struct sl_prefix_slot *slot;
	uint32_t mask;
	uint8_t n_len[2]; /* by family: IPv6, IPv4 */
	uint8_t len[2][129];
};

struct sl_policy_dir {
	uint32_t n_rules;
	uint32_t tier_end[SL_TIERS]; /* first rank behind the tier */
	struct sl_rule *rules;
	struct sl_id_lists subject; /* identity -> groups */
	struct sl_id_lists peer;    /* identity -> peer selectors */
	struct sl_group *groups;
	struct sl_group_slot *slots;
	struct sl_rule_list *lists;
	uint32_t n_lists;
	struct sl_port_entry *entries;
	struct sl_port_map *maps;
	struct sl_port_segment *segments;
	struct sl_prefix *excepts;
	struct sl_prefix_table prefixes;
};

struct sl_policy_set {
	struct sl_policy_dir dir[2]; /* by enum sl_direction */
};

static inline uint32_t sl_group_hash(uint32_t peer)
{
	return (uint32_t)((peer * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}

/* The first len bits of ip. */
static inline struct sl_ip sl_ip_masked(const struct sl_ip *ip, unsigned int len)
{
	uint64_t hi = len >= 64 ? UINT64_MAX : ~(UINT64_MAX >> len);
	uint64_t lo = len >= 128 ? UINT64_MAX : len <= 64 ? 0 : ~(UINT64_MAX >> (len - 64));

	return (struct sl_ip){
		.q = {ip->q[0] & __builtin_bswap64(hi), ip->q[1] & __builtin_bswap64(lo)}};
}

/* Does the prefix, kept to its own family, contain the address? */
static inline bool sl_prefix_takes(const struct sl_prefix *p, const struct sl_ip *ip)
{
	bool v4 = p->len >= 96 && sl_ip_is_v4(&p->ip);

	return p->len <= 128 && v4 == sl_ip_is_v4(ip) && sl_prefix_contains(p, ip);
}

static inline uint32_t sl_prefix_hash(const struct sl_ip *masked, uint32_t len)
{
	uint64_t h = (masked->q[0] ^ len) * UINT64_C(0x9e3779b97f4a7c15);

	h = (h ^ (h >> 32) ^ masked->q[1]) * UINT64_C(0xd6e8feb86659fd93);
	return (uint32_t)(h >> 32);
}

/* Calls fn for each list whose rules are for this subject and peer; ports are not looked at. */
typedef void (*sl_list_visit)(const struct sl_rule_list *l, void *ctx);
void sl_policy_visit(const struct sl_policy_dir *d, const struct sl_policy_query *q,
	sl_list_visit fn, void *ctx);

/* What a rule's ports say about a query. */
enum sl_port_fit {
	SL_PORT_MISS,
	SL_PORT_FITS,
	SL_PORT_MAYBE, /* the rule looks at ports, and the query has none to show */
};

static inline enum sl_port_fit sl_port_fit(
	const struct sl_port_entry *e, const struct sl_policy_query *q)
{
	if (e->proto != 0 && e->proto != q->proto)
		return SL_PORT_MISS;
	if (!e->needs_port)
		return SL_PORT_FITS;
	if (!q->ports_known)
		return SL_PORT_MAYBE;
	return q->dport >= e->lo && q->dport <= e->hi ? SL_PORT_FITS : SL_PORT_MISS;
}

/* compile.c hands over a direction whose lists are complete. 0 or -ENOMEM. */
int sl_port_index_build(struct sl_policy_dir *d);

#endif
