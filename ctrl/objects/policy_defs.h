/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Objects as the compiler of policies takes them (pipelines/policy/policy_ctl.h). A definition
 * points into the object and into a block of memory that the next definition overwrites: it is good
 * for one call of the compiler. Without memory the process ends, as the compiler does.
 * Threads: control.
 */
#ifndef SL_CTRL_OBJECTS_POLICY_DEFS_H
#define SL_CTRL_OBJECTS_POLICY_DEFS_H

#include "ctrl/model/store.h"
#include "identities.h"
#include "pipelines/policy/policy_ctl.h"
#include "policies.h"

/* Zeroed at first; to be freed with sl_def_block_fini. */
struct sl_def_block {
	char *p;
	size_t used, size;
};

void sl_def_block_fini(struct sl_def_block *b);

struct sl_identity_def sl_identity_def_of(
	struct sl_def_block *b, const struct sl_identity_obj *obj);
struct sl_selector sl_selector_of(struct sl_def_block *b, const struct sl_labels *labels);
/* The store knows the networks that the policy names: those before a transaction, until it ends. */
struct sl_policy_def sl_policy_def_of(
	struct sl_def_block *b, const struct sl_store *s, const struct sl_policy_obj *obj);

#endif
