/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tunnel table as the control thread uses it.
 * Threads: control.
 * Ownership: a published tunnel belongs to the table. The table retires a tunnel that is replaced.
 */
#ifndef SL_TUNNEL_CTL_H
#define SL_TUNNEL_CTL_H

#include "dp/lib/rcu.h"
#include "tunnel_dp.h"

struct sl_tunnel_table *sl_tunnel_table_create(uint32_t n_nodes, unsigned int n_workers);
void sl_tunnel_table_destroy(struct sl_tunnel_table *t); /* workers must have stopped */

/* Fill *t completely. 0, or -errno of the encapsulation's build. */
int sl_tunnel_init(struct sl_tunnel *t, enum sl_encap_id encap, const struct sl_tunnel_params *p);
/* A new tunnel, not yet visible. NULL with errno set: ENOTSUP, ENOMEM. */
struct sl_tunnel *sl_tunnel_create(enum sl_encap_id encap, const struct sl_tunnel_params *p);
/* Put the tunnel in its slot; t owns it from here. With tunnel NULL: empty slot `id`. */
void sl_tunnel_publish(
	struct sl_tunnel_table *t, struct sl_rcu *rcu, uint32_t id, struct sl_tunnel *tun);

/* The counts of a tunnel, summed over all workers since the table was made. */
void sl_tunnel_seen_sum(const struct sl_tunnel_table *t, uint32_t id, struct sl_tunnel_seen *sum);

/* Add one row to the sum: counts are added; of "last" fields the later value is kept. */
void sl_tunnel_seen_add(struct sl_tunnel_seen *sum, const struct sl_tunnel_seen *s);

/*
 * Bytes of a packet on an underlay of that family before the inner IP packet begins: outer IP header
 * to inner Ethernet header. 0 without an encapsulation. Every tunnel needs at least the smallest
 * overhead of all others.
 */
uint32_t sl_encap_overhead(enum sl_encap_id e, enum sl_family family);
uint32_t sl_encap_overhead_least(void);
/* The largest inner IP packet that fits an outer one of underlay_mtu bytes; 0: none does. */
uint32_t sl_encap_inner_mtu(enum sl_encap_id e, enum sl_family family, uint32_t underlay_mtu);

#endif
