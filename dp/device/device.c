/* SPDX-License-Identifier: BSD-3-Clause */
/* The drivers' rows, and the parsing of device strings as DPDK 22.11 does it. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "device.h"

/* The value of an argument that may occur only once; NULL otherwise. */
static const char *single(const struct rte_kvargs *args, const char *name)
{
	return rte_kvargs_count(args, name) == 1 ? rte_kvargs_get(args, name) : NULL;
}

static enum sl_device_role vhost_role(const struct rte_kvargs *args)
{
	const char *client = single(args, "client");

	return client != NULL && (uint16_t)strtoul(client, NULL, 0) != 0 ? SL_DEVICE_CLIENT
									 : SL_DEVICE_SERVER;
}

static enum sl_device_role virtio_user_role(const struct rte_kvargs *args)
{
	const char *server = single(args, "server");

	return server != NULL && strtoull(server, NULL, 0) != 0 ? SL_DEVICE_SERVER
								: SL_DEVICE_CLIENT;
}

static bool virtio_user_connects(const struct rte_kvargs *args)
{
	return virtio_user_role(args) == SL_DEVICE_CLIENT;
}

/* The driver looks for words in the values; the last of several values counts. */
static enum sl_device_role memif_role_of(const struct rte_kvargs *args, bool *abstract)
{
	enum sl_device_role role = SL_DEVICE_CLIENT;

	*abstract = true;
	for (unsigned int i = 0; i < args->count; i++) {
		const char *key = args->pairs[i].key, *value = args->pairs[i].value;

		if (value == NULL)
			continue;
		if (strcmp(key, "role") == 0)
			role = strstr(value, "server") != NULL ||
					       (strstr(value, "client") == NULL &&
						       strstr(value, "master") != NULL)
				       ? SL_DEVICE_SERVER
				       : SL_DEVICE_CLIENT;
		else if (strcmp(key, "socket-abstract") == 0)
			*abstract = strstr(value, "yes") != NULL;
	}
	return role;
}

static enum sl_device_role memif_role(const struct rte_kvargs *args)
{
	bool abstract;
	enum sl_device_role role = memif_role_of(args, &abstract);

	return abstract ? SL_DEVICE_ABSTRACT : role;
}

static bool memif_connects(const struct rte_kvargs *args)
{
	bool abstract;

	return memif_role_of(args, &abstract) == SL_DEVICE_CLIENT;
}

/* clang-format off */
const struct sl_device_driver sl_device_drivers[SL_DEVICE_DRIVERS] = {
	{.name = "net_af_packet", .alias = "eth_af_packet", .arg = {
		{"iface", SL_DEVICE_INTERFACE}, {"qpairs", SL_DEVICE_PLAIN},
		{"blocksz", SL_DEVICE_PLAIN}, {"framesz", SL_DEVICE_PLAIN},
		{"framecnt", SL_DEVICE_PLAIN}, {"qdisc_bypass", SL_DEVICE_PLAIN}},
		.follow = SL_FOLLOW_INTERFACE},
	{.name = "net_af_xdp", .arg = {
		{"iface", SL_DEVICE_INTERFACE}, {"start_queue", SL_DEVICE_PLAIN},
		{"queue_count", SL_DEVICE_PLAIN}, {"busy_budget", SL_DEVICE_PLAIN},
		{"force_copy", SL_DEVICE_PLAIN}, {"shared_umem", SL_DEVICE_BEYOND},
		{"xdp_prog", SL_DEVICE_BEYOND}}, .follow = SL_FOLLOW_INTERFACE},
	{.name = "net_tap", .alias = "eth_tap", .arg = {
		{"iface", SL_DEVICE_INTERFACE}, {"remote", SL_DEVICE_INTERFACE},
		{"mac", SL_DEVICE_PLAIN}, {"persist", SL_DEVICE_BEYOND}}, .implied = true,
		.follow = SL_FOLLOW_INTERFACE, .makes = true},
	{.name = "net_tun", .arg = {
		{"iface", SL_DEVICE_INTERFACE}}, .implied = true,
		.follow = SL_FOLLOW_INTERFACE, .makes = true},
	{.name = "net_vhost", .alias = "eth_vhost", .arg = {
		{"iface", SL_DEVICE_SOCKET}, {"queues", SL_DEVICE_PLAIN},
		{"client", SL_DEVICE_PLAIN}, {"iommu-support", SL_DEVICE_PLAIN},
		{"postcopy-support", SL_DEVICE_PLAIN}, {"tso", SL_DEVICE_PLAIN},
		{"linear-buffer", SL_DEVICE_PLAIN}, {"ext-buffer", SL_DEVICE_PLAIN},
		{"legacy-ol-flags", SL_DEVICE_PLAIN}}, .role = vhost_role},
	/* As a server, it waits for the first client before the port exists. */
	{.name = "net_virtio_user", .alias = "virtio_user", .arg = {
		{"path", SL_DEVICE_SOCKET}, {"iface", SL_DEVICE_INTERFACE},
		{"mac", SL_DEVICE_PLAIN}, {"cq", SL_DEVICE_PLAIN},
		{"queue_size", SL_DEVICE_PLAIN}, {"queues", SL_DEVICE_PLAIN},
		{"mrg_rxbuf", SL_DEVICE_PLAIN}, {"in_order", SL_DEVICE_PLAIN},
		{"packed_vq", SL_DEVICE_PLAIN}, {"speed", SL_DEVICE_PLAIN},
		{"vectorized", SL_DEVICE_PLAIN}, {"server", SL_DEVICE_BEYOND}},
		.char_device = true, .role = virtio_user_role,
		.connects = virtio_user_connects},
	{.name = "net_memif", .arg = {
		{"socket", SL_DEVICE_SOCKET}, {"socket-abstract", SL_DEVICE_PLAIN},
		{"role", SL_DEVICE_PLAIN}, {"id", SL_DEVICE_PLAIN}, {"bsize", SL_DEVICE_PLAIN},
		{"rsize", SL_DEVICE_PLAIN}, {"mac", SL_DEVICE_PLAIN},
		{"zero-copy", SL_DEVICE_PLAIN}, {"secret", SL_DEVICE_PLAIN}},
		.implied = true, .shared = true, .role = memif_role, .connects = memif_connects},
	{.name = "net_pcap", .alias = "eth_pcap", .arg = {
		{"rx_pcap", SL_DEVICE_READ}, {"tx_pcap", SL_DEVICE_WRITE},
		{"rx_iface", SL_DEVICE_ECHO}, {"rx_iface_in", SL_DEVICE_INTERFACE},
		{"tx_iface", SL_DEVICE_INTERFACE}, {"iface", SL_DEVICE_ECHO},
		{"phy_mac", SL_DEVICE_PLAIN}, {"infinite_rx", SL_DEVICE_PLAIN}},
		.follow = SL_FOLLOW_INTERFACE},
	/* Its packets have that size, whatever the size of their buffer. */
	{.name = "net_null", .alias = "eth_null", .arg = {
		{"size", SL_DEVICE_BEYOND}, {"copy", SL_DEVICE_BEYOND},
		{"no-rx", SL_DEVICE_PLAIN}}, .follow = SL_FOLLOW_NONE},
	/* nodeaction joins rings of the process by name; internal is an address in the process. */
	{.name = "net_ring", .alias = "eth_ring", .arg = {
		{"nodeaction", SL_DEVICE_BEYOND}, {"internal", SL_DEVICE_BEYOND}},
		.follow = SL_FOLLOW_NONE},
};
/* clang-format on */

