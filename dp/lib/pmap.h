/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A persistent map: a hash trie whose versions share unchanged nodes. To change an entry, the
 * control thread copies the path to it (O(log n) nodes). It publishes the new root with everything
 * else of the same commit. Readers of an older root keep a complete, consistent map.
 * Threads: find: any, on a root reached through RCU. Edits: control. Nodes that an edit
 * replaced are handed to the caller of sl_pmap_edit_commit as one garbage list, to be freed
 * after a grace period.
 * Ownership: values are the caller's; the map never frees them.
 */
#ifndef SL_DP_PMAP_H
#define SL_DP_PMAP_H

#include <stdint.h>
#include <stddef.h>
#include <stdbool.h>

#include "sluice/types.h"

/* 24 bytes, all compared: padding must be zero. */
struct sl_pmap_key {
	uint64_t w[3];
};

/* The key of an address in a network, for the endpoint table. */
static inline struct sl_pmap_key sl_pmap_addr_key(uint32_t network, const struct sl_ip *ip)
{
	return (struct sl_pmap_key){{ip->q[0], ip->q[1], network}};
}

struct sl_pmap; /* one version; NULL is the empty map */
struct sl_pmap_garbage;

void *sl_pmap_find(const struct sl_pmap *m, const struct sl_pmap_key *k);
size_t sl_pmap_count(const struct sl_pmap *m);
/* Calls fn once for each entry, in any order. */
void sl_pmap_walk(const struct sl_pmap *m, void (*fn)(void *value, void *ctx), void *ctx);

/*
 * An edit session on version `from`. from may be NULL; otherwise its seed is used, and `seed` is
 * ignored. One session at a time on a version. put replaces; *old (if not NULL) is the former value
 * or NULL; values are never NULL. remove returns the removed value or NULL. -ENOMEM leaves the
 * session as it was before the call; it can be aborted or committed.
 */
struct sl_pmap_edit;
struct sl_pmap_edit *sl_pmap_edit_begin(const struct sl_pmap *from, uint64_t seed);
int sl_pmap_put(struct sl_pmap_edit *e, const struct sl_pmap_key *k, void *value, void **old);
int sl_pmap_remove(struct sl_pmap_edit *e, const struct sl_pmap_key *k, void **old);
void *sl_pmap_edit_find(const struct sl_pmap_edit *e, const struct sl_pmap_key *k);
/*
 * Ends the session. Returns the new version (NULL when empty), which is `from` itself when nothing
 * changed. *g, possibly NULL, is the part of `from` that the new version does not share, `from`
 * itself included. Free garbage in the order of commits.
 */
struct sl_pmap *sl_pmap_edit_commit(struct sl_pmap_edit *e, struct sl_pmap_garbage **g);
/* Ends the session; `from` is unchanged. */
void sl_pmap_edit_abort(struct sl_pmap_edit *e);

void sl_pmap_garbage_free(void *garbage); /* fits sl_rcu_retire */
void sl_pmap_destroy(struct sl_pmap *m);  /* destroys the last version, once no reader has it */

#endif
