/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ids, addresses and limits that every room of sluice uses.
 * Threads: plain values, no state. Multi-byte fields are host order unless the name ends in _be.
 */
#ifndef SLUICE_TYPES_H
#define SLUICE_TYPES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * A name is one part, or several parts with "/" between them, like Kubernetes'
 * "NAMESPACE/NAME". The longest name has a namespace of 63 characters, the "/", an object of
 * 253 characters, and the NUL.
 */
#define SL_NAME_PART_LEN 253
#define SL_NAME_LEN	 (63 + 1 + SL_NAME_PART_LEN + 1)

/* Stated capacities. A request that exceeds one gets a clear error over RPC, never
 * undefined behaviour. */
#define SL_PORTS_MAX	 4096 /* the limit for DPDK devices is lower: dp/device/dpdk.c */
#define SL_WORKERS_MAX	 32
#define SL_QUEUES_MAX	 16	 /* receive queues of one port */
#define SL_NETWORKS_MAX	 65536	 /* network ids 1..65535; 0 is "none" */
#define SL_HOPS_MAX	 65536	 /* next hops of packets that leave without a tunnel */
#define SL_NODES_MAX	 131072	 /* node ids 1..131071; 0 is "none" */
#define SL_POLICIES_MAX	 1048576 /* policy slots 1..1048575; 0 is "the network's default" */
#define SL_ENDPOINTS_MAX 2097152
#define SL_VNI_MAX	 0xffffffu
#define SL_BURST_MAX	 64 /* packets a worker carries through the stages together */
#define SL_PORT_NONE	 0xffffu

/*
 * Identities are numbers bound to label sets. They have 24 bits wherever they are packed. The
 * reserved ones come first.
 */
#define SL_IDENTITY_BITS 24
#define SL_IDENTITY_MASK ((1u << SL_IDENTITY_BITS) - 1)
enum {
	SL_IDENTITY_UNKNOWN = 0,
	SL_IDENTITY_HOST = 1,
	SL_IDENTITY_WORLD = 2,
	SL_IDENTITY_GATEWAY = 3,
	SL_IDENTITY_MIN = 256,		    /* lowest that may be declared or allocated */
	SL_IDENTITY_MAX = SL_IDENTITY_MASK, /* highest that may be declared */
	/* highest that is allocated, and that encapsulations with 16 bits for it carry */
	SL_IDENTITY_NARROW_MAX = 65535,
};

/* An IP address of either family; IPv4 is stored mapped (::ffff:a.b.c.d), RFC 4291 section 2.5.5.2.
 */
struct sl_ip {
	union {
		uint8_t b[16];
		uint32_t w_be[4];
		uint64_t q[2];
	};
};

struct sl_prefix {
	struct sl_ip ip; /* host bits zero */
	uint8_t len;	 /* 0..128, counted on the 16-byte form: 96 + n for IPv4 */
};

struct sl_mac {
	uint8_t b[6];
};

static inline struct sl_ip sl_ip_from_v4(uint32_t addr_be)
{
	struct sl_ip ip = {.w_be = {0, 0, __builtin_bswap32(0xffff), addr_be}};

	return ip;
}

static inline bool sl_ip_is_v4(const struct sl_ip *ip)
{
	return ip->q[0] == 0 && ip->w_be[2] == __builtin_bswap32(0xffff);
}

static inline uint32_t sl_ip_v4_be(const struct sl_ip *ip)
{
	return ip->w_be[3];
}

static inline bool sl_ip_equal(const struct sl_ip *a, const struct sl_ip *b)
{
	return a->q[0] == b->q[0] && a->q[1] == b->q[1];
}

static inline bool sl_mac_equal(const struct sl_mac *a, const struct sl_mac *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static inline bool sl_prefix_is_v4(const struct sl_prefix *p)
{
	return p->len >= 96 && sl_ip_is_v4(&p->ip);
}

/* True when the first p->len bits of ip are those of the prefix, whatever their families. */
static inline bool sl_prefix_begins(const struct sl_prefix *p, const struct sl_ip *ip)
{
	unsigned int bytes = p->len / 8, bits = p->len % 8;

	if (memcmp(p->ip.b, ip->b, bytes) != 0)
		return false;
	return bits == 0 || ((p->ip.b[bytes] ^ ip->b[bytes]) >> (8 - bits)) == 0;
}

/*
 * True when, in addition, both are of one family. Without that, ::/0 would contain every IPv4
 * address, because the mapped form begins with its bits.
 */
static inline bool sl_prefix_contains(const struct sl_prefix *p, const struct sl_ip *ip)
{
	return sl_prefix_is_v4(p) == sl_ip_is_v4(ip) && sl_prefix_begins(p, ip);
}

/* Text forms: addresses as inet_ntop writes them (IPv4 unmapped), MACs in lower
 * case with colons. */
#define SL_IP_STR_LEN	  46
#define SL_PREFIX_STR_LEN 50
#define SL_MAC_STR_LEN	  18

#endif
