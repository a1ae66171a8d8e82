/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Judging a connection: who opened it, and whether policy allows it. The opener's node evaluates
 * egress rules, the peer's node ingress rules. If the opening was not seen, there are two readings
 * of the connection: each end as its opener.
 * Threads: worker, on its own burst.
 */
#ifndef SL_MISS_JUDGE_H
#define SL_MISS_JUDGE_H

#include "pipelines/way/ends.h"

#define SL_NOT_JUDGED SL_FLOW_NOT_JUDGED

struct sl_judgement {
	enum sl_drop reason;	  /* SL_KEEP: allowed */
	uint32_t ingress, egress; /* slots of the policies that decided, or SL_NOT_JUDGED */
	uint32_t denied_by;	  /* slot; SL_NOT_JUDGED when no policy has denied it */
	const struct sl_network *denied_in; /* whose policies denied it; NULL: none */
	bool audited;			    /* denied for the record only: the packet passes */
	bool by_peer;			    /* the receiver of packet i is the opener */
	/* the opener is not known; by_peer tells which reading was allowed */
	bool picked;
};

/* Packet i belongs to a connection that its sender opened; with by_peer, its receiver opened it. */
struct sl_judgement sl_judge(
	const struct sl_trip *t, unsigned int i, const struct sl_ends *e, bool by_peer);
/*
 * Packet i belongs to a TCP connection of unknown opener. It is allowed when one reading is
 * allowed at every end judged here, and no rule with action deny matches the other reading.
 * Otherwise it belongs to no connection known here: TCP_NO_CONNECTION, which does not count as a
 * policy's denial.
 */
struct sl_judgement sl_judge_picked(
	const struct sl_trip *t, unsigned int i, const struct sl_ends *e);
/* The same for a packet without an entry. The network may refuse all such packets. */
struct sl_judgement sl_judge_stranger(
	const struct sl_trip *t, unsigned int i, const struct sl_ends *e);

/*
 * Do the ingress rules of a local endpoint allow it packet i, which is for a group? A denial in audit
 * or observe mode allows it.
 */
bool sl_judge_member(const struct sl_trip *t, unsigned int i, const struct sl_ends *e,
	const struct sl_endpoint *member);

/* Packet i is denied: records which policy denied it, and samples it if it
 * passes anyway (audit). */
void sl_judgement_note(const struct sl_trip *t, unsigned int i, const struct sl_judgement *j);

#endif
