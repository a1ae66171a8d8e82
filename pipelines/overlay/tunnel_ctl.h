/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tunnel table as the control thread holds it.
 * Threads: control.
 * Ownership: a published tunnel belongs to the table, which retires what it replaces.
 */
#ifndef SL_TUNNEL_CTL_H
#define SL_TUNNEL_CTL_H

#include "dp/lib/rcu.h"
#include "tunnel_dp.h"

struct sl_tunnel_table *sl_tunnel_table_create(uint32_t n_nodes, unsigned int n_workers);
void sl_tunnel_table_destroy(struct sl_tunnel_table *t); /* workers must have stopped */

/* Fill *t whole. 0, or -errno of the encapsulation's build. */
int sl_tunnel_init(struct sl_tunnel *t, enum sl_encap_id encap, const struct sl_tunnel_params *p);
/* A new tunnel, not yet visible. NULL with errno set: ENOTSUP, ENOMEM. */
struct sl_tunnel *sl_tunnel_create(enum sl_encap_id encap, const struct sl_tunnel_params *p);
/* Put it in its slot; t owns it from here. NULL tunnel: empty slot `id`. */
void sl_tunnel_publish(
	struct sl_tunnel_table *t, struct sl_rcu *rcu, uint32_t id, struct sl_tunnel *tun);

/* What all workers together have seen of a tunnel since the table was made. */
void sl_tunnel_seen_sum(const struct sl_tunnel_table *t, uint32_t id, struct sl_tunnel_seen *sum);

/* One more to the sum: counts add up, of what came last the later one stays. */
void sl_tunnel_seen_add(struct sl_tunnel_seen *sum, const struct sl_tunnel_seen *s);

/*
 * Bytes of a packet on an IPv4 underlay before the inner IP packet begins: outer IP header to inner
 * Ethernet header. The least of all encapsulations is what every tunnel needs.
 */
uint32_t sl_encap_overhead(enum sl_encap_id e);
uint32_t sl_encap_overhead_least(void);
/* The largest inner IP packet that fits an outer one of underlay_mtu bytes; 0: none does. */
uint32_t sl_encap_inner_mtu(enum sl_encap_id e, uint32_t underlay_mtu);

#endif
