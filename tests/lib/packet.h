/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets for tests: frames built layer by layer with right lengths and checksums, real mbufs made
 * from them (in one piece or cut into chains), and comparisons that print both sides.
 *
 * 	struct sl_frame f;
 *
 * 	sl_frame_start(&f);
 * 	sl_frame_eth(&f, .dst = "02:00:00:00:00:06");
 * 	sl_frame_ip4(&f, .src = "10.0.0.5", .dst = "10.0.0.6", .tos = 3);
 * 	sl_frame_udp(&f, .sport = 1000, .dport = 2000);
 * 	sl_frame_payload(&f, 100);
 * 	sl_frame_end(&f);
 * 	m = sl_frame_mbuf(&f);
 *
 * A field that is missing, or zero, has the default named beside it. A test that needs a wrong
 * value writes the byte after sl_frame_end, at sl_frame_off of its layer.
 * Threads: one.
 * Ownership: mbufs are the caller's.
 */
#ifndef SL_TESTS_PACKET_H
#define SL_TESTS_PACKET_H

#include <rte_mbuf.h>

#include "dp/worker/counters.h"
#include "sluice/burst.h"

#define SL_FRAME_MAX	66048
#define SL_FRAME_LAYERS 24

enum sl_layer_kind {
	SL_LAYER_ETH,
	SL_LAYER_VLAN,
	SL_LAYER_ARP,
	SL_LAYER_IP4,
	SL_LAYER_IP6,
	SL_LAYER_IP6_EXT,
	SL_LAYER_TCP,
	SL_LAYER_UDP,
	SL_LAYER_SCTP,
	SL_LAYER_ICMP,
	SL_LAYER_ICMP6,
	SL_LAYER_VXLAN,
};

struct sl_layer {
	enum sl_layer_kind kind;
	uint32_t off;
	bool fixed; /* the type or protocol was given, or no checksum is wanted: do not change it */
};

struct sl_frame {
	uint32_t len;
	unsigned int n_layers;
	struct sl_layer layer[SL_FRAME_LAYERS];
	uint8_t b[SL_FRAME_MAX];
};

/* Defaults: dst 02:00:00:00:00:06, src 02:00:00:00:00:05, type by the next layer. */
struct sl_frame_eth {
	const char *dst, *src;
	uint16_t type;
};

struct sl_frame_vlan {
	uint16_t tci;  /* PCP, DEI, VLAN id */
	uint16_t tpid; /* 0x8100 */
	uint16_t type; /* by the next layer */
};

/* Defaults: a request from 02:00:00:00:00:05, 10.0.0.5 about 10.0.0.6. */
struct sl_frame_arp {
	uint16_t op;
	const char *sender_mac, *target_mac; /* target: all zero */
	const char *sender, *target;
};

struct sl_frame_ip4 {
	const char *src, *dst; /* 10.0.0.5, 10.0.0.6 */
	uint8_t proto;	       /* by the next layer */
	uint8_t tos;
	uint8_t ttl; /* 64 */
	uint16_t id;
	uint16_t frag;	     /* flags and offset as in the header: 0x4000 DF, 0x2000 MF */
	const void *options; /* options_len a multiple of 4 */
	uint8_t options_len;
};

struct sl_frame_ip6 {
	const char *src, *dst; /* fd00::5, fd00::6 */
	uint8_t proto;	       /* by the next layer */
	uint8_t tclass;
	uint32_t flow;
	uint8_t hops; /* 64 */
};

/*
 * An extension header. body: what follows the next-header and length bytes; its length plus two is
 * a multiple of 8. Without body: six zero bytes (Pad1 options), for AH fourteen, for a routing
 * header (43) type 253 with no segments left. Fragment header (44): frag_off is the 16-bit field
 * with offset and M bit, id the identification.
 */
struct sl_frame_ip6_ext {
	uint8_t proto; /* 0 hop-by-hop, 43 routing, 44 fragment, 51 AH, 60 destination options */
	uint8_t next;  /* by the next layer */
	uint16_t frag_off;
	uint32_t id;
	const void *body;
	uint16_t body_len;
};

struct sl_frame_tcp {
	uint16_t sport, dport; /* 40000, 80 */
	uint32_t seq, ack;
	uint8_t flags;	     /* 0x10 ACK */
	uint16_t window;     /* 65535 */
	const void *options; /* options_len a multiple of 4 */
	uint8_t options_len;
};

