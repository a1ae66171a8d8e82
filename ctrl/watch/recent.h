/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Samples of packets that were dropped, or let pass in audit mode, put into words: with the names
 * of that time, for numbers are given again, and must not show one tenant another's names.
 *
 * Each reason has a place of its own for SL_RECENT_OF_REASON samples. Where it is full, the oldest
 * of the culprit that has most makes room: a flood displaces its own. What is not kept is not lost
 * from the count: the next row of the same reason and culprit says so (lost).
 * Threads: control.
 */
#ifndef SL_CTRL_WATCH_RECENT_H
#define SL_CTRL_WATCH_RECENT_H

#include <time.h>

#include "dp/worker/samples.h"

#define SL_RECENT_OF_REASON 256
#define SL_RECENT_DETAIL    256

struct sl_recent_entry {
	uint64_t sequence;    /* of all samples; grows from one to the next, also over restarts */
	uint64_t lost;	      /* packets alike before this one, that no row shows */
	struct timespec when; /* taken from the ring, realtime */
	uint32_t length;
	uint16_t culprit;
	uint8_t reason, proto;
	bool audited;
	bool has_macs, has_addresses, has_ports, has_outer, has_vni, is_arp;
	struct sl_mac source_mac, destination_mac;
	uint16_t ethertype, source_port, destination_port;
	uint32_t vni;
	struct sl_ip source, destination, outer_source, outer_destination;
	/* Names; empty where there is none, or it is not known. */
	char network[SL_NAME_LEN], policy[SL_NAME_LEN];
	char from[SL_NAME_LEN];	       /* port or node that it came from */
	char port[SL_NAME_LEN];	       /* by which it came in */
	char out_port[SL_NAME_LEN];    /* by which it was to leave, where that failed */
	char endpoint[SL_NAME_LEN];    /* that sent it: port, MAC and address are its */
	char to[SL_NAME_LEN];	       /* the endpoint that has the destination address */
	char detail[SL_RECENT_DETAIL]; /* one sentence: what in the packet gave the reason */
};

struct sl_recent_reason {
	unsigned int n;
	uint16_t of[SL_CULPRITS];			   /* rows of each */
	struct sl_recent_entry entry[SL_RECENT_OF_REASON]; /* in no order */
};

struct sl_recent {
	uint64_t sequence;				/* of the last sample */
	struct sl_recent_reason *reason[SL_DROP_COUNT]; /* NULL: no sample so far */
};

/* now: realtime. Sequences of a later start are higher. */
void sl_recent_init(struct sl_recent *r, const struct timespec *now);
void sl_recent_fini(struct sl_recent *r);
/* Keep it; gives it its sequence. Out of memory: it is forgotten. */
void sl_recent_add(struct sl_recent *r, const struct sl_recent_entry *e);

/* What the words are made from. */
struct sl_world;
struct sl_drop_names {
	void *ctx;
	const char *(*port)(void *ctx, uint16_t id); /* each "" when there is none */
	const char *(*node)(void *ctx, uint32_t id);
	const char *(*policy)(void *ctx, uint32_t slot);
	const char *(*network)(void *ctx, uint32_t id);
	const char *(*endpoint)(void *ctx, uint32_t id);
};
/* All of *e but sequence and when. */
void sl_drop_explain(struct sl_recent_entry *e, const struct sl_sample *s,
	const struct sl_world *world, const struct sl_drop_names *names);

#endif
