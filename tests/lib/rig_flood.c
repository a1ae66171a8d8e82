/* SPDX-License-Identifier: BSD-3-Clause */
/* The rig's network, flooded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dp/lib/pmap.h"
#include "pipelines/flood/flood_dp.h"
#include "rig.h"
#include "rig_internal.h"

static struct sl_flood list;
static struct sl_flood_local locals[3];
static struct sl_flood_node nodes[1];

static void put_endpoint(struct sl_pmap_edit *edit, const struct sl_endpoint *ep)
{
	struct sl_pmap_key key = sl_flood_mac_key(1, &ep->mac);

	assert_int_equal(sl_pmap_put(edit, &key, sl_flood_mac_value(ep->origin, 1), NULL), 0);
	if (!ep->local) {
		nodes[0] = (struct sl_flood_node){ep->origin & ~SL_ORIGIN_NODE, 1};
		list.n_nodes = 1;
		return;
	}
	locals[list.n_local++] =
		(struct sl_flood_local){.origin = ep->origin, .id = ep->id, .ip = ep->ip[0]};
}

void sl_rig_flood(struct sl_rig *r, uint32_t rate)
{
	struct sl_pmap_edit *edit = sl_pmap_edit_begin(NULL, 42);
	struct sl_pmap_key key = sl_flood_key(1);
	struct sl_pmap_garbage *garbage;

	assert_non_null(edit);
	list = (struct sl_flood){.local = locals, .node = nodes};
	for (unsigned int i = 0; i < 3; i++)
		put_endpoint(edit, &r->endpoint[i]);
	assert_int_equal(sl_pmap_put(edit, &key, &list, NULL), 0);
	sl_pmap_destroy((struct sl_pmap *)(uintptr_t)r->world->flood);
	r->world->flood = sl_pmap_edit_commit(edit, &garbage);
	sl_pmap_garbage_free(garbage);
	r->networks[1].flood = true;
	r->networks[1].flood_rate = rate;
}
