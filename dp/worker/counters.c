/* SPDX-License-Identifier: BSD-3-Clause */
#include "counters.h"

#include <errno.h>

#include <rte_malloc.h>

static struct sl_port_row *new_row(int socket)
{
	return rte_zmalloc_socket(
		"port row", sizeof(struct sl_port_row), RTE_CACHE_LINE_SIZE, socket);
}

int sl_port_rows_init(struct sl_counters *c, int socket)
{
	c->nobodys = new_row(socket);
	if (c->nobodys == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < SL_PORTS_MAX; i++)
		c->port[i] = c->nobodys;
	return 0;
}

void sl_port_rows_fini(struct sl_counters *c)
{
	for (unsigned int i = 0; i < SL_PORTS_MAX; i++)
		if (c->port[i] != c->nobodys)
			rte_free(c->port[i]);
	rte_free(c->nobodys);
}

int sl_port_row_make(struct sl_counters *c, unsigned int port, int socket)
{
	struct sl_port_row *row;

	if (c->port[port] != c->nobodys)
		return 0;
	row = new_row(socket);
	if (row == NULL)
		return -ENOMEM;
	c->port[port] = row;
	return 0;
}
