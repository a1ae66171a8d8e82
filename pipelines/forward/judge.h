/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Judging a connection: who opened it, and what policy says of that, egress at the opener's node
 * and ingress at its peer's. A connection whose opening was not seen has two readings, each end as
 * its opener. Threads: worker, as forward_dp.h.
 */
#ifndef SL_FORWARD_JUDGE_H
#define SL_FORWARD_JUDGE_H

#include "forward_dp.h"

#define SL_NOT_JUDGED SL_FLOW_NOT_JUDGED

struct sl_judgement {
	enum sl_drop reason;	  /* SL_KEEP: allowed */
	uint32_t ingress, egress; /* slots that decided; SL_NOT_JUDGED: not here */
	uint32_t denied_by;	  /* slot; SL_NOT_JUDGED: no policy's denial */
	bool audited;		  /* denied for the record only */
	bool by_peer;		  /* the receiver of packet i is the opener */
	bool picked;		  /* nobody knows; by_peer tells the reading that was allowed */
};

/* Packet i belongs to a connection that its sender opened, or with by_peer its receiver. */
struct sl_judgement sl_judge(
	const struct sl_trip *t, unsigned int i, const struct sl_ends *e, bool by_peer);
/*
 * Packet i belongs to a TCP connection of unknown opener. It is allowed if one reading is allowed
 * at every end judged here, and no rule with action deny matches the other. Else it is of no
 * connection known here: TCP_NO_CONNECTION, which is no policy's denial.
 */
struct sl_judgement sl_judge_picked(
	const struct sl_trip *t, unsigned int i, const struct sl_ends *e);
/* The same for one that no entry is for, where the network may refuse all of them. */
struct sl_judgement sl_judge_stranger(
	const struct sl_trip *t, unsigned int i, const struct sl_ends *e);

/* Record a packet that is denied. */
void sl_judgement_tell(const struct sl_trip *t, unsigned int i, const struct sl_judgement *j);

#endif
