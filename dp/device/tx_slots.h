/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The slots of a packet socket's transmit ring, and slots whose frames the kernel refuses. An
 * interface can refuse a frame for good: a veth whose other end has a smaller MTU does. The kernel
 * then leaves the slot filled, tries it again at each send, and does not advance. One such frame
 * would block all later ones.
 *
 * Known of a ring are the number of frames that the driver has put in and the number of waiting
 * slots. If the kernel was asked to send between two checks, and has taken nothing, its current
 * frame is refused. This must be so twice in a row, because a queue may be full for a moment. Then
 * that slot is dropped, and all waiting frames that are as long or longer. If the kernel's position
 * is unknown, all of them are dropped. For some time after that, frames of that length are dropped
 * early, before they block others.
 * Threads: control; meanwhile workers fill slots and the kernel empties them.
 */
#ifndef SL_DP_TX_SLOTS_H
#define SL_DP_TX_SLOTS_H

#include <linux/if_packet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length of a dead frame, which the kernel skips and returns: shorter than an Ethernet header. */
#define SL_TX_LENGTH_OF_DEAD 1

struct sl_tx_slots {
	uint8_t *at;
	uint32_t n, size;
};

struct sl_tx_watch {
	/* at the last check */
	uint64_t given;
	uint64_t turned_away;
	uint32_t waiting;
	unsigned int n_still; /* checks in a row at which the kernel had taken nothing */
	uint32_t refused_len; /* frames of this length or longer are refused... */
	uint32_t until;	      /* ...until that tick; 0: none are */
};

static inline struct tpacket2_hdr *sl_tx_slot(const struct sl_tx_slots *s, uint32_t i)
{
	return (struct tpacket2_hdr *)(void *)(s->at + (size_t)i * s->size);
}

static inline bool sl_tx_slot_waits(const struct tpacket2_hdr *h)
{
	return (__atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_SEND_REQUEST) != 0 &&
	       __atomic_load_n(&h->tp_len, __ATOMIC_RELAXED) != SL_TX_LENGTH_OF_DEAD;
}

/*
 * If the interface takes the frame at this moment, the kernel sends it or skips it. If the kernel
 * has sent it already and a worker refills the slot meanwhile, that new frame is lost instead.
 */
static inline void sl_tx_slot_bury(struct tpacket2_hdr *h)
{
	__atomic_store_n(&h->tp_len, SL_TX_LENGTH_OF_DEAD, __ATOMIC_RELEASE);
}

/*
 * True when the kernel is stuck at a frame. `given`: frames put into this ring; `turned_away`:
 * packets that found the port's queue full. Both only grow.
 */
bool sl_tx_slots_stuck(
	struct sl_tx_watch *w, const struct sl_tx_slots *s, uint64_t given, uint64_t turned_away);
/* Drop the frame that the kernel is stuck at, and those that are as long. Returns their number. */
unsigned int sl_tx_slots_refuse(struct sl_tx_watch *w, const struct sl_tx_slots *s, uint32_t tick);
/* Drop frames that are known to be refused, before they block others. Returns their number. */
unsigned int sl_tx_slots_weed(struct sl_tx_watch *w, const struct sl_tx_slots *s, uint32_t tick);

#endif
