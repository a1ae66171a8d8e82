/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <rte_cycles.h>
#include <rte_dev.h>
#include <rte_devargs.h>
#include <rte_ethdev.h>
#include <rte_string_fns.h>

#include "engine_internal.h"

#define CLOSING_WAIT_MS 20 /* two hundred grace periods of workers that sleep */

static int check_params(const struct sl_engine *g, const struct sl_port_params *p, struct sl_err *e)
{
	if (p->n_rxq == 0 || p->n_rxq > SL_QUEUES_MAX)
		return sl_err_set(e, SL_ERR_PARAMS, "queues",
			"port %s: 1 to %d receive queues are possible, not %u", p->name,
			SL_QUEUES_MAX, p->n_rxq);
	if (p->n_desc > UINT16_MAX)
		return sl_err_set(e, SL_ERR_PARAMS, "descriptors",
			"port %s: %u descriptors are more than a queue has", p->name, p->n_desc);
	for (unsigned int q = 0; q < p->n_rxq; q++)
		if (p->rxq_worker[q] >= (int)g->n_workers)
			return sl_err_set(e, SL_ERR_PARAMS, "queues",
				"port %s: queue %u is given to worker %d, the last one is %u",
				p->name, q, p->rxq_worker[q], g->n_workers - 1);
	return 0;
}

/* The device's name, and whose driver the name asks for. */
static int parse_devargs(struct sl_port *port, const char *devargs, struct sl_err *e)
{
	struct rte_devargs da = {0};
	bool known;

	if (sl_generator_named(devargs))
		return sl_port_generator_name(port, devargs, e);
	known = rte_devargs_parse(&da, devargs) == 0;
	/* da.data is what rte_devargs_reset frees, which is not stable yet; unset when parsing
	 * failed */
	if (!known || da.name[0] == '\0') {
		if (known)
			free(da.data);
		return sl_err_set(e, SL_ERR_DEVICE, "devargs",
			"port %s: no driver of this DPDK knows a device \"%s\"", port->name,
			devargs);
	}
	rte_strscpy(port->device, da.name, sizeof(port->device));
	if (strncmp(da.name, "net_af_packet", strlen("net_af_packet")) == 0 ||
		strncmp(da.name, "eth_af_packet", strlen("eth_af_packet")) == 0)
		sl_af_packet_parse(port, da.args);
	else if (strncmp(da.name, "net_af_xdp", strlen("net_af_xdp")) == 0)
		sl_af_xdp_parse(port, da.args);
	free(da.data);
	return 0;
}

static const struct sl_port *port_with_device(const struct sl_engine *g, const char *device)
{
	for (unsigned int i = 0; i < SL_PORTS_MAX; i++)
		if (g->port[i].state != SL_PORT_FREE && strcmp(g->port[i].device, device) == 0)
			return &g->port[i];
	return NULL;
}

static struct sl_port *free_slot(struct sl_engine *g, bool *some_closing)
{
	*some_closing = false;
	for (unsigned int i = 0; i < SL_PORTS_MAX; i++) {
		if (g->port[i].state == SL_PORT_FREE)
			return &g->port[i];
		*some_closing |= g->port[i].state == SL_PORT_CLOSING;
	}
	return NULL;
}

/* Whether a port of this device can be added now. A port in its grace period is worth a short wait.
 */
static int find_place(struct sl_engine *g, const struct sl_port *new, const char *devargs,
	struct sl_port **slot, bool *closing, struct sl_err *e)
{
	const struct sl_port *other = port_with_device(g, new->device);
	const struct sl_port *rival = other == NULL ? sl_device_rival(new, devargs) : other;

	*closing = rival != NULL && rival->state == SL_PORT_CLOSING;
	if (*closing)
		return sl_err_set(e, SL_ERR_EXISTS, "devargs",
			"port %s: device %s is still being closed, try again", new->name,
			rival->device);
	if (rival != other)
		return sl_err_set(e, SL_ERR_EXISTS, "devargs",
			"port %s: port %s has the socket or file that device %s names", new->name,
			rival->name, new->device);
	if (other != NULL)
		return sl_err_set(e, SL_ERR_EXISTS, "devargs",
			"port %s: device %s is in use by port %s", new->name, new->device,
			other->name);
	*slot = free_slot(g, closing);
	if (*slot == NULL)
		return sl_err_set(e, SL_ERR_LIMIT, "", "port %s: all %d ports are in use",
			new->name, SL_PORTS_MAX);
	return 0;
}

static int wait_for_place(struct sl_engine *g, const struct sl_port *new, const char *devargs,
	struct sl_port **slot, struct sl_err *e)
{
	uint64_t until = rte_rdtsc() + rte_get_tsc_hz() / 1000 * CLOSING_WAIT_MS;
	bool closing;
	int ret = find_place(g, new, devargs, slot, &closing, e);

	while (ret != 0 && closing && rte_rdtsc() < until) {
		rte_delay_us_sleep(50);
		sl_rcu_poll(g->rcu);
		ret = find_place(g, new, devargs, slot, &closing, e);
	}
	return ret;
}

