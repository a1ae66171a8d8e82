/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The stages that decide where a packet goes: the miss path, the answers given from the endpoint
 * table, the node's own underlay addresses, and the last step out. Threads: worker, on its own
 * burst, within one RCU read section (the world stays valid until its end).
 */
#ifndef SL_FORWARD_DP_H
#define SL_FORWARD_DP_H

#include "dp/worker.h"
#include "pipelines/changes.h"
#include "pipelines/flow/flow_dp.h"
#include "pipelines/pipeline.h"

/* What every stage of one burst needs. */
struct sl_trip {
	struct sl_worker *w;
	struct sl_pipeline *p;
	const struct sl_world *world;
	struct sl_burst *b;
	uint32_t tick;
	bool underlay; /* the burst came in by an underlay port */
};

/*
 * The miss path: packets idx[0..n) have no current flow entry. Classifies, judges, finds the way
 * out and installs or renews the flow. Leaves meta.act, or a drop verdict.
 */
void sl_resolve(const struct sl_trip *t, const uint8_t *idx, unsigned int n);

/*
 * What packet i's resolution depends on: its two addresses, both ends' identities (in either
 * order), and the ways out, of this direction and of its replies.
 */
struct sl_deps sl_deps_of(const struct sl_trip *t, unsigned int i, const uint32_t identity[2],
	const struct sl_action *out, const struct sl_action *back);
/*
 * The generation to store that resolution with. 0, which is current for nobody, when a commit has
 * come in between: it may have changed just that.
 */
uint64_t sl_generation_of(const struct sl_trip *t, const struct sl_deps *deps);
/*
 * Packet i has the entry meta.flow, which is not current. If no commit since has concerned it, it
 * is made so and serves the packet as a hit would: true, with meta.act and verdict.
 */
bool sl_refresh(const struct sl_trip *t, unsigned int i);
/* Is f, an entry between packet i's two addresses, what a resolution would give? *act: what it
 * says. */
bool sl_flow_holds(
	const struct sl_trip *t, unsigned int i, const struct sl_flow *f, struct sl_action *act);

/* Packet i (SL_P_FRAGMENT_FIRST) is let through: the later fragments may follow it. */
void sl_fragment_lead(const struct sl_trip *t, unsigned int i);
/*
 * Packet i (SL_P_FRAGMENT_LATER), which came in commit `came`, follows its first one, or is dropped
 * because what concerns either has changed. False: no first one is known, so far.
 */
bool sl_fragment_follow(const struct sl_trip *t, unsigned int i, uint64_t came);

/* A sample of packet i, when one is due: refused for that reason, and let pass all the same. */
void sl_audited_tell(const struct sl_trip *t, unsigned int i, enum sl_drop reason);
/* Packet i goes no further: counted, and told of. The caller frees it. */
void sl_refused(const struct sl_trip *t, unsigned int i);

/* The ends of a packet as the endpoint table knows them. */
struct sl_ends {
	const struct sl_network *net;
	const struct sl_endpoint *src, *dst;
	struct sl_ip src_ip, dst_ip;
};

/* Who sent packet i and for whom it is; SL_KEEP, or the reason it goes no further. */
enum sl_drop sl_classify(const struct sl_trip *t, unsigned int i, struct sl_ends *ends);
/* One after the other. The sender fills addresses and network also where it is dropped. */
enum sl_drop sl_classify_sender(const struct sl_trip *t, unsigned int i, struct sl_ends *ends);
enum sl_drop sl_classify_receiver(const struct sl_trip *t, unsigned int i, struct sl_ends *ends);

/* Packet i (SL_P_ICMP_ERROR): leaves meta.act, or returns why it goes no further. */
enum sl_drop sl_icmp_error(const struct sl_trip *t, unsigned int i);

/* The way out to an endpoint of packet i's network, for packets of its family and of a sender with
 * that identity. */
struct sl_action sl_way_to(const struct sl_trip *t, unsigned int i, const struct sl_endpoint *to,
	uint32_t sender_identity);
/* The way back to where packet i came from. */
struct sl_action sl_way_back(const struct sl_trip *t, unsigned int i);

/*
 * ARP and neighbour discovery in a network (whohas.h). What is answered from the endpoint table
 * becomes the answer in place, with meta.act the way back. Everything else of the kind gets a
 * verdict.
 */
void sl_arp_answer(const struct sl_trip *t, unsigned int i);
void sl_nd_answer(const struct sl_trip *t, unsigned int i);

/*
 * Underlay packets for this node itself: ARP goes up, ping is answered out of the port it came in
 * by, whose MAC is own. ICMP errors about tunnel packets are noted in their tunnel's row.
 */
void sl_underlay_host(
	const struct sl_trip *t, const struct sl_mac *own, const uint8_t *idx, unsigned int n);

/*
 * Tell the sender of packet i that only packets up to act.mtu fit (RFC 1191, RFC 8201). At most
 * SL_ICMP_ERRORS_PER_TICK a worker and network; sends nothing about what must not be answered (RFC
 * 1122, 3.2.2).
 */
#define SL_ICMP_ERRORS_PER_TICK 100
void sl_too_big(const struct sl_trip *t, unsigned int i);

/* One more for this network? */
static inline bool sl_icmp_within_rate(struct sl_icmp_rate *r, uint32_t tick, uint32_t network)
{
	uint16_t *sent = &r->sent[network % SL_ICMP_RATE_NETWORKS];

	if (r->tick != tick) {
		memset(r->sent, 0, sizeof(r->sent));
		r->tick = tick;
	}
	if (*sent >= SL_ICMP_ERRORS_PER_TICK)
		return false;
	++*sent;
	return true;
}

#endif
