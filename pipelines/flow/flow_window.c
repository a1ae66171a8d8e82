/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow_window.h"

#include <rte_ether.h>

#include "flow_seq.h"

enum { /* TCP options, RFC 9293 section 3.2 and RFC 7323 section 2.2 */
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_SCALE = 3,
	OPTION_SCALE_LEN = 3,
	HEADER = 20,
	HEADER_MAX = 60,
};

void sl_window_clear(struct sl_flow_window *w)
{
	for (unsigned int i = 0; i < 2; i++)
		__atomic_store_n((uint64_t *)w + i, 0, __ATOMIC_RELAXED);
}

static uint32_t data_len(const struct sl_flow_window *w)
{
	/* A tracked frame has no VLAN tag. */
	uint32_t segment = RTE_ETHER_HDR_LEN + (uint32_t)w->l3_len - w->l4_off;
	uint32_t header = (uint32_t)(w->offset >> 4) * 4;

	return segment > header ? segment - header : 0;
}

static struct sl_segment segment(const struct sl_flow_window *w)
{
	struct sl_segment s = {.seq = sl_be32(w->seq_be),
		.ack = sl_be32(w->ack_be),
		.win = sl_be16(w->win_be),
		.flags = w->flags};

	s.end = s.seq + data_len(w) + !!(s.flags & SL_TCP_SYN) + !!(s.flags & SL_TCP_FIN);
	return s;
}

struct sl_segment sl_window_last(const struct sl_flow_window *w)
{
	struct sl_flow_window copy;
	uint64_t words[2] = {sl_seq_load64(w), sl_seq_load64((const uint8_t *)w + 8)};

	memcpy(&copy, words, sizeof(copy));
	return segment(&copy);
}

struct sl_segment sl_segment_of(const struct sl_burst *b, unsigned int i)
{
	const struct sl_meta *m = &b->meta[i];
	struct sl_flow_window w = {.l4_off = m->l4_off, .l3_len = m->l3_len};
	uint8_t buf[HEADER];
	const uint8_t *p = sl_pkt_read(b->pkt[i], m->l4_off, HEADER, buf);

	/* Parse has checked that it is there. */
	if (p != NULL)
		memcpy(&w, p + 4, offsetof(struct sl_flow_window, l4_off));
	return segment(&w);
}

unsigned int sl_segment_scale(const struct sl_burst *b, unsigned int i)
{
	const struct sl_meta *m = &b->meta[i];
	uint8_t buf[HEADER_MAX];
	const uint8_t *p = sl_pkt_read(b->pkt[i], m->l4_off, HEADER, buf);
	unsigned int len = p != NULL ? (p[12] >> 4) * 4u : 0;

	p = len >= HEADER ? sl_pkt_read(b->pkt[i], m->l4_off, len, buf) : NULL;
	if (p == NULL)
		return SL_TCP_SCALE_NONE;
	for (unsigned int at = HEADER; at < len && p[at] != OPTION_END;) {
		if (p[at] == OPTION_NOP) {
			at++;
			continue;
		}
		if (at + 1 >= len || p[at + 1] < 2 || at + p[at + 1] > len)
			break;
		if (p[at] == OPTION_SCALE && p[at + 1] == OPTION_SCALE_LEN)
			return RTE_MIN(p[at + 2], SL_TCP_SCALE_MAX);
		at += p[at + 1];
	}
	return SL_TCP_SCALE_NONE;
}

/* True when sequence number `at` is in the window where the peer accepts data. */
static bool awaited(uint32_t at, const struct sl_segment *peer, unsigned int scale)
{
	/* The window of a SYN is not scaled: RFC 7323 section 2.2. */
	uint32_t win = peer->flags & SL_TCP_SYN ? peer->win : peer->win << scale;

	return at - peer->ack <= win;
}

bool sl_segment_acknowledges(const struct sl_segment *s, const struct sl_segment *peer)
{
	return s->flags & SL_TCP_ACK && s->ack - peer->seq - 1 < peer->end - peer->seq;
}

/*
 * A reset counts only with the exact number that is due next. That is what the peer has
 * acknowledged last. If the peer has not acknowledged the last segment yet, it is also the end of
 * that segment. Before the peer has acknowledged anything, a reset must answer its SYN.
 */
bool sl_segment_resets(const struct sl_segment *s, const struct sl_segment *own,
	const struct sl_segment *peer, unsigned int scale)
{
	bool next = own->flags != 0 && s->seq == own->end;

	if (peer->flags & SL_TCP_ACK)
		return s->seq == peer->ack || (next && awaited(s->seq, peer, scale));
	if (peer->flags & SL_TCP_SYN)
		return sl_segment_acknowledges(s, peer);
	return next;
}

bool sl_segment_in_window(
	const struct sl_segment *s, const struct sl_segment *peer, unsigned int scale)
{
	/* Its last sequence number is that of SYN or FIN. */
	return peer->flags & SL_TCP_ACK && awaited(s->end - 1, peer, scale);
}

bool sl_sequence_under_way(uint32_t seq, const struct sl_segment *own,
	const struct sl_segment *peer, unsigned int scale)
{
	/* The last segment may have been acknowledged since. */
	if (own->flags != 0 && seq - own->seq <= own->end - own->seq)
		return true;
	return own->flags != 0 && peer->flags & SL_TCP_ACK && awaited(seq, peer, scale);
}