static void sum_counters(const struct sl_engine *g, uint16_t id, struct sl_port_counters *sum)
{
	memset(sum, 0, sizeof(*sum));
	sum->tx_dropped = sl_counter_read(&g->control->port[id].tx_dropped);
	sum->tx_recalled = sl_counter_read(&g->control->port[id].tx_recalled);
	for (unsigned int w = 0; w < g->n_workers; w++) {
		const struct sl_port_counters *c = &g->worker[w]->counters.port[id];

		sum->rx_packets += sl_counter_read(&c->rx_packets);
		sum->rx_bytes += sl_counter_read(&c->rx_bytes);
		sum->tx_packets += sl_counter_read(&c->tx_packets);
		sum->tx_bytes += sl_counter_read(&c->tx_bytes);
		sum->tx_dropped += sl_counter_read(&c->tx_dropped);
	}
}

static void sum_drops(const struct sl_engine *g, uint16_t id, uint64_t sum[SL_DROP_COUNT])
{
	for (unsigned int r = 0; r < SL_DROP_COUNT; r++) {
		sum[r] = sl_counter_read(&g->control->port_drops[id][r]);
		for (unsigned int w = 0; w < g->n_workers; w++)
			sum[r] += sl_counter_read(&g->worker[w]->counters.port_drops[id][r]);
	}
}

int sl_port_add(struct sl_engine *g, const struct sl_port_params *params, struct sl_err *e)
{
	struct sl_port new = {.engine = g}, *slot;
	int ret = check_params(g, params, e);

	if (ret != 0)
		return ret;
	rte_strscpy(new.name, params->name, sizeof(new.name));
	ret = parse_devargs(&new, params->devargs, e);
	if (ret == 0)
		ret = wait_for_place(g, &new, params->devargs, &slot, e);
	if (ret != 0)
		return ret;
	new.id = (uint16_t)(slot - g->port);
	new.epoch = ++g->n_epochs;
	for (unsigned int q = 0; q < SL_QUEUES_MAX; q++) {
		new.rxq_wanted[q] = q < params->n_rxq ? params->rxq_worker[q] : -1;
		new.rxq_worker[q] = -1;
	}
	ret = sl_port_open(&new, params, e);
	if (ret != 0)
		return ret;
	new.state = SL_PORT_OPEN;
	sum_counters(g, new.id, &new.base);
	sum_drops(g, new.id, new.base_drops);
	new.given_when_open = new.base.tx_packets;
	*slot = new;
	return slot->id;
}

/* EAL does so when it starts: a driver is known once its file is loaded. */
static void load_drivers(void)
{
	static bool done;
	char path[PATH_MAX];
	struct dirent *d;
	DIR *dir;

	if (done)
		return;
	done = true;
	dir = opendir(RTE_EAL_PMD_PATH);
	while (dir != NULL && (d = readdir(dir)) != NULL) {
		size_t len = strlen(d->d_name);

		if (len < 3 || strcmp(d->d_name + len - 3, ".so") != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", RTE_EAL_PMD_PATH, d->d_name);
		if (dlopen(path, RTLD_NOW) == NULL)
			continue; /* EAL would say so, and go on */
	}
	if (dir != NULL)
		closedir(dir);
}

int sl_port_check(
	const struct sl_engine_params *engine, const struct sl_port_params *p, struct sl_err *e)
{
	struct sl_engine *g = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*g));
	struct sl_port new = {.engine = g};
	uint32_t absent;
	int ret;

	if (g == NULL)
		return sl_err_set(e, SL_ERR_LIMIT, "", "out of memory");
	memset(g, 0, sizeof(*g));
	g->only_looks = true;
	g->own_socket = engine->own_socket;
	g->n_workers = engine->n_cores;
	rte_strscpy(new.name, p->name, sizeof(new.name));
	load_drivers();
	ret = check_params(g, p, e);
	if (ret == 0)
		ret = parse_devargs(&new, p->devargs, e);
	if (ret == 0)
		ret = sl_device_check(&new, p->devargs, &absent, e);
	free(g);
	return ret;
}

static struct sl_port *find(const struct sl_engine *g, uint16_t id)
{
	const struct sl_port *p = id < SL_PORTS_MAX ? &g->port[id] : NULL;

	if (p == NULL || p->state == SL_PORT_FREE || p->state == SL_PORT_CLOSING)
		return NULL;
	return (struct sl_port *)(uintptr_t)p;
}

void sl_port_publish(struct sl_engine *g, uint16_t id)
{
	struct sl_port *p = find(g, id);

	if (p != NULL && p->state == SL_PORT_OPEN)
		sl_queues_assign(g, p);
}

static void close_retired(void *port)
{
	sl_port_close(port);
}

void sl_port_remove(struct sl_engine *g, uint16_t id)
{
	struct sl_port *p = find(g, id);

	if (p == NULL)
		return;
	sl_queues_unassign(g, p);
	sl_rcu_retire(g->rcu, close_retired, p);
}

