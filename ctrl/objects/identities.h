/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Identities: numbers bound to sets of labels. Declared identities are desired state. When
 * endpoints have labels without a declared identity, the store derives one. Threads: control.
 */
#ifndef SL_CTRL_OBJECTS_IDENTITIES_H
#define SL_CTRL_OBJECTS_IDENTITIES_H

#include "ctrl/model/collection.h"

/*
 * o.derived: the store allocated it for endpoints with these labels; it goes with the last of them.
 */
struct sl_identity_obj {
	struct sl_object o;
	uint32_t id_number; /* "id" */
	struct sl_labels labels;
};

extern const struct sl_shape sl_shape_identity;

struct sl_endpoint_obj;
struct sl_network_obj;

/*
 * Identities that a network's encapsulation cannot carry (identity_width.c): the same rule for each of
 * the objects that can break it. 0, or -errno with *e.
 */
int sl_identity_check_width(const struct sl_check *c, struct sl_err *e);
int sl_network_check_width(const struct sl_check *c, struct sl_err *e);
int sl_endpoint_check_width(const struct sl_store *s, const struct sl_endpoint_obj *ep,
	const struct sl_network_obj *net, struct sl_err *e);

#endif
