/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The list of collections: one line each. Numbers, rows, sections of a configuration, methods, and
 * sections of the state directory follow from it, in this order; the build compiles the files.
 * Threads: control.
 */
#ifndef SL_CTRL_OBJECTS_COLLECTIONS_H
#define SL_CTRL_OBJECTS_COLLECTIONS_H

#include "ctrl/model/collection.h"

/* X(ID, name): SL_COLL_ID is its number, sl_collection_name its row in ctrl/objects/name.c. */
#define SL_COLLECTIONS(X)         \
	X(PORTS, ports)           \
	X(NETWORKS, networks)     \
	X(NODES, nodes)           \
	X(NEIGHBORS, neighbors)   \
	X(ROUTES, routes)         \
	X(IDENTITIES, identities) \
	X(ENDPOINTS, endpoints)   \
	X(POLICIES, policies)

enum sl_collection_id {
#define X(id, name) SL_COLL_##id,
	SL_COLLECTIONS(X)
#undef X
		SL_COLL_COUNT,
};
_Static_assert(SL_COLL_COUNT <= SL_COLLECTIONS_MAX, "room for all");

#define X(id, name) extern const struct sl_collection sl_collection_##name;
SL_COLLECTIONS(X)
#undef X

#endif