void sl_port_counters(const struct sl_engine *g, uint16_t id, struct sl_port_counters *c)
{
	const struct sl_port *p = find(g, id);

	sum_counters(g, id, c);
	if (p == NULL)
		return;
	c->rx_packets -= p->base.rx_packets;
	c->rx_bytes -= p->base.rx_bytes;
	c->tx_packets -= p->base.tx_packets;
	c->tx_bytes -= p->base.tx_bytes;
	c->tx_dropped -= p->base.tx_dropped;
	c->tx_recalled -= p->base.tx_recalled;
}

void sl_port_drops(const struct sl_engine *g, uint16_t id, uint64_t drops[SL_DROP_COUNT])
{
	const struct sl_port *p = find(g, id);

	if (p == NULL) {
		memset(drops, 0, SL_DROP_COUNT * sizeof(*drops));
		return;
	}
	sum_drops(g, id, drops);
	for (unsigned int r = 0; r < SL_DROP_COUNT; r++)
		drops[r] -= p->base_drops[r];
}

const struct sl_port_dp *sl_port_dp(const struct sl_engine *g, uint16_t id)
{
	const struct sl_port *p = find(g, id);

	return p != NULL ? p->dp : NULL;
}

void sl_port_queues(const struct sl_engine *g, uint16_t id, struct sl_port_queues *q)
{
	const struct sl_port *p = find(g, id);

	*q = (struct sl_port_queues){.numa = -1};
	if (p == NULL)
		return;
	q->n = p->n_rxq;
	q->numa = p->numa;
	for (unsigned int i = 0; i < p->n_rxq; i++) {
		q->worker[i] = p->state == SL_PORT_PUBLISHED ? p->rxq_worker[i] : -1;
		q->pinned[i] = p->rxq_wanted[i] >= 0;
	}
}

void sl_queue_load(
	const struct sl_engine *g, uint16_t port, uint16_t queue, struct sl_queue_load *l)
{
	const struct sl_port *p = find(g, port);

	*l = (struct sl_queue_load){0};
	if (p == NULL || queue >= p->n_rxq)
		return;
	l->packets = sl_counter_read(&p->rxq[queue].packets);
	l->cycles = sl_counter_read(&p->rxq[queue].cycles);
}

static void read_device(const struct sl_port *p, struct sl_port_info *info)
{
	struct rte_eth_link link;

	sl_port_stats_read(p, info);
	if (p->state == SL_PORT_SHUT)
		return;
	if (rte_eth_link_get_nowait(p->dev, &link) == 0) {
		info->link_up = link.link_status == RTE_ETH_LINK_UP;
		if (link.link_speed != RTE_ETH_SPEED_NUM_UNKNOWN)
			info->speed_mbps = link.link_speed;
	}
	if (p->iface[0] != '\0') /* whose drivers say it is always up */
		info->link_up = sl_interface_running(p);
}

void sl_port_info(const struct sl_engine *g, uint16_t id, struct sl_port_info *info)
{
	const struct sl_port *p = find(g, id);

	*info = (struct sl_port_info){.numa = -1};
	if (p == NULL)
		return;
	rte_strscpy(info->driver, p->driver, sizeof(info->driver));
	rte_strscpy(info->device, p->device, sizeof(info->device));
	info->mac = p->dp->mac;
	info->mtu = p->dp->mtu;
	info->n_rxq = p->n_rxq;
	info->n_txq = p->dp->n_txq;
	info->numa = p->numa;
	memcpy(info->rxq_worker, p->rxq_worker, sizeof(info->rxq_worker));
	read_device(p, info);
}

int sl_port_set_mtu(struct sl_engine *g, uint16_t id, unsigned int mtu, struct sl_err *e)
{
	struct sl_port *p = find(g, id);
	struct sl_port_dp *new;
	unsigned int room;
	int ret;

	if (p == NULL)
		return sl_err_set(e, SL_ERR_NOT_FOUND, "", "there is no port %u", id);
	if (p->state == SL_PORT_REOPENING || p->state == SL_PORT_SHUT)
		return sl_err_set(e, SL_ERR_DEVICE, "mtu",
			"port %s: device %s is closed at the moment", p->name, p->device);
	room = rte_pktmbuf_data_room_size(p->pool) - RTE_PKTMBUF_HEADROOM;
	if (mtu + RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN + RTE_ETHER_CRC_LEN > room)
		return sl_err_set(e, SL_ERR_DEVICE, "mtu",
			"port %s: its buffers are too small for an MTU of %u: remove the port and "
			"add it with the new one",
			p->name, mtu);
	new = malloc(sizeof(*new));
	if (new == NULL)
		return sl_err_set(e, SL_ERR_LIMIT, "", "out of memory");
	ret = sl_port_mtu_set(p, mtu, e);
	if (ret != 0) {
		free(new);
		return ret;
	}
	*new = *p->dp;
	new->mtu = (uint16_t)mtu;
	p->mtu_asked = mtu;
	sl_queues_replace(g, p, new);
	return 0;
}
