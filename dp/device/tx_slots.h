/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The slots of a packet socket's transmit ring, and those whose frames the kernel refuses. An
 * interface can refuse a frame for good: a veth whose other end has a smaller MTU does. The kernel
 * then leaves the slot filled, tries it again whenever something is sent, and gets no further: one
 * such frame would hold up all that come after it.
 *
 * What is known of a ring is how many frames the driver has put in and how many slots wait. When
 * the kernel was asked to send between two looks, and has taken nothing, what it is at is refused:
 * twice in a row, for a queue may be full for a moment. That slot is thrown away, and with it what
 * waits and is as long or longer; all of it, if it cannot be told which one the kernel is at. For
 * some time after that, frames as long do not get as far as to hold anybody up.
 * Threads: control; workers fill slots and the kernel empties them meanwhile.
 */
#ifndef SL_DP_TX_SLOTS_H
#define SL_DP_TX_SLOTS_H

#include <linux/if_packet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of a frame that the kernel passes over, and gives back: shorter than an Ethernet header. */
#define SL_TX_LENGTH_OF_DEAD 1

struct sl_tx_slots {
	uint8_t *at;
	uint32_t n, size;
};

struct sl_tx_watch {
	/* at the last look */
	uint64_t given;
	uint64_t turned_away;
	uint32_t waiting;
	unsigned int n_still; /* looks in a row at which the kernel had taken nothing */
	uint32_t refused_len; /* frames as long are refused... */
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
 * If the interface takes the frame this very moment, the kernel sends it or passes it over. If it
 * has sent it already and a worker fills the slot again meanwhile, that frame is lost instead.
 */
static inline void sl_tx_slot_bury(struct tpacket2_hdr *h)
{
	__atomic_store_n(&h->tp_len, SL_TX_LENGTH_OF_DEAD, __ATOMIC_RELEASE);
}

/*
 * Whether the kernel is stuck at a frame. `given`: frames put into this ring; `turned_away`:
 * packets that found the port's queue full. Both only grow.
 */
bool sl_tx_slots_stuck(
	struct sl_tx_watch *w, const struct sl_tx_slots *s, uint64_t given, uint64_t turned_away);
/* Throw away what it is stuck at, and is as long; how many. */
unsigned int sl_tx_slots_refuse(struct sl_tx_watch *w, const struct sl_tx_slots *s, uint32_t tick);
/* Throw away what is known to be refused, before it holds up others; how many. */
unsigned int sl_tx_slots_weed(struct sl_tx_watch *w, const struct sl_tx_slots *s, uint32_t tick);

#endif
