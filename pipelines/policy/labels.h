/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which identities a selector means, kept as both come and go: a label knows its identities and
 * some selectors that ask for it, so that a new selector costs a walk of the rarest of its labels,
 * and a new identity a look at the selectors filed under its labels. Equal selectors are one.
 * Threads: control.
 * Ownership: all strings are copied.
 */
#ifndef SL_POLICY_LABELS_H
#define SL_POLICY_LABELS_H

#include "policy_ctl.h"
#include "vec.h"

struct sl_selectors;

/* What rules use a selector as, in which direction: a bit of roles each. */
enum sl_selector_role {
	SL_ROLE_SUBJECT,
	SL_ROLE_PEER,
	SL_SELECTOR_ROLES,
};

/* Called for an identity that a selector in use matches from now on, or no longer matches. */
struct sl_selectors_ops {
	void *ctx;
	void (*listed)(void *ctx, enum sl_direction dir, enum sl_selector_role role, uint32_t id,
		uint32_t selector);
	void (*unlisted)(void *ctx, enum sl_direction dir, enum sl_selector_role role, uint32_t id,
		uint32_t selector);
};

struct sl_selectors *sl_selectors_create(const struct sl_selectors_ops *ops);
void sl_selectors_destroy(struct sl_selectors *l);

/* An identity with these labels; one that is there is replaced. */
void sl_selectors_identity_put(struct sl_selectors *l, const struct sl_identity_def *def);
void sl_selectors_identity_gone(struct sl_selectors *l, uint32_t id);

/*
 * fn for each identity that the selector means now, in use or not. fn must not change the index.
 */
void sl_selectors_members(struct sl_selectors *l, const struct sl_selector *s,
	void (*fn)(uint32_t identity, void *ctx), void *ctx);

/* One use more: the selector's number. SL_NONE for an empty one, which means nobody. */
uint32_t sl_selectors_use(struct sl_selectors *l, const struct sl_selector *s,
	enum sl_direction dir, enum sl_selector_role role);
/* One use less: its number, good until sl_selectors_flush. */
uint32_t sl_selectors_unuse(struct sl_selectors *l, const struct sl_selector *s,
	enum sl_direction dir, enum sl_selector_role role);
/* Call listed and unlisted for the selectors whose use has begun or ended since the last time. */
void sl_selectors_flush(struct sl_selectors *l);

#endif
