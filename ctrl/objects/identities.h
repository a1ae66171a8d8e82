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

#endif