struct sl_frame_udp {
	uint16_t sport, dport; /* 40000, 53 */
	bool no_checksum;
};

struct sl_frame_sctp {
	uint16_t sport, dport; /* 40000, 5000 */
	uint32_t tag;
};

/* ICMP and ICMPv6: type, code and the 32 bits behind the checksum. Default: echo request. */
struct sl_frame_icmp {
	uint8_t type, code;
	bool type_zero; /* type 0 (ICMP echo reply) rather than the default */
	uint32_t rest;	/* host order: identifier << 16 | sequence, or the next hop's MTU */
};

struct sl_frame_vxlan {
	uint32_t vni;	/* 100 */
	uint8_t flags;	/* 0x08 */
	uint16_t group; /* 16 bits behind the flags' first half: group policy id */
};

void sl_frame_start(struct sl_frame *f);
void sl_frame_add_eth(struct sl_frame *f, const struct sl_frame_eth *s);
void sl_frame_add_vlan(struct sl_frame *f, const struct sl_frame_vlan *s);
void sl_frame_add_arp(struct sl_frame *f, const struct sl_frame_arp *s);
void sl_frame_add_ip4(struct sl_frame *f, const struct sl_frame_ip4 *s);
void sl_frame_add_ip6(struct sl_frame *f, const struct sl_frame_ip6 *s);
void sl_frame_add_ip6_ext(struct sl_frame *f, const struct sl_frame_ip6_ext *s);
void sl_frame_add_tcp(struct sl_frame *f, const struct sl_frame_tcp *s);
void sl_frame_add_udp(struct sl_frame *f, const struct sl_frame_udp *s);
void sl_frame_add_sctp(struct sl_frame *f, const struct sl_frame_sctp *s);
void sl_frame_add_icmp(struct sl_frame *f, const struct sl_frame_icmp *s);
void sl_frame_add_icmp6(struct sl_frame *f, const struct sl_frame_icmp *s);
void sl_frame_add_vxlan(struct sl_frame *f, const struct sl_frame_vxlan *s);

/* The layers, with their fields named in the call: sl_frame_ip4(&f, .src = "10.0.0.1"). */
#define sl_frame_eth(f, ...)	 sl_frame_add_eth(f, &(struct sl_frame_eth){__VA_ARGS__})
#define sl_frame_vlan(f, ...)	 sl_frame_add_vlan(f, &(struct sl_frame_vlan){__VA_ARGS__})
#define sl_frame_arp(f, ...)	 sl_frame_add_arp(f, &(struct sl_frame_arp){__VA_ARGS__})
#define sl_frame_ip4(f, ...)	 sl_frame_add_ip4(f, &(struct sl_frame_ip4){__VA_ARGS__})
#define sl_frame_ip6(f, ...)	 sl_frame_add_ip6(f, &(struct sl_frame_ip6){__VA_ARGS__})
#define sl_frame_ip6_ext(f, ...) sl_frame_add_ip6_ext(f, &(struct sl_frame_ip6_ext){__VA_ARGS__})
#define sl_frame_tcp(f, ...)	 sl_frame_add_tcp(f, &(struct sl_frame_tcp){__VA_ARGS__})
#define sl_frame_udp(f, ...)	 sl_frame_add_udp(f, &(struct sl_frame_udp){__VA_ARGS__})
#define sl_frame_sctp(f, ...)	 sl_frame_add_sctp(f, &(struct sl_frame_sctp){__VA_ARGS__})
#define sl_frame_icmp(f, ...)	 sl_frame_add_icmp(f, &(struct sl_frame_icmp){__VA_ARGS__})
#define sl_frame_icmp6(f, ...)	 sl_frame_add_icmp6(f, &(struct sl_frame_icmp){__VA_ARGS__})
#define sl_frame_vxlan(f, ...)	 sl_frame_add_vxlan(f, &(struct sl_frame_vxlan){__VA_ARGS__})

void sl_frame_payload(struct sl_frame *f, uint32_t len); /* 0, 1, 2, ... */
void sl_frame_bytes(struct sl_frame *f, const void *data, uint32_t len);
void sl_frame_copy(
	struct sl_frame *f, const struct sl_frame *inner, uint32_t from); /* bytes of another */
