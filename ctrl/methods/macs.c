/* SPDX-License-Identifier: BSD-3-Clause */
/* macs.list: the MACs that are learned in flooded networks. */
#include <stdlib.h>

#include "ctrl.h"
#include "ctrl/objects/fields.h"
#include "ctrl/rpc/rows.h"
#include "ctrl/watch/names.h"
#include "methods.h"
#include "pipelines/flood/macs.h"
#include "sluice/burst.h"

struct macs_in {
	bool has_network;
	char network[SL_NAME_LEN];
};
static const struct sl_field macs_params_fields[] = {
	SL_FIELD(macs_in, network, SL_F_NAME, SL_PRESENT(macs_in, has_network),
		.help = "Only MACs of this network."),
};
static const struct sl_shape macs_params =
	SL_SHAPE("macs.list", macs_in, macs_params_fields, "Which MACs to list.");

struct mac_out {
	char *network, *at;
	struct sl_mac mac;
	uint32_t vlan, idle_seconds;
};
static const struct sl_field mac_fields[] = {
	SL_FIELD(mac_out, network, SL_F_STRING, .max = SL_NAME_LEN - 1, .help = "The network."),
	SL_FIELD(mac_out, mac, SL_F_MAC, .help = "The MAC, of a host that is no endpoint."),
	SL_FIELD(mac_out, at, SL_F_STRING, .max = SL_NAME_LEN - 1,
		.help = "The port or node that it was last seen at."),
	SL_FIELD(mac_out, vlan, SL_F_UINT, .max = SL_VLAN_MAX, .help = "Its VLAN there; 0: none."),
	SL_FIELD(mac_out, idle_seconds, SL_F_UINT, .max = UINT32_MAX,
		.help = "Since its last frame that was looked at, to a second."),
};
static const struct sl_shape mac_shape = SL_SHAPE("mac", mac_out, mac_fields, "A learned MAC.");
static const struct sl_field mac_elem = SL_ELEM("mac", &mac_shape, "One MAC.");
static const struct sl_field macs_result =
	SL_RESULT_LIST(&mac_elem, &mac_shape, "The learned MACs, in no order.");

#define PASSED_OVER 512u /* entries of one step, most of them free */

struct macs {
	struct sl_rows rows;
	struct sl_ctrl *c;
	uint32_t network, at;
};

static void write_mac(
	struct sl_rows *r, struct sl_text *out, struct sl_ctrl *c, const struct sl_mac_row *row)
{
	const struct sl_running run = sl_ctrl_running(c);
	const struct mac_out mac = {.network = sl_borrow(sl_name_of_network(&run, row->network)),
		.at = sl_borrow(sl_name_of_origin(&run, row->origin)),
		.mac = row->mac,
		.vlan = row->origin & SL_ORIGIN_NODE ? 0 : sl_origin_vlan(row->origin),
		.idle_seconds = (sl_engine_tick(c->engine) - row->tick) / SL_TICKS_PER_SECOND};

	sl_rows_shape(r, out, &mac_shape, &mac);
}

static bool next_mac(struct sl_rows *r, struct sl_text *out)
{
	struct macs *m = (struct macs *)r;
	struct sl_mac_row row;

	for (unsigned int n = 0; n < PASSED_OVER && m->at < SL_MACS_MAX; n++) {
		if (!sl_macs_read(m->c->pipeline->macs, m->at++, &row) ||
			(m->network != 0 && row.network != m->network))
			continue;
		write_mac(r, out, m->c, &row);
		return true;
	}
	return m->at < SL_MACS_MAX;
}

static void free_macs(struct sl_rows *r)
{
	free(r);
}

static int macs_list(const struct sl_rpc_call *call, const void *arg, struct sl_stream **stream,
	struct sl_err *e)
{
	const struct macs_in *in = call->params;
	const struct sl_object *o = NULL;
	struct macs *m;

	(void)arg;
	if (in->has_network) {
		o = sl_store_find(call->ctrl->store, SL_COLL_NETWORKS, in->network);
		if (o == NULL)
			return sl_object_not_found(&sl_collection_networks, SL_ERR_NOT_FOUND,
				"network", in->network, e);
	}
	m = calloc(1, sizeof(*m));
	if (m == NULL)
		return -ENOMEM;
	*m = (struct macs){.rows = {.next = next_mac, .destroy = free_macs},
		.c = call->ctrl,
		.network = o != NULL ? o->id : 0};
	sl_rows_init(&m->rows, 0, stream);
	return 0;
}

const struct sl_method sl_method_macs_list = {
	.name = "macs.list",
	.summary = "The MACs that are learned in flooded networks.",
	.right = SL_RPC_READ,
	.params = &macs_params,
	.result = &macs_result,
	.stream = macs_list,
};
