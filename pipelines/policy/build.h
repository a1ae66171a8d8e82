/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One direction of a set while it is being compiled: rules filed into lists first (compile.c), then
 * laid out as the arrays that the evaluator reads (tables.c). Threads: control. Ownership:
 * everything here goes when the compilation ends; what stays is in d.
 */
#ifndef SL_POLICY_BUILD_H
#define SL_POLICY_BUILD_H

#include "labels.h"
#include "set.h"

/* What a list is filed under besides selectors and prefixes. */
enum {
	PEER_ANY = 0x80000000u,
	PEER_HOST,
	PEER_WORLD,
};

/* One port match of one rule, for the list it goes to. */
struct item {
	uint32_t list;
	struct sl_port_entry entry;
};

/* What a list is for. */
struct place {
	uint32_t group, peer, except_set;
};

/* The identities of a selector are to know this number. */
struct bound {
	uint32_t selector, number;
};

struct except_set {
	uint32_t first, n;
};

/* By selector number. */
struct mark {
	uint32_t group; /* + 1 */
	bool is_peer;
};

struct build {
	struct sl_policy_dir *d;
	struct sl_labels *labels;
	struct sl_vec items;	   /* struct item, by ascending rank */
	struct sl_vec places;	   /* struct place, by list */
	struct sl_vec groups;	   /* struct bound, by group */
	struct sl_vec peers;	   /* struct bound */
	struct sl_vec marks;	   /* struct mark */
	struct sl_vec prefixes;	   /* struct sl_prefix, host bits and padding zero */
	struct sl_vec except_sets; /* struct except_set; [0] is the empty one */
	struct sl_vec excepts;	   /* struct sl_prefix, padding zero */
	struct sl_intern place_table, prefix_table, except_table;
};

/* Lay out b as b->d. 0 or -ENOMEM. */
int sl_policy_lay_out(struct build *b);

#endif
