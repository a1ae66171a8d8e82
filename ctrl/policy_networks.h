/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Policies whose network nobody has named: they come from a state that was written before policies
 * had networks, and are in force in every one until somebody says otherwise, or says "*".
 * Threads: control.
 */
#ifndef SL_CTRL_POLICY_NETWORKS_H
#define SL_CTRL_POLICY_NETWORKS_H

#include "store.h"

#define SL_ASSUMED_TEXT_LEN 512

/* One line that names them, as far as there is room; NULL when there are none. */
const char *sl_policies_assumed(const struct sl_store *s, char text[SL_ASSUMED_TEXT_LEN]);

#endif
