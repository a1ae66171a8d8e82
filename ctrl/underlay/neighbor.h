/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Underlay neighbours: the MAC of each next hop on an underlay link. The table asks with the
 * neighbour protocol of the address family (neighbor_proto.h), keeps a few packets waiting in the
 * meantime, probes entries before they grow old, and forgets entries that nobody needs.
 *
 *   INCOMPLETE --reply--> REACHABLE --age, or another MAC is heard--> PROBE --reply--> REACHABLE
 *       |                                                               |
 *       +------------------------- no answer ---------------------------+--> FAILED
 *       ^                                                                      |
 *       +---------------------- when a packet asks ----------------------------+
 *
 * Any host on the link can send such frames. So a packet or tunnel that needs an entry makes it,
 * never a frame that is heard. The entry gets a MAC only from a reply to an open request of ours
 * (INCOMPLETE, PROBE), on the port that the request was sent from.
 *
 * Any other frame is only a reason to ask again. After a frame from a neighbour that is being
 * looked for, the table asks at once. After a frame with another MAC than the known one, it asks
 * the holder of the known MAC by unicast. If the holder answers, its MAC stays, and the attempt is
 * counted. If the holder leaves SL_NEIGHBOR_DOUBTS requests unanswered, the table asks everybody,
 * and the first reply counts: the neighbour has moved.
 *
 * STATIC entries come from the configuration, win over learned ones, and never age. When one is
 * removed, the table asks everybody at once: perhaps it was removed because its MAC was wrong.
 * Threads: control. Ownership: the table owns packets handed in until they are sent, dropped or
 * flushed.
 */
#ifndef SL_CTRL_UNDERLAY_NEIGHBOR_H
#define SL_CTRL_UNDERLAY_NEIGHBOR_H

#include <rte_mbuf.h>

#include "dp/worker/counters.h"
#include "dp/worker/samples.h"
#include "sluice/types.h"

#define SL_NEIGHBOR_QUEUE 8 /* packets that wait for one neighbour */
#define SL_NEIGHBORS_MAX \
	131072 /* entries besides static ones; beyond it, new next hops stay unresolved */
#define SL_NEIGHBOR_FRESH_S	30  /* a learned entry is probed when older */
#define SL_NEIGHBOR_WATCHED_S	5   /* the same for an entry that is watched */
#define SL_NEIGHBOR_RETRIES	3   /* requests, one a second, until it counts as failed */
#define SL_NEIGHBOR_FORGET_S	120 /* an entry no tunnel uses is dropped when older */
#define SL_NEIGHBOR_DOUBTS	2   /* unicast requests to the known MAC before asking everybody */
#define SL_NEIGHBOR_STANDS_S	600 /* a claim against an entry is a notice for this long */
#define SL_NEIGHBOR_REPORTS_MAX 10 /* events reported in SL_NEIGHBOR_REPORTS_S; one of each entry */
#define SL_NEIGHBOR_REPORTS_S	60
#define SL_CONFLICTS_MAX	16 /* own addresses that others claim, remembered */

enum sl_neighbor_state {
	SL_NEIGHBOR_INCOMPLETE,
	SL_NEIGHBOR_REACHABLE,
	SL_NEIGHBOR_PROBE, /* still used while the table asks again */
	SL_NEIGHBOR_FAILED,
	SL_NEIGHBOR_STATIC,
};

enum sl_neighbor_event_kind {
	SL_NEIGHBOR_MOVED,    /* mac was replaced by `other` */
	SL_NEIGHBOR_CLAIMED,  /* `other` claimed the address; mac answers and stays */
	SL_NEIGHBOR_CONFLICT, /* `other` claims our own address */
};

struct sl_neighbor_event {
	enum sl_neighbor_event_kind kind;
	uint16_t port;
	struct sl_ip ip;
	struct sl_mac mac, other;
	uint32_t left_out; /* events not reported since the last reported one */
};

/* What the table needs from its surroundings; a test provides its own. */
struct sl_neighbor_ops {
	void *ctx;
	/*
	 * Sends a packet out of an underlay port; false: it cannot be queued, and the table keeps
	 * it.
	 */
	bool (*send)(void *ctx, uint16_t port, struct rte_mbuf *m);
	struct rte_mbuf *(*alloc)(void *ctx);
	/*
	 * Called when the MAC of a neighbour became known, changed, or (mac NULL) is no longer
	 * known.
	 */
	void (*changed)(void *ctx, uint16_t port, const struct sl_ip *ip, const struct sl_mac *mac);
	/*
	 * Our MAC on the port, and our address to ask `to` from: of the family of `to`, and of its
	 * subnet if we have one there. False: there is none.
	 */
	bool (*source)(void *ctx, uint16_t port, const struct sl_ip *to, struct sl_mac *mac,
		struct sl_ip *from);
	/*
	 * The host's kernel finds the MAC, and sl_neighbor_told follows. False: the table itself
	 * asks. NULL: it always does.
	 */
	bool (*ask)(void *ctx, uint16_t port, const struct sl_ip *ip);
	/* True when ip is our address on that port: then questions about it are answered. */
	bool (*is_ours)(void *ctx, uint16_t port, const struct sl_ip *ip);
	/* True for any address, and any port's MAC, of this node: nobody else may claim it. */
	bool (*is_own)(void *ctx, const struct sl_ip *ip);
	bool (*is_own_mac)(void *ctx, const struct sl_mac *mac);
	/* Reports an event to the log; the table limits how often. */
	void (*report)(void *ctx, const struct sl_neighbor_event *ev);
	struct sl_counters *counters; /* the control thread's row */
	struct sl_samples *samples;   /* and its samples of what is dropped */
};

