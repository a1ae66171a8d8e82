/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A persistent map: a hash trie whose versions share what did not change. The control thread edits
 * a copy of the path to what it changes (O(log n) nodes) and publishes the new root with everything
 * else of the same commit; readers of an older root keep a whole, consistent map.
 * Threads: find: any, on a root it reached by RCU. Edits: control. Nodes replaced by an edit are
 * handed to sl_pmap_edit_commit's caller as one garbage list, to be freed after a grace period.
 * Ownership: values are the caller's; the map never frees them.
 */
#ifndef SL_DP_PMAP_H
#define SL_DP_PMAP_H

#include <stdint.h>
#include <stddef.h>
#include <stdbool.h>

#include "sluice/types.h"

/* 24 bytes, compared whole: keep padding zero. */
struct sl_pmap_key {
	uint64_t w[3];
};

/* The key of an address in a network: the endpoint table's. */
static inline struct sl_pmap_key sl_pmap_addr_key(uint32_t network, const struct sl_ip *ip)
{
	return (struct sl_pmap_key){{ip->q[0], ip->q[1], network}};
}

struct sl_pmap; /* one version; NULL is the empty map */
struct sl_pmap_garbage;

void *sl_pmap_find(const struct sl_pmap *m, const struct sl_pmap_key *k);
size_t sl_pmap_count(const struct sl_pmap *m);

/*
 * An edit session on version `from` (may be NULL; else its seed stays and `seed` is not looked at).
 * One session at a time on a version. put replaces; *old (when asked for) is the value that was
 * there or NULL; values are never NULL. remove gives the value removed or NULL. -ENOMEM leaves the
 * session as it was before the call, to be aborted or committed.
 */
struct sl_pmap_edit;
struct sl_pmap_edit *sl_pmap_edit_begin(const struct sl_pmap *from, uint64_t seed);
int sl_pmap_put(struct sl_pmap_edit *e, const struct sl_pmap_key *k, void *value, void **old);
int sl_pmap_remove(struct sl_pmap_edit *e, const struct sl_pmap_key *k, void **old);
void *sl_pmap_edit_find(const struct sl_pmap_edit *e, const struct sl_pmap_key *k);
/*
 * Ends the session; returns the new version (NULL when empty), which is `from` itself when nothing
 * changed. *g, possibly NULL, is what `from` no longer shares, `from` itself included. Free garbage
 * in the order of commits.
 */
struct sl_pmap *sl_pmap_edit_commit(struct sl_pmap_edit *e, struct sl_pmap_garbage **g);
/* Ends the session; `from` is as it was. */
void sl_pmap_edit_abort(struct sl_pmap_edit *e);

void sl_pmap_garbage_free(void *garbage); /* fits sl_rcu_retire */
void sl_pmap_destroy(struct sl_pmap *m);  /* the last version, once nobody reads it */

/* Visit every entry; for listings and tests. */
void sl_pmap_walk(const struct sl_pmap *m,
	void (*fn)(const struct sl_pmap_key *k, void *value, void *ctx), void *ctx);

#endif
