/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Compilers from the store's objects to the immutable tables of a world. Each builds its table
 * whole, but for policies; the applier decides which are needed. Threads: control. Ownership:
 * results are the caller's; NULL means out of memory.
 */
#ifndef SL_CTRL_APPLY_TABLES_H
#define SL_CTRL_APPLY_TABLES_H

#include "dp/u32map.h"
#include "dp/addr_map.h"
#include "pipelines/policy/policy_ctl.h"
#include "pipelines/world.h"
#include "ctrl/model/store.h"

/* By network id; *n is one more than the highest. malloc'ed. */
struct sl_network *sl_tables_networks(const struct sl_store *s, uint32_t *n);
struct sl_u32map *sl_tables_vni(const struct sl_store *s);
/*
 * By tunnel address, without any that is this node's own: nothing that claims to come from here is
 * taken from the wire.
 */
struct sl_addr_map *sl_tables_nodes(const struct sl_store *s, const struct sl_node_self *self);
struct sl_addr_map *sl_tables_local(const struct sl_store *s, const struct sl_node_self *self);
/* What changes mean for policies, as the next version of the compiler's set. Cannot fail. */
const struct sl_policy_set *sl_tables_policies(struct sl_policy_compiler *c,
	const struct sl_store *s, const struct sl_change *changes, size_t n, void **garbage);

#endif
