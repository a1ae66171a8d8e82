/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "policy_networks.h"

#define NAMED_MAX 3

struct assumed {
	size_t n, len;
	char names[NAMED_MAX * (SL_NAME_LEN + 4)];
};

static bool note(const struct sl_object *o, void *ctx)
{
	const struct sl_policy_obj *p = (const struct sl_policy_obj *)o;
	struct assumed *a = ctx;

	if (!p->network_assumed || a->n++ >= NAMED_MAX)
		return true;
	a->len += (size_t)snprintf(a->names + a->len, sizeof(a->names) - a->len, "%s\"%s\"",
		a->n > 1 ? ", " : "", p->name);
	return true;
}

const char *sl_policies_assumed(const struct sl_store *s, char text[SL_ASSUMED_TEXT_LEN])
{
	struct assumed a = {.n = 0};
	char more[40] = "";

	sl_store_walk(s, SL_COLL_POLICIES, note, &a);
	if (a.n == 0)
		return NULL;
	if (a.n > NAMED_MAX)
		snprintf(more, sizeof(more), " and %zu more", a.n - NAMED_MAX);
	snprintf(text, SL_ASSUMED_TEXT_LEN,
		"%zu %s no network, as before policies had one, and %s in force in every network: "
		"%s%s; set the network of each, \"*\" to keep it so",
		a.n, a.n == 1 ? "policy names" : "policies name", a.n == 1 ? "is" : "are", a.names,
		more);
	return text;
}
