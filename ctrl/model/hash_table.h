/* SPDX-License-Identifier: BSD-3-Clause */
/* Hash tables of the model: uthash, for hundreds of thousands of objects. Threads: control. */
#ifndef SL_CTRL_MODEL_HASH_TABLE_H
#define SL_CTRL_MODEL_HASH_TABLE_H

#include <stdlib.h>

/* A map cannot report that memory is out: the daemon ends rather than go on with half an index. */
#define uthash_fatal(msg) abort()
#include <uthash.h>

/*
 * A table that doubles moves all it holds in one go: 40 ms for 200,000 objects. So one that comes
 * to hold some hundreds gets buckets for many at once, while that is quick, and chains may be
 * longer: nothing moves from there up to about a million. Of the new buckets only those that hold
 * something take memory. To be called after each HASH_ADD.
 */
#undef HASH_BKT_CAPACITY_THRESH
#define HASH_BKT_CAPACITY_THRESH 24u
#define SL_TABLE_GROWS_AT	 512u
#define SL_TABLE_LOG2_BUCKETS	 18u
#define SL_TABLE_BUCKETS	 (1u << SL_TABLE_LOG2_BUCKETS)

static inline void sl_table_make_room(UT_hash_table *tbl)
{
	UT_hash_bucket *to;

	if (tbl->num_items != SL_TABLE_GROWS_AT || tbl->num_buckets >= SL_TABLE_BUCKETS)
		return;
	to = (UT_hash_bucket *)calloc(SL_TABLE_BUCKETS, sizeof(*to));
	if (to == NULL)
		return; /* it grows bit by bit */
	for (unsigned int i = 0; i < tbl->num_buckets; i++) {
		UT_hash_handle *h, *next;

		for (h = tbl->buckets[i].hh_head; h != NULL; h = next) {
			UT_hash_bucket *b = &to[h->hashv & (SL_TABLE_BUCKETS - 1)];

			next = h->hh_next;
			h->hh_prev = NULL;
			h->hh_next = b->hh_head;
			if (b->hh_head != NULL)
				b->hh_head->hh_prev = h;
			b->hh_head = h;
			b->count++;
		}
	}
	uthash_free(tbl->buckets, tbl->num_buckets * sizeof(*to));
	tbl->buckets = to;
	tbl->num_buckets = SL_TABLE_BUCKETS;
	tbl->log2_num_buckets = SL_TABLE_LOG2_BUCKETS;
	tbl->noexpand = 0;
	tbl->ineff_expands = 0;
}

#endif
