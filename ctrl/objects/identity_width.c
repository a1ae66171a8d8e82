/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * VXLAN-GBP has 16 bits for an identity. A network with this encapsulation has no endpoint whose
 * identity is larger: three objects can break this, so each of them is checked.
 */
#include "collections.h"
#include "endpoints.h"
#include "identities.h"
#include "networks.h"
#include "encaps.h"
#include "ctrl/model/store.h"

static bool is_narrow(const struct sl_network_obj *n)
{
	return n->encap == SL_ENCAP_VXLAN_GBP;
}

static int refuse(const char *field, uint32_t identity, const struct sl_endpoint_obj *ep,
	const char *network, struct sl_err *e)
{
	sl_err_set(e, SL_ERR_PARAMS, field,
		"identity %u of endpoint \"%s\" does not fit VXLAN-GBP, the encapsulation of "
		"network "
		"\"%s\": it carries 16 bits",
		identity, ep->name, network);
	sl_err_hint(e,
		"declare the identity with a number of at most %d, or let the network use geneve",
		SL_IDENTITY_NARROW_MAX);
	return -EINVAL;
}

int sl_endpoint_check_width(const struct sl_store *s, const struct sl_endpoint_obj *ep,
	const struct sl_network_obj *net, struct sl_err *e)
{
	uint32_t identity;

	if (!is_narrow(net))
		return 0;
	identity = sl_endpoint_identity(s, ep);
	return identity > SL_IDENTITY_NARROW_MAX ? refuse("labels", identity, ep, net->name, e) : 0;
}

struct width {
	const struct sl_store *store;
	uint32_t identity; /* 0: that of each endpoint */
	const char *field;
	struct sl_err *e;
	int ret;
};

static bool check_user(unsigned int by, const struct sl_object *o, void *ctx)
{
	const struct sl_endpoint_obj *ep = (const struct sl_endpoint_obj *)o;
	struct width *w = ctx;
	const struct sl_object *net;

	if (by != SL_COLL_ENDPOINTS)
		return true;
	net = sl_store_find(w->store, SL_COLL_NETWORKS, ep->network);
	if (net != NULL && is_narrow((const struct sl_network_obj *)net))
		w->ret = refuse(w->field, w->identity, ep, ep->network, w->e);
	return w->ret == 0;
}

int sl_identity_check_width(const struct sl_check *c, struct sl_err *e)
{
	const struct sl_identity_obj *id = (const struct sl_identity_obj *)c->obj;
	struct width w = {.store = c->store, .identity = id->id_number, .field = "id", .e = e};

	if (id->id_number > SL_IDENTITY_NARROW_MAX)
		sl_store_referrers(c->store, SL_COLL_IDENTITIES, id->o.key, check_user, &w);
	return w.ret;
}

static bool check_member(unsigned int by, const struct sl_object *o, void *ctx)
{
	const struct sl_endpoint_obj *ep = (const struct sl_endpoint_obj *)o;
	struct width *w = ctx;
	uint32_t identity;

	if (by != SL_COLL_ENDPOINTS)
		return true;
	identity = sl_endpoint_identity(w->store, ep);
	if (identity > SL_IDENTITY_NARROW_MAX)
		w->ret = refuse(w->field, identity, ep, ep->network, w->e);
	return w->ret == 0;
}

/* Only when the encapsulation becomes this one: endpoints are checked when they come. */
int sl_network_check_width(const struct sl_check *c, struct sl_err *e)
{
	const struct sl_network_obj *n = (const struct sl_network_obj *)c->obj;
	const struct sl_network_obj *old = (const struct sl_network_obj *)c->old;
	struct width w = {.store = c->store, .field = "encap", .e = e};

	if (is_narrow(n) && old != NULL && !is_narrow(old))
		sl_store_referrers(c->store, SL_COLL_NETWORKS, n->name, check_member, &w);
	return w.ret;
}
