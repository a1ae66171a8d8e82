/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Notices about objects from the state directory that would be refused today (a collection's
 * rules). The code is the broken rule's.
 */
#include "notices.h"

bool sl_notice_rules(const struct sl_object *o, void *ctx)
{
	const struct sl_notice_walk *w = ctx;
	const struct sl_collection *coll = sl_collections[w->coll];
	struct sl_notice_sink to = w->to;
	struct sl_err e;

	for (size_t i = 0; i < coll->n_rules; i++) {
		const struct sl_rule *r = &coll->rules[i];

		if (r->code == NULL || r->check(w->f->store, o, NULL) == 0)
			continue;
		e = (struct sl_err){0};
		r->check(w->f->store, o, &e);
		to.code = r->code;
		sl_notice_put(&to, coll->name, o->key, e.hint, "%s", e.message);
	}
	return true;
}
