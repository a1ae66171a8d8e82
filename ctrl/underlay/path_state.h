/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state of the path to a node beyond the next hop: do packets come back? It follows from
 * workers' counters of the node's tunnels (sl_tunnel_seen), which are read now and then.
 *
 *   no_path      no underlay link or route leads to the node
 *   unresolved   the MAC of its next hop is not known
 *   resolved     the next hop is known; nothing was sent that would be answered
 *   heard        packets have come from the node within 5 seconds
 *   silent       packets are sent, and for 5 seconds or longer none has come
 *   unreachable  an ICMP error says that packets do not arrive, and nothing has come since
 *
 * An ICMP error is a hint that any host can send. It is not believed as long as packets come.
 * Threads: control.
 */
#ifndef SL_CTRL_UNDERLAY_PATH_STATE_H
#define SL_CTRL_UNDERLAY_PATH_STATE_H

#include "dp/engine/engine.h"
#include "pipelines/overlay/tunnel_ctl.h"

#define SL_PATH_QUIET_TICKS   (5 * SL_TICKS_PER_SECOND)
#define SL_PATH_GRACE_TICKS   (2 * SL_TICKS_PER_SECOND)	  /* heard this recently: no error counts */
#define SL_PATH_ERROR_TICKS   (30 * SL_TICKS_PER_SECOND)  /* an error is believed this long */
#define SL_PATH_FORGET_TICKS  (300 * SL_TICKS_PER_SECOND) /* after the last packet sent */
#define SL_PATH_TOO_BIG_TICKS (600 * SL_TICKS_PER_SECOND) /* RFC 1191 section 6.3 */

enum sl_path_state {
	SL_PATH_NONE,
	SL_PATH_UNRESOLVED,
	SL_PATH_RESOLVED,
	SL_PATH_HEARD,
	SL_PATH_SILENT,
	SL_PATH_UNREACHABLE,
};
const char *sl_path_state_name(enum sl_path_state s);

/* Of one node. Starts zeroed; then call sl_path_begin. */
struct sl_path_watch {
	struct sl_tunnel_seen base; /* counters from before the node had its id and address */
	uint32_t begun;		    /* ticks; 0: never */
	uint64_t tx_packets;	    /* at the last look */
	uint32_t sent;		    /* tick of the look that saw tx_packets grow */
	uint32_t unheard;	    /* tick since when packets are sent and none comes; 0: not so */
	enum sl_path_state state;
};

/* The counters since the watch began. heard and error are 0 for never. */
void sl_path_begin(struct sl_path_watch *w, const struct sl_tunnel_seen *now, uint32_t tick);
void sl_path_since(
	const struct sl_path_watch *w, const struct sl_tunnel_seen *now, struct sl_tunnel_seen *s);
/* Looks again, and returns the state, which is in *w as well. s comes from sl_path_since. */
enum sl_path_state sl_path_look(struct sl_path_watch *w, const struct sl_tunnel_seen *s,
	bool reachable, bool resolved, uint32_t tick);

/* An error word's parts; the text is for people: "port unreachable". */
struct sl_path_error {
	bool v6; /* an ICMPv6 error: its sender is not in the word */
	uint8_t type, code;
	uint16_t mtu; /* 0: not given */
	struct sl_ip from;
	const char *text;
};
struct sl_path_error sl_path_error_of(uint64_t word);

#endif
