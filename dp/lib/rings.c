/* SPDX-License-Identifier: BSD-3-Clause */
#include <rte_errno.h>

#include "rings.h"

enum {
	UPCALLS = 1024,
	INJECTS = 1024,
};

static struct rte_ring *make(
	const char *kind, unsigned int worker, size_t elem, unsigned int n, int socket)
{
	char name[RTE_RING_NAMESIZE];

	snprintf(name, sizeof(name), "sl_%s_%u", kind, worker);
	return rte_ring_create_elem(
		name, (unsigned int)elem, n, socket, RING_F_SP_ENQ | RING_F_SC_DEQ);
}

int sl_rings_init(struct sl_rings *r, unsigned int worker, int socket)
{
	*r = (struct sl_rings){0};
	r->upcall = make("upcall", worker, sizeof(struct sl_upcall), UPCALLS, socket);
	r->inject = make("inject", worker, sizeof(struct sl_inject), INJECTS, socket);
	if (r->upcall == NULL || r->inject == NULL) {
		sl_rings_fini(r);
		return rte_errno != 0 ? -rte_errno : -ENOMEM;
	}
	return 0;
}

void sl_rings_fini(struct sl_rings *r)
{
	struct sl_upcall u;
	struct sl_inject i;

	while (r->upcall != NULL && rte_ring_sc_dequeue_elem(r->upcall, &u, sizeof(u)) == 0)
		rte_pktmbuf_free(u.m);
	while (r->inject != NULL && rte_ring_sc_dequeue_elem(r->inject, &i, sizeof(i)) == 0)
		rte_pktmbuf_free(i.m);
	rte_ring_free(r->upcall);
	rte_ring_free(r->inject);
	*r = (struct sl_rings){0};
}
