/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_internal.h"

void sl_flow_share_set(struct sl_flow_table *t, uint32_t percent)
{
	sl_share_set_percent(&t->share, percent);
}

uint32_t sl_flow_share_reserve(const struct sl_flow_table *t)
{
	return t->share.reserve;
}

uint32_t sl_owner_open(struct sl_flow_table *t, enum sl_owner_kind kind, uint32_t id,
	uint32_t place, uint32_t network)
{
	return sl_share_open(&t->share, kind, id, place, network);
}

void sl_owner_close(struct sl_flow_table *t, uint32_t number)
{
	sl_share_close(&t->share, number);
}

bool sl_owner_view_next(const struct sl_flow_table *t, uint32_t from, struct sl_owner_view *view)
{
	return sl_share_view_next(&t->share, from, view);
}
