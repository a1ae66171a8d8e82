/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * TCP windows: would the other end of a connection accept a segment, as far as a switch between the
 * ends can tell? The last segment of each direction is kept beside its counters, byte for byte as
 * in the packet. A segment with SYN, FIN or RST is compared with it before it may change the
 * connection's state: RFC 9293 section 3.10.7.4 for the window, RFC 5961 section 3.2 for resets.
 *
 * Threads: workers. The worker that counts a direction's packets writes its record. A worker that
 * receives a SYN, FIN or RST reads both directions' records, word by word. A torn read may misjudge
 * that one segment, just like a segment that overtook another on its way.
 */
#ifndef SL_FLOW_WINDOW_H
#define SL_FLOW_WINDOW_H

#include <rte_mbuf.h>

#include "dp/lib/pkt.h"
#include "flow_dp.h"
#include "flow_block.h"

#define SL_TCP_SCALE_MAX  14 /* RFC 7323 section 2.3 */
#define SL_TCP_SCALE_NONE 15 /* its SYN had no window scale option */

/* A segment in host order. flags 0: no segment yet. */
struct sl_segment {
	uint32_t seq, end; /* first sequence number, and the one after the last */
	uint32_t ack, win; /* win: unscaled, as in the segment */
	uint8_t flags;
};

/* The fields of sl_flow_window have the order of a TCP header, from the sequence number on. */
_Static_assert(sizeof(struct sl_flow_window) == 16 && offsetof(struct sl_flow_window, flags) == 9 &&
		       offsetof(struct sl_flow_window, win_be) == 10,
	"copied as one block");
_Static_assert(offsetof(struct sl_meta, l3_len) == offsetof(struct sl_meta, l4_off) + 2 &&
		       offsetof(struct sl_flow_window, l3_len) ==
			       offsetof(struct sl_flow_window, l4_off) + 2,
	"two fields in one go");

/* Remember the segment of a packet whose TCP header is in its first buffer. */
static __rte_always_inline void sl_window_note(
	struct sl_flow_window *w, const struct sl_meta *m, const uint8_t *frame)
{
	sl_block16_store_joined(w, sl_block16_of(frame + m->l4_off + 4), sl_load32(&m->l4_off));
}

void sl_window_clear(struct sl_flow_window *w);
struct sl_segment sl_window_last(const struct sl_flow_window *w);
/* The segment of packet i. */
struct sl_segment sl_segment_of(const struct sl_burst *b, unsigned int i);
/* The window scale that a SYN offers, or SL_TCP_SCALE_NONE. */
unsigned int sl_segment_scale(const struct sl_burst *b, unsigned int i);

/*
 * The effect of segment s on the end that receives it. `peer` is the last segment that the receiver
 * has sent, `own` the previous one from the sender of s. scale: of the peer's window.
 */
bool sl_segment_resets(const struct sl_segment *s, const struct sl_segment *own,
	const struct sl_segment *peer, unsigned int scale);
bool sl_segment_in_window(
	const struct sl_segment *s, const struct sl_segment *peer, unsigned int scale);
/*
 * True when sequence number seq is in flight (RFC 5927 section 4.1). seq is quoted in an
 * error to the end whose last segment is `own`. peer, scale: the other end's last segment,
 * and its window scale.
 */
bool sl_sequence_under_way(uint32_t seq, const struct sl_segment *own,
	const struct sl_segment *peer, unsigned int scale);
/* True when s acknowledges something in the peer's last segment. */
bool sl_segment_acknowledges(const struct sl_segment *s, const struct sl_segment *peer);

#endif