void sl_frame_end(struct sl_frame *f); /* sets lengths and checksums, innermost first */
void sl_frame_pad(
	struct sl_frame *f, uint32_t len); /* Ethernet padding after the end, up to len bytes */
/* Recompute every checksum without changing lengths; for fields written after the end. */
void sl_frame_checksums(struct sl_frame *f);

/* Offset of the nth (0..) layer of a kind; aborts the test when there is none. */
uint32_t sl_frame_off(const struct sl_frame *f, enum sl_layer_kind kind, unsigned int nth);

/* Whole frames with every default: Ethernet, IP, transport and `payload` bytes. */
void sl_frame_udp4(struct sl_frame *f, uint32_t payload);
void sl_frame_tcp4(struct sl_frame *f, uint8_t tcp_flags, uint32_t payload);
void sl_frame_udp6(struct sl_frame *f, uint32_t payload);
void sl_frame_tcp6(struct sl_frame *f, uint8_t tcp_flags, uint32_t payload);

/* Text to address. Aborts the test when the text is not an address. */
struct sl_mac sl_test_mac(const char *text);
uint32_t sl_test_ip4(const char *text); /* network order */
struct sl_ip sl_test_ip(const char *text);

/* Start EAL, once a process: no root, no hugepages, no devices. For a group's
 * set-up; ignores state. */
int sl_test_eal(void **state);
struct rte_mempool *sl_test_pool(void); /* 8191 buffers of RTE_MBUF_DEFAULT_BUF_SIZE */
struct sl_samples;
/* Counters without an engine: all ports share one row of the program. */
void sl_test_rows(struct sl_counters *c);
/* Samples of drops, with a clock that does not advance. */
struct sl_samples *sl_test_samples(void);
unsigned int sl_test_pool_in_use(void); /* buffers not returned: 0 when nothing leaks */

/* A frame longer than a buffer becomes a chain. Bytes around the packet are filled with 0xa5. */
struct rte_mbuf *sl_test_mbuf(const void *bytes, uint32_t len);
struct rte_mbuf *sl_test_mbuf_headroom(const void *bytes, uint32_t len, uint16_t headroom);
/* A chain whose segments end at the given ascending offsets; the last has the rest. A segment may
 * be empty. */
struct rte_mbuf *sl_test_mbuf_chain(
	const void *bytes, uint32_t len, const uint32_t *cuts, unsigned int n_cuts);
/* The same, with each segment in a heap block of exactly its size, so that address sanitizer
 * detects a read past the end of a segment. */
struct rte_mbuf *sl_test_mbuf_exact(
	const void *bytes, uint32_t len, const uint32_t *cuts, unsigned int n_cuts);
struct rte_mbuf *sl_frame_mbuf(const struct sl_frame *f);

/* Copy a packet's bytes out of its chain; returns its length, at most max. */
uint32_t sl_test_mbuf_bytes(const struct rte_mbuf *m, void *to, uint32_t max);

/* Fail the test with a hexdump of both sides when they differ. */
#define assert_bytes_equal(a, a_len, b, b_len) \
	sl_test_compare(a, a_len, b, b_len, __FILE__, __LINE__)
#define assert_packet_bytes(m, bytes, len) sl_test_compare_mbuf(m, bytes, len, __FILE__, __LINE__)
#define assert_packet_frame(m, f)	   assert_packet_bytes(m, (f)->b, (f)->len)
void sl_test_compare(const void *got, uint32_t got_len, const void *want, uint32_t want_len,
	const char *file, int line);
void sl_test_compare_mbuf(
	const struct rte_mbuf *m, const void *want, uint32_t want_len, const char *file, int line);

/* Add a packet to a burst, with garbage in its metadata and verdict SL_KEEP; returns its index. */
unsigned int sl_test_burst_add(struct sl_burst *b, struct rte_mbuf *m);
/* Free every packet that has not left the burst (verdict not SL_SENT) and empty it. */
void sl_test_burst_free(struct sl_burst *b);
/* 0, 1, 2 ... SL_BURST_MAX - 1: the index list of a whole burst. */
extern const uint8_t sl_test_all[SL_BURST_MAX];

/* Internet checksum (RFC 1071) of some bytes, to be stored as is. */
uint16_t sl_test_checksum(const void *data, uint32_t len, uint32_t start);

#endif
