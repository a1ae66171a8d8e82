/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connections to the world with a translated source: both directions as the flow table stores them.
 * A workload's packets have a key in their network; replies have one in the underlay, to the
 * translated address. The entry of either direction has a record that tells the other one's key, so
 * a connection keeps its source as long as it has an entry.
 * Threads: worker, on its own burst.
 */
#ifndef SL_NAT_TRANSLATE_H
#define SL_NAT_TRANSLATE_H

#include "pipelines/flow/flow_dp.h"
#include "pipelines/way/ends.h"

/* What a struct sl_flow_install of such a connection points at. */
struct sl_translation {
	struct sl_rewrite rewrite[2];
	struct sl_key4 reply4;
	struct sl_key6 reply6;
	bool slow; /* the way out is the slow one: the resolution serves the present packet only */
};

/* The ends of packet i go by a way out with translation. */
static inline bool sl_is_translated(const struct sl_ends *e)
{
	return e->target != NULL && e->target->kind == SL_TARGET_NAT;
}

/*
 * Packet i is a workload's, and its ends are found. Fills sides, records and the replies' key. An
 * entry f keeps the source that it has, if that may still be. SL_KEEP, or the drop reason.
 */
enum sl_drop sl_translate_out(const struct sl_trip *t, unsigned int i, const struct sl_ends *e,
	const struct sl_flow *f, struct sl_flow_install *in, struct sl_translation *x);

/*
 * Packet i came from outside, and has entry f. Finds its ends: the sender is nobody, the receiver is
 * the workload. SL_KEEP, or the drop reason.
 */
enum sl_drop sl_translate_ends(
	const struct sl_trip *t, unsigned int i, const struct sl_flow *f, struct sl_ends *e);
/* Next: fills sides and records. */
enum sl_drop sl_translate_in(const struct sl_trip *t, unsigned int i, const struct sl_ends *e,
	const struct sl_flow *f, struct sl_flow_install *in, struct sl_translation *x);

/*
 * Packet i is an ICMP error about a translated packet: it becomes one about what its receiver has sent,
 * and gets its action. _in: from outside, its origin says so. _out: of a workload, with these ends, to
 * the world. SL_KEEP, or the drop reason.
 */
enum sl_drop sl_translate_error_in(const struct sl_trip *t, unsigned int i);
enum sl_drop sl_translate_error_out(
	const struct sl_trip *t, unsigned int i, const struct sl_ends *e);

#endif
