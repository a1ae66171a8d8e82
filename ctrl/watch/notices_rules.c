/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Notices about what would be refused today (rules.h): it came from the state directory. The code
 * is the broken rule's.
 */
#include "notices.h"
#include "ctrl/objects/rules.h"

bool sl_notice_rules(const struct sl_object *o, void *ctx)
{
	const struct sl_notice_walk *w = ctx;
	struct sl_notice_sink to = w->to;
	struct sl_err e;

	for (size_t i = 0; i < sl_n_rules; i++) {
		const struct sl_rule *r = &sl_rules[i];

		if (r->coll != w->coll || r->code == NULL || r->check(w->f->store, o, NULL) == 0)
			continue;
		e = (struct sl_err){0};
		r->check(w->f->store, o, &e);
		to.code = r->code;
		sl_notice_put(&to, sl_collections[w->coll].name, o->key, e.hint, "%s", e.message);
	}
	return true;
}
