/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Samples of packets that were dropped, or passed in audit mode, put into words. They have the
 * names of that time: numbers are reused, and a sample must not show one tenant another tenant's
 * names.
 *
 * Each reason has room for SL_RECENT_OF_REASON samples. When that is full, the oldest sample of the
 * culprit with most samples is removed: so a flood displaces its own samples. Packets without a
 * sample are still counted: the next row of the same reason and culprit has their number (lost).
 * Threads: control.
 */
#ifndef SL_CTRL_WATCH_RECENT_H
#define SL_CTRL_WATCH_RECENT_H

#include <time.h>

#include "dp/worker/samples.h"

#define SL_RECENT_OF_REASON 256
#define SL_RECENT_DETAIL    256

struct sl_recent_entry {
	uint64_t sequence;    /* grows from sample to sample, also over restarts */
	uint64_t lost;	      /* like packets before this one that no row shows */
	struct timespec when; /* when it was taken from the ring, realtime */
	uint32_t length;
	uint16_t culprit;
	uint8_t reason, proto;
	bool audited;
	bool has_macs, has_addresses, has_ports, has_outer, has_vni, is_arp;
	struct sl_mac source_mac, destination_mac;
	uint16_t ethertype, source_port, destination_port;
	uint32_t vni;
	struct sl_ip source, destination, outer_source, outer_destination;
	/* What packets of its connection become, if there is one and they do. */
	bool has_rewritten;
	struct sl_ip rewritten_source, rewritten_destination;
	uint16_t rewritten_source_port, rewritten_destination_port;
	char rewritten_network[SL_NAME_LEN];
	/* Names; empty: none, or not known. */
	char network[SL_NAME_LEN], policy[SL_NAME_LEN];
	char from[SL_NAME_LEN];	       /* the port or node that sent it */
	char port[SL_NAME_LEN];	       /* the port that it entered by */
	char out_port[SL_NAME_LEN];    /* the port that it could not leave by */
	char endpoint[SL_NAME_LEN];    /* its sender: port, MAC and address match */
	char to[SL_NAME_LEN];	       /* the endpoint with the destination address */
	char detail[SL_RECENT_DETAIL]; /* one sentence: what in the packet caused the drop */
};

struct sl_recent_reason {
	unsigned int n;
	uint16_t of[SL_CULPRITS];			   /* rows of each culprit */
	struct sl_recent_entry entry[SL_RECENT_OF_REASON]; /* in no order */
};

struct sl_recent {
	uint64_t sequence;				/* of the last sample */
	struct sl_recent_reason *reason[SL_DROP_COUNT]; /* NULL: no sample so far */
};

/* now: realtime. Sequences of a later start are higher. */
void sl_recent_init(struct sl_recent *r, const struct timespec *now);
void sl_recent_fini(struct sl_recent *r);
/* Keeps the sample, and gives it its sequence number. When memory is out, the sample is lost. */
void sl_recent_add(struct sl_recent *r, const struct sl_recent_entry *e);

/* The sources of the words. */
struct sl_world;
struct sl_drop_names {
	void *ctx;
	const char *(*port)(void *ctx, uint16_t id); /* "" when there is none */
	const char *(*node)(void *ctx, uint32_t id);
	const char *(*policy)(void *ctx, uint32_t slot);
	const char *(*network)(void *ctx, uint32_t id);
	const char *(*endpoint)(void *ctx, uint32_t id);
};
/* Fills *e except sequence, when, and what packets become. */
void sl_drop_explain(struct sl_recent_entry *e, const struct sl_sample *s,
	const struct sl_world *world, const struct sl_drop_names *names);
/* What packets of the connection of *e, which is filled, become. network: the id of its network. */
struct sl_flow_table;
void sl_drop_find_rewritten(struct sl_recent_entry *e, uint32_t network, struct sl_flow_table *t,
	const struct sl_drop_names *names);

#endif
