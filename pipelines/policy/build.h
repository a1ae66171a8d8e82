/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of the compiler share: making one version of a set from the one before. A piece
 * that the session owns is changed in place. Any other piece is copied first, and becomes
 * garbage of the previous version. Without memory the process ends, because half a version
 * cannot be undone.
 * Threads: control.
 * Ownership: pieces as in set.h.
 */
#ifndef SL_POLICY_BUILD_H
#define SL_POLICY_BUILD_H

#include <stdlib.h>

#include "dp/lib/hash.h"
#include "set.h"

/* Keys come from tenants: without a seed they could make the tables degenerate. */
extern uint64_t sl_policy_seed;
#define HASH_FUNCTION(key, len, hash) (hash) = (unsigned int)sl_hash_bytes(key, len, sl_policy_seed)
#define uthash_fatal(msg)	      abort()
#include <uthash.h>

struct sl_policy_session {
	uint64_t id;
	struct sl_piece *dead, *dead_lists;
};

static inline void *sl_need(void *p)
{
	if (p == NULL)
		abort();
	return p;
}

/* pieces.c */

/* Out of the new version: at once when no other knows the piece. */
void sl_piece_drop(struct sl_policy_session *s, struct sl_piece *p);
/* Put value at i; NULL takes away. What was there is the caller's to drop. */
void sl_pages_set(struct sl_policy_session *s, struct sl_pages **pages, uint32_t i, void *value);
/* One number of those at index i of pages. */
void sl_numbers_add(
	struct sl_policy_session *s, struct sl_pages **pages, uint32_t i, uint32_t number);
void sl_numbers_remove(
	struct sl_policy_session *s, struct sl_pages **pages, uint32_t i, uint32_t number);
/* Everything under pages, whoever owns it: for the end of the last version. */
void sl_pages_destroy(struct sl_pages *pages, void (*fn)(void *piece));

/* groups.c */

/* The kinds of lists within a group; peer may be one of these, a selector or a prefix. */
enum {
	SL_PEER_ANY = 0x80000000u,
	SL_PEER_HOST,
	SL_PEER_WORLD,
};

struct sl_list_key {
	uint32_t peer;
	const struct sl_prefix *except;
	size_t n_except;
};

void sl_list_free(struct sl_piece *p);
/* Free it with all its lists. */
void sl_group_destroy(void *group);
struct sl_group *sl_group_new(struct sl_policy_session *s, uint32_t network, uint32_t subject);
/* An own copy. */
struct sl_group *sl_group_own(struct sl_policy_session *s, struct sl_group *g);
void sl_group_drop(struct sl_policy_session *s, struct sl_group *g);
/* File an entry; may move the group. All removals of a session come before all additions. */
void sl_group_file(struct sl_policy_session *s, struct sl_group **g, const struct sl_list_key *p,
	const struct sl_port_entry *e);
/* Take all entries of that rank away from the list. */
void sl_group_unfile(struct sl_policy_session *s, struct sl_group *g, const struct sl_list_key *p,
	uint64_t rank);
/* Sort and index what the session changed, drop what is empty. False: nothing is left. */
bool sl_group_tidy(struct sl_policy_session *s, struct sl_group *g);

/* nets.c */

/* A group comes into the table of its network, or goes; no table is left without groups. */
void sl_net_add(struct sl_policy_session *s, struct sl_policy_dir *d, uint32_t network,
	uint32_t subject, uint32_t group);
void sl_net_remove(
	struct sl_policy_session *s, struct sl_policy_dir *d, uint32_t network, uint32_t subject);

/* port_index.c */
struct sl_port_index *sl_port_index_build(const struct sl_rule_list *l);
void sl_port_index_free(struct sl_port_index *x);

#endif
