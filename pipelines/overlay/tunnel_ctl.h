/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tunnel table as the control thread holds it.
 * Threads: control. Ownership: a published tunnel belongs to the table, which retires what it
 * replaces.
 */
#ifndef SL_TUNNEL_CTL_H
#define SL_TUNNEL_CTL_H

#include "dp/rcu.h"
#include "tunnel_dp.h"

struct sl_tunnel_table *sl_tunnel_table_create(uint32_t n_nodes, unsigned int n_workers);
void sl_tunnel_table_destroy(struct sl_tunnel_table *t); /* workers must have stopped */

/* A new tunnel built by its encapsulation, not yet visible. NULL with errno set: ENOTSUP, ENOMEM.
 */
struct sl_tunnel *sl_tunnel_create(enum sl_encap_id encap, const struct sl_tunnel_params *p);
/* Put it in its slot; t owns it from here. NULL tunnel: empty slot `id`. */
void sl_tunnel_publish(
	struct sl_tunnel_table *t, struct sl_rcu *rcu, uint32_t id, struct sl_tunnel *tun);

/* What all workers together have seen of a tunnel since the table was made. */
void sl_tunnel_seen_sum(const struct sl_tunnel_table *t, uint32_t id, struct sl_tunnel_seen *sum);

/* One more to the sum: counts add up, of what came last the later one stays. */
void sl_tunnel_seen_add(struct sl_tunnel_seen *sum, const struct sl_tunnel_seen *s);

/* Encapsulation of that configuration name, or -1. */
int sl_encap_by_name(const char *name);

#endif
