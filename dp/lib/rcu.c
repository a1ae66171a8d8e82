/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include <rte_malloc.h>
#include <rte_pause.h>

#include "rcu.h"

struct note {
	struct note *next;
	void (*fn)(void *);
	void *arg;
	uint64_t token;
};

struct sl_rcu {
	struct rte_rcu_qsbr *qsbr;
	struct note *head, **tail; /* in the order of their tokens */
	unsigned int waiting;
};

struct sl_rcu *sl_rcu_create(unsigned int n_workers, int socket)
{
	size_t size = rte_rcu_qsbr_get_memsize(n_workers);
	struct sl_rcu *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->tail = &r->head;
	r->qsbr = rte_zmalloc_socket("rcu", size, RTE_CACHE_LINE_SIZE, socket);
	if (r->qsbr == NULL)
		goto free_rcu;
	if (rte_rcu_qsbr_init(r->qsbr, n_workers) != 0)
		goto free_qsbr;
	for (unsigned int i = 0; i < n_workers; i++)
		if (rte_rcu_qsbr_thread_register(r->qsbr, i) != 0)
			goto free_qsbr;
	return r;

free_qsbr:
	rte_free(r->qsbr);
free_rcu:
	free(r);
	return NULL;
}

void sl_rcu_destroy(struct sl_rcu *r)
{
	if (r == NULL)
		return;
	sl_rcu_drain(r);
	rte_free(r->qsbr);
	free(r);
}

void sl_rcu_retire(struct sl_rcu *r, void (*fn)(void *), void *arg)
{
	struct note *n = malloc(sizeof(*n));

	/* Freeing now would break readers, and forgetting would leak memory without limit. */
	if (n == NULL)
		abort();
	*n = (struct note){.fn = fn, .arg = arg, .token = rte_rcu_qsbr_start(r->qsbr)};
	*r->tail = n;
	r->tail = &n->next;
	r->waiting++;
}

/* The note is removed from the list before it runs, because fn may retire more. */
static void run_first(struct sl_rcu *r)
{
	struct note *n = r->head;

	r->head = n->next;
	if (r->head == NULL)
		r->tail = &r->head;
	r->waiting--;
	n->fn(n->arg);
	free(n);
}

unsigned int sl_rcu_poll(struct sl_rcu *r)
{
	while (r->head != NULL && rte_rcu_qsbr_check(r->qsbr, r->head->token, false) == 1)
		run_first(r);
	return r->waiting;
}

void sl_rcu_drain(struct sl_rcu *r)
{
	while (sl_rcu_poll(r) > 0)
		rte_pause();
}

struct rte_rcu_qsbr *sl_rcu_qsbr(struct sl_rcu *r)
{
	return r->qsbr;
}
