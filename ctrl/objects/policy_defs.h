/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Turns policy objects into definitions for the policy compiler (pipelines/policy/policy_ctl.h). A
 * definition points into the object and into a block of memory that the next definition overwrites,
 * so it is valid for one call of the compiler. When memory is out the process ends, as in the
 * compiler. Threads: control.
 */
#ifndef SL_CTRL_OBJECTS_POLICY_DEFS_H
#define SL_CTRL_OBJECTS_POLICY_DEFS_H

#include "ctrl/model/store.h"
#include "identities.h"
#include "pipelines/policy/policy_ctl.h"
#include "policies.h"

/* Starts zeroed; free it with sl_def_block_fini. */
struct sl_def_block {
	char *p;
	size_t used, size;
};

void sl_def_block_fini(struct sl_def_block *b);

struct sl_identity_def sl_identity_def_of(
	struct sl_def_block *b, const struct sl_identity_obj *obj);
struct sl_selector sl_subject_of(struct sl_def_block *b, const struct sl_subject_obj *subject);
/* The identity of hosts, which the compiler must know. Its label is none that an object can have. */
struct sl_identity_def sl_host_identity_def(void);
/*
 * store must know the networks that the policy names. Networks that a transaction removes are known
 * until it ends.
 */
struct sl_policy_def sl_policy_def_of(
	struct sl_def_block *b, const struct sl_store *s, const struct sl_policy_obj *obj);

#endif
