/* SPDX-License-Identifier: BSD-3-Clause */
/* Notices about ways out of networks. */
#include <string.h>

#include "ctrl/objects/networks.h"
#include "ctrl/objects/ports.h"
#include "notices.h"
#include "pipelines/nat/nat_dp.h"
#include "running.h"

#define RECENT (60 * SL_TICKS_PER_SECOND)

static bool has_gateway(const struct sl_network_obj *n)
{
	const struct sl_subnet_obj *s = n->subnets.items;

	for (size_t i = 0; i < n->subnets.n; i++)
		if (s[i].has_gateway)
			return true;
	return false;
}

bool sl_notice_outside_gateway(const struct sl_object *o, void *ctx)
{
	const struct sl_network_obj *n = (const struct sl_network_obj *)o;
	const struct sl_notice_walk *w = ctx;

	if (n->has_outside && !has_gateway(n))
		sl_notice_put(&w->to, "networks", n->name,
			"give its subnets a gateway, which workloads send to",
			"network \"%s\" has a way out, and no subnet with a gateway that leads "
			"there",
			n->name);
	return true;
}

/* Families, as bits: 1 IPv4, 2 IPv6. */
static unsigned int family_bit(const struct sl_ip *ip)
{
	return sl_ip_is_v4(ip) ? 1 : 2;
}

static unsigned int families_of(const struct sl_list *addresses)
{
	const struct sl_ip *ip = addresses->items;
	unsigned int found = 0;

	for (size_t i = 0; i < addresses->n; i++)
		found |= family_bit(&ip[i]);
	return found;
}

struct own_search {
	const char *port; /* empty: any */
	unsigned int families;
};

static bool add_port(const struct sl_object *o, void *ctx)
{
	const struct sl_port_obj *p = (const struct sl_port_obj *)o;
	const struct sl_prefix *a = p->addresses.items;
	struct own_search *x = ctx;

	if (p->role != SL_ROLE_UNDERLAY || (*x->port != '\0' && strcmp(x->port, p->name) != 0))
		return true;
	for (size_t i = 0; i < p->addresses.n; i++)
		x->families |= family_bit(&a[i].ip);
	return true;
}

/* As ctrl/objects/outside_tables.c chooses them. */
static unsigned int translated(const struct sl_notice_facts *f, const struct sl_outside_obj *to)
{
	struct own_search x = {.port = to->port, .families = families_of(&to->addresses)};

	if (x.families == 0)
		sl_store_walk(f->store, SL_COLL_PORTS, add_port, &x);
	return x.families != 0 ? x.families : families_of(&f->self->tunnel_addresses);
}

bool sl_notice_outside_address(const struct sl_object *o, void *ctx)
{
	const struct sl_network_obj *n = (const struct sl_network_obj *)o;
	const struct sl_subnet_obj *s = n->subnets.items;
	const struct sl_notice_walk *w = ctx;
	unsigned int wanted = 0;

	for (size_t i = 0; i < n->subnets.n; i++)
		if (s[i].has_gateway)
			wanted |= family_bit(&s[i].gateway);
	if (n->has_outside && n->outside.via == SL_OUTSIDE_VIA_NAT && wanted != 0 &&
		(wanted & translated(w->f, &n->outside)) == 0)
		sl_notice_put(&w->to, "networks", n->name,
			"give outside such addresses, or give one to an underlay port",
			"network \"%s\" is translated, and there is no address of its subnets' "
			"family that its packets could get",
			n->name);
	return true;
}

/* The worker whose last refusal is the latest; NULL: nobody has refused within the last minute. */
static const struct sl_nat_counts *latest(const struct sl_running *run, uint64_t *n)
{
	const struct sl_nat_counts *found = NULL;
	uint32_t now = sl_engine_tick(run->engine);

	*n = 0;
	for (unsigned int w = 0; w < SL_WORKERS_MAX; w++) {
		const struct sl_nat_counts *c = run->pipeline->nat[w];
		uint32_t tick;

		if (c == NULL || sl_counter_read(&c->exhausted) == 0)
			continue;
		*n += sl_counter_read(&c->exhausted);
		tick = __atomic_load_n(&c->exhausted_tick, __ATOMIC_ACQUIRE);
		if (now - tick < RECENT &&
			(found == NULL || now - tick < now - found->exhausted_tick))
			found = c;
	}
	return found;
}

void sl_notice_nat_exhausted(const struct sl_notice_facts *f, const struct sl_notice_sink *to)
{
	const struct sl_nat_counts *c;
	const struct sl_object *o;
	uint64_t n;

	c = f->run != NULL ? latest(f->run, &n) : NULL;
	if (c == NULL)
		return;
	o = sl_store_by_id(f->store, SL_COLL_NETWORKS,
		__atomic_load_n(&c->exhausted_network, __ATOMIC_RELAXED));
	sl_notice_put(to, "networks", o != NULL ? o->key : "",
		"see docs/runbooks/nat-exhausted.md: more addresses, a wider range of ports, or a "
		"workload that opens too many connections",
		"no translated port was free for a connection to the world within the last minute; "
		"%llu packets were dropped for that since the start",
		(unsigned long long)n);
}
