/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the generator's own files share: its options, the template frames ready to be copied, and
 * the stream of packets of one queue.
 * Threads: as in generator.h; options and frames do not change once the first packet is made.
 */
#ifndef SL_TESTS_GENERATOR_INTERNAL_H
#define SL_TESTS_GENERATOR_INTERNAL_H

#include <stdatomic.h>

#include <rte_common.h>
#include <rte_mbuf.h>

#include "generator.h"
#include "sluice/types.h"

/* In an mbuf: data_off, refcnt, nb_segs and port, eight bytes that every packet has alike. */
#define SL_GEN_REARM_AT offsetof(struct rte_mbuf, data_off)

enum {
	SL_GEN_FRAMES_MAX = 64,
	SL_GEN_SIZE_MAX = 9216,
	SL_GEN_SIZES_MAX = 3,
	SL_GEN_CHUNK = 64, /* templates are copied in units of that */
	SL_GEN_ZIPF_BITS = 10,
};

enum sl_gen_dist {
	SL_GEN_UNIFORM,
	SL_GEN_ZIPF,
	SL_GEN_SEQUENTIAL,
	SL_GEN_SCATTERED, /* each flow once a period, neighbours far apart */
};

enum sl_gen_macs {
	SL_GEN_MACS_BOTH,
	SL_GEN_MACS_SRC,
	SL_GEN_MACS_DST,
	SL_GEN_MACS_NONE,
};

struct sl_gen_range {
	bool given;
	uint16_t first, last;
};

struct sl_gen_ip {
	bool given, v6;
	uint8_t b[16]; /* IPv4: the first four */
};

struct sl_gen_prefix {
	bool given;
	uint32_t first, mask; /* host order; mask: the bits that vary */
};

struct sl_gen_mac {
	bool given;
	struct sl_mac mac;
};

struct sl_gen_options {
	char path[1024]; /* empty: the frame built in */
	uint64_t frames; /* of the file; 0: all */
	uint64_t flows;	 /* 0: as many as there are */
	uint64_t dist, macs, vary;
	double skew;
	uint64_t seed, clients, servers, nodes, vnis;
	struct sl_gen_range sport, dport;
	struct sl_gen_ip src, dst;
	struct sl_gen_mac smac, dmac;
	uint64_t size; /* 0: the template's; SL_GEN_IMIX */
	double attack; /* percent */
	struct sl_gen_prefix attack_src, attack_dst;
	uint64_t rate, count, sweep, partition, new_flows;
};

#define SL_GEN_IMIX UINT64_MAX

/* *o whole, defaults where nothing is said. */
int sl_gen_options_parse(struct sl_gen_options *o, const char *devargs, struct sl_err *e);

enum { /* sl_gen_frame.flags */
	SL_GEN_F_MACS = 1 << 0,
	SL_GEN_F_IP4 = 1 << 1,
	SL_GEN_F_UDP = 1 << 2,
	SL_GEN_F_OUTER = 1 << 3, /* an encapsulated frame: the inner one varies */
	SL_GEN_F_OUTER_IP4 = 1 << 4,
	SL_GEN_F_OUTER_UDP = 1 << 5,
	SL_GEN_F_VNI = 1 << 6,
};

/* A template frame at one size. Sums are one's complement, over words as they lie in memory. */
struct sl_gen_frame {
	uint16_t len;
	uint16_t chunks;
	uint16_t flags;
	uint16_t eth_off, l3_off, l4_off; /* of what varies, the inner ones if there are two */
	uint16_t src_off, dst_off;	  /* last four bytes of the addresses */
	uint16_t l4_csum_off;
	uint16_t outer_l3_off, outer_src_off, outer_udp_off, vni_off;
	uint16_t sport, dport;
	uint32_t l3_sum; /* IPv4 header without checksum and addresses */
	uint32_t l4_sum; /* pseudo header, header, payload, without the varying addresses, ports */
	uint32_t outer_sum;	       /* outer IPv4 header without checksum and source */
	uint32_t src, dst, smac, dmac; /* what indexes are added to, host order */
	uint32_t outer_src, vni_word;
	uint8_t *data; /* chunks * SL_GEN_CHUNK bytes */
} __rte_cache_aligned;

/* Frame f at size s is frame[f * n_sizes + s]. */
struct sl_gen_template {
	unsigned int n_frames, n_sizes;
	unsigned int n_sports, n_dports;
	unsigned int len_max;
	struct sl_gen_frame *frame;
	uint8_t *data;
};

int sl_gen_template_load(
	struct sl_gen_template *t, const struct sl_gen_options *o, int socket, struct sl_err *e);
void sl_gen_template_free(struct sl_gen_template *t);
/* Where everything is in a frame; generator_frame.c. `what` names the frame in errors. */
int sl_gen_frame_find(struct sl_gen_frame *f, const uint8_t *b, const struct sl_gen_options *o,
	const char *what, struct sl_err *e);
/* Lengths for f->len bytes, then the sums. */
int sl_gen_frame_finish(struct sl_gen_frame *f, const char *what, struct sl_err *e);

/* Exact for every 32-bit dividend: multiply by the reciprocal. */
struct sl_gen_divisor {
	uint64_t reciprocal;
	uint32_t d, one; /* one: all bits when d is 1, whose reciprocal does not fit */
};

struct sl_gen_stream {
	const struct sl_gen_frame *frame;
	struct rte_mempool *pool;
	uint64_t rearm; /* mbuf fields of every packet: offset, references, segments, port */
	uint64_t key;
	uint64_t made;	  /* packets */
	uint64_t n_flows; /* this queue's */
	uint32_t n_queues, queue;
	uint32_t next, step; /* sequential and scattered: the next index */
	uint64_t sweep_left;
	uint64_t left; /* of count */
	uint8_t dist;
	bool clients_fast, many_dports;
	uint8_t n_pattern, pattern_at; /* sizes in turn */
	uint8_t pattern[12];
	uint32_t n_sizes;
	struct sl_gen_divisor fast, slow, sports, nodes, vnis, frames;
	uint32_t n_clients, n_servers;
	uint32_t smac_mask, dmac_mask; /* which of the MACs count up with the addresses */
	uint64_t attack;	       /* of 2^32; 0: none */
	uint64_t attack_key;
	struct sl_gen_prefix attack_src, attack_dst;
	double per_cycle; /* packets; 0: as fast as polled */
	double credit;
	uint64_t last_tsc;
	_Atomic(uint64_t) nombuf;		    /* written by the worker */
	uint64_t zipf[(1 << SL_GEN_ZIPF_BITS) + 1]; /* index at each quantile, 32.32 */
} __rte_cache_aligned;

/* Queue `queue` of n_queues. */
void sl_gen_stream_init(struct sl_gen_stream *s, const struct sl_gen_options *o,
	const struct sl_gen_template *t, unsigned int queue, unsigned int n_queues);
/* The quantiles of n ranks, of which rank k (from 1) is k^-skew likely. */
void sl_gen_zipf_init(uint64_t *table, uint64_t n, double skew);

struct sl_generator {
	struct sl_gen_options options;
	struct sl_gen_template template;
	unsigned int n_queues;
	struct sl_gen_stream *stream[SL_QUEUES_MAX];
};

#endif
