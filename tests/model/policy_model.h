/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the model tests of policy share: random identities, policies of several networks and
 * queries, and an evaluator that follows the text of the design rule by rule. All networks have the
 * same labels and addresses.
 * Threads: one.
 * Ownership: the test owns the model. A policy points into the model that it is part of, so a model
 * is never copied.
 */
#ifndef SL_TESTS_POLICY_MODEL_H
#define SL_TESTS_POLICY_MODEL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "pipelines/policy/policy_ctl.h"

#define IDS	  40
#define RULES	  400
#define LABELS	  4
#define ID_LABELS 9
#define PEERS	  4
#define PORTS	  3
#define EXCEPTS	  2
#define NETWORKS  4

struct model_rule {
	struct sl_policy_def def;
	struct sl_label subject[LABELS];
	struct sl_peer_def peer[PEERS];
	struct sl_label peer_label[PEERS][LABELS];
	struct sl_prefix except[PEERS][EXCEPTS];
	struct sl_port_match port[PORTS];
	uint32_t network[NETWORKS];
};

struct policy_model {
	uint64_t random;
	uint32_t n_ids, n_rules, n_values, n_keys;
	struct sl_identity_def id[IDS];
	struct sl_label id_label[IDS][ID_LABELS];
	struct model_rule rule[RULES];
	struct sl_policy_def def[RULES]; /* what is compiled, in random order */
	const struct sl_policy_def *ranked[RULES];
};

/* Random numbers: the same seed in `random` gives the same sequence. */
uint32_t below(struct policy_model *m, uint32_t n);
bool one_in(struct policy_model *m, uint32_t n);

/* Returns the number of labels, at most max. */
size_t random_labels(struct policy_model *m, struct sl_label *label, uint32_t max);
void random_rule(struct policy_model *m, struct model_rule *r, uint32_t slot);
struct sl_policy_query random_query(struct policy_model *m);
/* Make new identities and rules. */
void randomise(struct policy_model *m);
/* Shuffle def[], and fill ranked[] from it. */
void arrange(struct policy_model *m);

/* The set's verdict must be that of the evaluator that follows the design. */
void assert_same(const struct policy_model *m, const struct sl_policy_set *set,
	enum sl_direction dir, const struct sl_policy_query *q);
/* The explained rule that decided must be the one that evaluate names. */
void assert_explained(
	const struct sl_policy_set *set, enum sl_direction dir, const struct sl_policy_query *q);

#endif