struct sl_neighbors;

struct sl_neighbors *sl_neighbors_create(const struct sl_neighbor_ops *ops);
void sl_neighbors_destroy(struct sl_neighbors *t); /* accepts NULL; frees waiting packets */

/*
 * Starts to use a neighbour: 1 and its MAC when it can be used now, 0 while resolution is under
 * way, -1 when the table has no room. After 0 and 1 one release must follow. After -1 none may
 * follow: it would release another holder's use.
 */
int sl_neighbor_hold(struct sl_neighbors *t, uint16_t port, const struct sl_ip *ip, uint32_t tick,
	struct sl_mac *mac);
void sl_neighbor_release(struct sl_neighbors *t, uint16_t port, const struct sl_ip *ip);

/*
 * Asks for an entry that is held: at once when it has failed, and when its last proof is older than
 * SL_NEIGHBOR_WATCHED_S. For next hops that share flows with others: call it once a second.
 */
void sl_neighbor_watch(
	struct sl_neighbors *t, uint16_t port, const struct sl_ip *ip, uint32_t tick);

/*
 * Handles a packet whose next hop is not resolved: sends it at once, queues it, or drops it with a
 * reason.
 */
void sl_neighbor_queue(struct sl_neighbors *t, uint16_t port, const struct sl_ip *ip,
	struct rte_mbuf *m, uint32_t tick);

/*
 * Handles a frame of a neighbour protocol from the underlay: answers it, and weighs it as said
 * above. The table owns the packet from here.
 */
void sl_neighbor_hear(struct sl_neighbors *t, uint16_t port, struct rte_mbuf *m, uint32_t tick);

/* What the host's kernel knows of a neighbour; mac NULL: it does not answer. */
void sl_neighbor_told(struct sl_neighbors *t, uint16_t port, const struct sl_ip *ip,
	const struct sl_mac *mac, uint32_t tick);

void sl_neighbor_set_static(
	struct sl_neighbors *t, uint16_t port, const struct sl_ip *ip, const struct sl_mac *mac);
void sl_neighbor_clear_static(
	struct sl_neighbors *t, uint16_t port, const struct sl_ip *ip, uint32_t tick);
/* Drops the waiting packets for which is_stale(m, ctx) is true. */
void sl_neighbors_cancel(struct sl_neighbors *t,
	bool (*is_stale)(const struct rte_mbuf *m, const void *ctx), const void *ctx);
/* Forgets everything about a port that is removed. */
void sl_neighbors_forget_port(struct sl_neighbors *t, uint16_t port);

/* Runs the timers: retries, probes, forgetting. Call it about once a tick. */
void sl_neighbors_tick(struct sl_neighbors *t, uint32_t tick);

struct sl_neighbor_view {
	uint16_t port;
	struct sl_ip ip;
	struct sl_mac mac;
	enum sl_neighbor_state state;
	uint32_t age_ticks, uses, waiting;
	uint32_t flips;	     /* times its MAC changed */
	uint32_t attempts;   /* times another MAC claimed its address and was not believed */
	struct sl_mac other; /* the last claimant, or the MAC before the last flip; zero: none */
	bool contested;	     /* a flip or an attempt within SL_NEIGHBOR_STANDS_S */
};
void sl_neighbors_walk(struct sl_neighbors *t, uint32_t tick,
	void (*fn)(const struct sl_neighbor_view *v, void *ctx), void *ctx);
/*
 * The same, one entry a call; anything may happen between two calls. *at starts zeroed. False at
 * the end.
 */
struct sl_neighbor_cursor {
	uint64_t number;
	uint16_t port;
	struct sl_ip ip;
};
bool sl_neighbors_next(struct sl_neighbors *t, struct sl_neighbor_cursor *at, uint32_t tick,
	struct sl_neighbor_view *v);
/* Own addresses that others claimed within SL_NEIGHBOR_STANDS_S. */
struct sl_conflict {
	uint16_t port;
	struct sl_ip ip;
	struct sl_mac mac; /* the last to claim it */
	uint32_t tick;	   /* when it did; 0: this entry is free */
	uint32_t count;
};
void sl_neighbors_conflicts(struct sl_neighbors *t, uint32_t tick,
	void (*fn)(const struct sl_conflict *c, void *ctx), void *ctx);
const char *sl_neighbor_state_name(enum sl_neighbor_state s);

#endif
