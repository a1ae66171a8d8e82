/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which identities a selector matches, kept up to date as both change. A label knows its
 * identities and some of the selectors that require it. So a new selector costs a walk of its
 * rarest label, and a new identity costs a look at the selectors filed under its labels. Equal
 * selectors are stored once.
 * Threads: control.
 * Ownership: all strings are copied.
 */
#ifndef SL_POLICY_LABELS_H
#define SL_POLICY_LABELS_H

#include "policy_ctl.h"
#include "vec.h"

struct sl_selectors;

/* How rules use a selector, and in which direction: a bit for each role. */
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

/* Put an identity with these labels; replaces an existing one. */
void sl_selectors_identity_put(struct sl_selectors *l, const struct sl_identity_def *def);
void sl_selectors_identity_gone(struct sl_selectors *l, uint32_t id);

/*
 * Call fn for each identity that the selector matches now, in use or not. fn must not
 * change the index.
 */
void sl_selectors_members(struct sl_selectors *l, const struct sl_selector *s,
	void (*fn)(uint32_t identity, void *ctx), void *ctx);

/* Add one use: returns the selector's number. SL_NONE for an empty selector, which
 * matches nothing. */
uint32_t sl_selectors_use(struct sl_selectors *l, const struct sl_selector *s,
	enum sl_direction dir, enum sl_selector_role role);
/* Remove one use: returns the selector's number, which is valid until sl_selectors_flush. */
uint32_t sl_selectors_unuse(struct sl_selectors *l, const struct sl_selector *s,
	enum sl_direction dir, enum sl_selector_role role);
/* Call listed and unlisted for the selectors whose use has begun or ended since the last call. */
void sl_selectors_flush(struct sl_selectors *l);

#endif
