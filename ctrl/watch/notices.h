/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Standing notices: configuration that was accepted and cannot work, or that needs an operator. A
 * kind of notice is a row with a code and a function that finds the objects that it applies to now;
 * nothing is stored. notices.list answers what all rows find. The watch logs each notice once when
 * it appears and once when it is gone. --check prints the notices of a file.
 *
 * To add a kind: write its find function, declare it below, add its line to the array in notices.c.
 *
 * Threads: control. Ownership: text handed to put is copied.
 */
#ifndef SL_CTRL_WATCH_NOTICES_H
#define SL_CTRL_WATCH_NOTICES_H

#include "ctrl/model/config.h"
#include "ctrl/objects/collections.h"
#include "ctrl/objects/reach.h"

struct sl_running;

#define SL_NOTICE_NODE_SECTION "node" /* in place of a collection: the section of the file */

struct sl_notice {
	const char *collection; /* "ports"; SL_NOTICE_NODE_SECTION */
	const char *name;	/* the object's key; empty: no single object is at fault */
	const char *code;	/* the row's */
	char message[1024];	/* one sentence */
	char hint[512];		/* what to do about it; may be empty */
};

/* The input of rows. */
struct sl_notice_facts {
	const struct sl_store *store;
	const struct sl_node_self *self;
	const struct sl_running *run; /* NULL where nothing runs: --check */
};

/* Where rows put what they find. */
struct sl_notice_sink {
	void *ctx;
	void (*put)(void *ctx, const struct sl_notice *n);
	const char *code; /* of the current row */
};
void sl_notice_put(const struct sl_notice_sink *to, const char *collection, const char *name,
	const char *hint, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* A row's walk over a collection. */
struct sl_notice_walk {
	const struct sl_notice_facts *f;
	struct sl_notice_sink to;
	enum sl_collection_id coll;
	struct sl_reach reach; /* the underlay as it is now */
	void *memo;	       /* the row's, from malloc; freed with the walk */
};

/*
 * A row has either `each` or `find`. `each` looks at one object of a collection; ctx is the walk,
 * and false ends it. Large collections are then walked in portions. `find` looks at everything in
 * one call, and the control loop waits for it: so it makes no more than one pass over a collection,
 * and does no work for each pair of objects.
 */
struct sl_notice_row {
	/*
	 * One short word for programs; its meaning never changes. A row may set another code in its
	 * sink.
	 */
	const char *code;
	void (*find)(const struct sl_notice_facts *f, const struct sl_notice_sink *to);
	bool (*each)(const struct sl_object *o, void *ctx);
	enum sl_collection_id coll; /* of each */
	bool is_logged;		    /* the log has its own lines for it */
};
extern const struct sl_notice_row sl_notice_rows[];
extern const size_t sl_n_notice_rows;

#define SL_NOTICE_FIND(name) \
	void name(const struct sl_notice_facts *f, const struct sl_notice_sink *to)
#define SL_NOTICE_EACH(name) bool name(const struct sl_object *o, void *ctx)

/* notices_ports.c */
SL_NOTICE_EACH(sl_notice_port_state);
SL_NOTICE_EACH(sl_notice_host_state);

/* notices_rules.c: the notice's code is the rule's */
SL_NOTICE_EACH(sl_notice_rules);

/* notices_underlay.c */
SL_NOTICE_FIND(sl_notice_tunnel_address);
SL_NOTICE_EACH(sl_notice_no_tunnel_address);
SL_NOTICE_EACH(sl_notice_port_address);
SL_NOTICE_FIND(sl_notice_port_prefix);
SL_NOTICE_EACH(sl_notice_node_path);
SL_NOTICE_EACH(sl_notice_node_mtu);
SL_NOTICE_FIND(sl_notice_node_name);
SL_NOTICE_EACH(sl_notice_route_gateway);

/* notices_buffers.c */
SL_NOTICE_EACH(sl_notice_port_starved);
SL_NOTICE_FIND(sl_notice_buffers_starved);

/* notices_neighbors.c */
SL_NOTICE_EACH(sl_notice_neighbor_link);
SL_NOTICE_EACH(sl_notice_neighbor_mac);
SL_NOTICE_FIND(sl_notice_neighbor_contested);
SL_NOTICE_FIND(sl_notice_address_conflict);

/* notices_mtu.c */
SL_NOTICE_EACH(sl_notice_network_mtu);
SL_NOTICE_EACH(sl_notice_network_ip6);

/* notices_subnets.c */
SL_NOTICE_EACH(sl_notice_subnet_family);

/* notices_outside.c */
SL_NOTICE_FIND(sl_notice_nat_exhausted);
SL_NOTICE_EACH(sl_notice_outside_gateway);
SL_NOTICE_EACH(sl_notice_outside_address);

/* notices_routes.c */
SL_NOTICE_EACH(sl_notice_route_return);

/* macs.c */
SL_NOTICE_FIND(sl_notice_mac_moved);

/* notices_policies.c */
SL_NOTICE_EACH(sl_notice_policy_network);
SL_NOTICE_EACH(sl_notice_policy_cidr);
SL_NOTICE_EACH(sl_notice_policy_world);

/* Every row, in order. */
void sl_notices_find(const struct sl_notice_facts *f,
	void (*put)(void *ctx, const struct sl_notice *n), void *ctx);
/*
 * The same in portions: what one row finds, in a large collection in one portion of it. *next_id
 * starts at 0. True when the row is done; then *next_id is 0 again.
 */
#define SL_NOTICE_PORTION 1024u
bool sl_notices_portion(const struct sl_notice_facts *f, size_t row, uint32_t *next_id,
	void (*put)(void *ctx, const struct sl_notice *n), void *ctx);
/* "ports "uplink": the message (the hint)" */
#define SL_NOTICE_LINE_LEN 2048
const char *sl_notice_line(const struct sl_notice *n, char line[SL_NOTICE_LINE_LEN]);

/*
 * The watch remembers what each row found last. In a turn it asks one row, or one row about a
 * portion of the objects. When a row finds very many notices at once, the first few are logged,
 * with the number of the others.
 */
struct sl_notice_watch;
struct sl_notice_watch *sl_notice_watch_create(void (*log)(const char *line));
void sl_notice_watch_destroy(struct sl_notice_watch *w); /* accepts NULL */
void sl_notice_watch_turn(struct sl_notice_watch *w, const struct sl_notice_facts *f);
void sl_notice_watch_all(struct sl_notice_watch *w, const struct sl_notice_facts *f);

#endif
