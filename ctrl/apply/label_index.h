/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which identities have a label, so that what a selector means is found without a look at all of
 * them. Threads: control. Ownership: copies what it keeps.
 *
 * Entries of identities that went stay for a while: the caller holds what it is shown against the
 * store. When an addition finds no memory the index knows itself incomplete and says so for good.
 */
#ifndef SL_CTRL_APPLY_LABEL_INDEX_H
#define SL_CTRL_APPLY_LABEL_INDEX_H

#include "ctrl/model/store.h"
#include "ctrl/objects/objects.h"

struct sl_label_index;

struct sl_label_index *sl_label_index_create(void);
void sl_label_index_destroy(struct sl_label_index *x); /* accepts NULL */

/* The store's identity `o` came, or its labels did. */
void sl_label_index_add(
	struct sl_label_index *x, const struct sl_store *s, const struct sl_identity_obj *o);
/* It goes, or its labels do. */
void sl_label_index_remove(struct sl_label_index *x, const struct sl_identity_obj *o);

/*
 * fn for every identity that has all these labels, perhaps more than once. False: not all of them
 * are known.
 */
bool sl_label_index_select(const struct sl_label_index *x, const struct sl_store *s,
	const struct sl_labels *labels, void (*fn)(uint16_t identity, void *ctx), void *ctx);

#endif
