/* SPDX-License-Identifier: BSD-3-Clause */
/* Notices about ways out of networks. */
#include "ctrl/objects/networks.h"
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
