/* SPDX-License-Identifier: BSD-3-Clause */
/* All collections: their numbers, and the C structs of their objects. Threads: control. */
#ifndef SL_CTRL_OBJECTS_OBJECTS_H
#define SL_CTRL_OBJECTS_OBJECTS_H

#include "collections.h"
#include "endpoints.h"
#include "identities.h"
#include "neighbors.h"
#include "networks.h"
#include "nodes.h"
#include "policies.h"
#include "ports.h"
#include "routes.h"

#endif
