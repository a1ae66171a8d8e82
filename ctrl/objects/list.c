/* SPDX-License-Identifier: BSD-3-Clause */
/* The list of collections, and the list of the other sections of a configuration. */
#include "ctrl/model/config.h"
#include "collections.h"
#include "ports.h"
#include "ctrl/shape/fields.h"

const struct sl_collection *const sl_collections[] = {
#define X(id, name) &sl_collection_##name,
	SL_COLLECTIONS(X)
#undef X
};
const unsigned int sl_n_collections = SL_COLL_COUNT;

const struct sl_field sl_config_sections[] = {
	SL_FIELD(sl_config, node, SL_F_OBJECT, SL_PRESENT(sl_config, has_node),
		.shape = &sl_shape_node_self, .help = "Who this node is; read at start only."),
	SL_FIELD(sl_config, workers, SL_F_OBJECT, SL_PRESENT(sl_config, has_workers),
		.shape = &sl_shape_workers, .help = "What packets run on; read at start only."),
	SL_FIELD(sl_config, devices, SL_F_OBJECT, SL_PRESENT(sl_config, has_devices),
		.shape = &sl_shape_devices,
		.help = "Devices that callers without root may use, over the socket; read at start "
			"only."),
};
const unsigned int sl_n_config_sections =
	sizeof(sl_config_sections) / sizeof(sl_config_sections[0]);