const char *const sl_device_driver_names[] = {"net_af_packet", "net_af_xdp", "net_tap", "net_tun",
	"net_vhost", "net_virtio_user", "net_memif", "net_pcap", "net_null", "net_ring", "pci",
	"interface", "tap", NULL};
_Static_assert(RTE_DIM(sl_device_driver_names) == SL_DEVICE_NAMES + 1, "a name a driver");

/* Which of the driver's names the text begins with, compared as DPDK's virtual bus does;
 * its length, or 0. */
static size_t prefix_of(const struct sl_device_driver *row, const char *name)
{
	size_t len = strlen(row->name);

	if (strncmp(name, row->name, len) == 0)
		return len;
	len = row->alias != NULL ? strlen(row->alias) : 0;
	return len > 0 && strncmp(name, row->alias, len) == 0 ? len : 0;
}

/* True for "key=value,key=value": writing it back gives the same text. */
static bool pairs_are_plain(const struct rte_kvargs *args, const char *text)
{
	for (unsigned int i = 0; i < args->count; i++) {
		const char *key = args->pairs[i].key, *value = args->pairs[i].value;
		size_t n = strlen(key);

		if (value == NULL || n == 0 || value[0] == '\0' || strpbrk(value, "[]") != NULL ||
			strncmp(text, key, n) != 0 || text[n] != '=')
			return false;
		text += n + 1;
		n = strlen(value);
		if (strncmp(text, value, n) != 0 || (text[n] != ',' && text[n] != '\0'))
			return false;
		text += n;
		if (*text == ',' && i + 1 < args->count)
			text++;
	}
	return *text == '\0';
}

static bool is_number(const char *s)
{
	while (isdigit((unsigned char)*s))
		s++;
	return *s == '\0';
}

int sl_device_parse(struct sl_device *d, const char *devargs, struct sl_err *e)
{
	size_t len = strcspn(devargs, ","), prefix = 0;
	const char *args = devargs[len] == ',' ? devargs + len + 1 : "";

	memset(d, 0, sizeof(*d));
	if (len >= sizeof(d->name))
		return sl_err_set(e, SL_ERR_PARAMS, "devargs",
			"a device's name has at most %zu bytes", sizeof(d->name) - 1);
	memcpy(d->name, devargs, len);
	for (size_t i = 0; i < RTE_DIM(sl_device_drivers) && prefix == 0; i++) {
		prefix = prefix_of(&sl_device_drivers[i], d->name);
		d->driver = prefix > 0 ? &sl_device_drivers[i] : NULL;
	}
	d->args = rte_kvargs_parse(args, NULL);
	if (d->args == NULL)
		return sl_err_set(e, SL_ERR_PARAMS, "devargs",
			"the arguments of device %s cannot be read", d->name);
	/* An empty text has no pair, and is plain. */
	d->plain = d->driver != NULL && is_number(d->name + prefix) &&
		   (devargs[len] == '\0' || d->args->count > 0) && pairs_are_plain(d->args, args);
	return 0;
}

void sl_device_fini(struct sl_device *d)
{
	rte_kvargs_free(d->args);
	memset(d, 0, sizeof(*d));
}

enum sl_device_use sl_device_use(const struct sl_device *d, const char *arg)
{
	const struct sl_device_arg *a = d->driver != NULL ? d->driver->arg : NULL;

	for (; a != NULL && a->name != NULL; a++)
		if (strcmp(a->name, arg) == 0)
			return a->use;
	return SL_DEVICE_BEYOND;
}
