/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which identities a selector means: labels are numbered and indexed once, so that a selector costs
 * a walk of the rarest of its labels, and equal selectors are one. Threads: control, while
 * compiling. Ownership: refers to the caller's strings while it lives.
 */
#ifndef SL_POLICY_LABELS_H
#define SL_POLICY_LABELS_H

#include "policy_ctl.h"
#include "vec.h"

struct sl_labels;

struct sl_labels *sl_labels_create(const struct sl_identity_def *ids, size_t n_ids);
void sl_labels_destroy(struct sl_labels *l);

/* *number: the selector's, or SL_NONE when it means nobody. -ENOMEM. */
int sl_labels_selector(struct sl_labels *l, const struct sl_selector *s, uint32_t *number);
uint32_t sl_labels_n_selectors(const struct sl_labels *l);
/* The identities of a selector, ascending, good until the next sl_labels_selector. */
const uint16_t *sl_labels_members(const struct sl_labels *l, uint32_t selector, uint32_t *n);

#endif
