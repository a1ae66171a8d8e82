/* SPDX-License-Identifier: BSD-3-Clause */
#include "clients.h"

#include "collections.h"
#include "endpoints.h"
#include "pipelines/reply/setup_dp.h"
#include "tables.h"

enum { LOOKS = 64 }; /* endpoints of a port that are looked at for one that has the same key */

static struct sl_pmap_key key_of(const struct sl_endpoint *ep)
{
	return sl_client_key(ep->network, ep->origin, &ep->mac);
}

int sl_client_add(struct sl_pmap_edit *edit, struct sl_endpoint *ep)
{
	struct sl_pmap_key key = key_of(ep);

	return sl_pmap_put(edit, &key, ep, NULL);
}

/* Another endpoint with the key of one that goes. */
struct heir {
	const struct sl_table_txn *t;
	const struct sl_endpoint *gone;
	struct sl_endpoint *found;
	unsigned int looks;
};

static bool look(unsigned int by, const struct sl_object *o, void *ctx)
{
	const struct sl_endpoint_obj *obj = (const struct sl_endpoint_obj *)o;
	struct heir *h = ctx;
	struct sl_endpoint *ep;

	if (by != SL_COLL_ENDPOINTS)
		return true;
	/*
	 * The object is as the transaction leaves it. If the transaction changes the object, its
	 * endpoint here is the old one, and is replaced when the new one is added.
	 */
	ep = sl_apply_endpoint(h->t->apply, o->id);
	if (ep != NULL && ep != h->gone && ep->network == h->gone->network &&
		ep->origin == h->gone->origin && sl_mac_equal(&ep->mac, &h->gone->mac) &&
		sl_mac_equal(&obj->mac, &h->gone->mac))
		h->found = ep;
	return h->found == NULL && ++h->looks < LOOKS;
}

int sl_client_remove(const struct sl_table_txn *t, struct sl_pmap_edit *edit,
	const struct sl_endpoint_obj *obj, const struct sl_endpoint *ep)
{
	struct heir h = {.t = t, .gone = ep};
	struct sl_pmap_key key = key_of(ep);

	if (sl_pmap_edit_find(edit, &key) != ep)
		return 0;
	if (!obj->has_host)
		sl_store_referrers(t->store, SL_COLL_PORTS, obj->port, look, &h);
	return h.found != NULL ? sl_pmap_put(edit, &key, h.found, NULL)
			       : sl_pmap_remove(edit, &key, NULL);
}
