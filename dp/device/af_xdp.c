/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * net_af_xdp of DPDK 22.11 does not close its sockets with its device. They occupy the interface's
 * queues, so they could not be opened again while this process lives. So the sockets of a device
 * are noted when it is open, and those that remain after closing are closed here.
 *
 * The driver also keeps the buffers in its fill rings. The pool of a closed port is never full
 * again, and keeps its memory (pool.c, which also limits the memory that one port can use up).
 */
#include <dirent.h>
#include <linux/if_xdp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dpdk.h"

/* The inode of an AF_XDP socket, 0 for any other descriptor. */
static uint64_t xdp_socket(int fd)
{
	int domain = 0;
	socklen_t len = sizeof(domain);
	struct stat st;

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) != 0 || domain != AF_XDP ||
		fstat(fd, &st) != 0)
		return 0;
	return st.st_ino;
}

static bool has_noted(const struct sl_dpdk *x, uint64_t inode)
{
	for (unsigned int i = 0; i < x->n_xdp; i++)
		if (x->xdp_inode[i] == inode)
			return true;
	return false;
}

static void note(struct sl_dpdk *x, int fd, uint64_t inode)
{
	for (const struct sl_dpdk *other = sl_dpdk_first(); other != NULL; other = other->next)
		if (has_noted(other, inode))
			return;
	if (x->n_xdp == SL_QUEUES_MAX)
		return;
	x->xdp_fd[x->n_xdp] = fd;
	x->xdp_inode[x->n_xdp++] = inode;
}

static void close_own(struct sl_dpdk *x, int fd, uint64_t inode)
{
	if (has_noted(x, inode))
		close(fd);
}

static void for_each_socket(struct sl_dpdk *x, void (*fn)(struct sl_dpdk *x, int fd, uint64_t ino))
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		int fd = (int)strtol(entry->d_name, NULL, 10);
		uint64_t inode = entry->d_name[0] != '.' ? xdp_socket(fd) : 0;

		if (inode != 0)
			fn(x, fd, inode);
	}
	if (dir != NULL)
		closedir(dir);
}

void sl_af_xdp_attach(struct sl_port_device *d)
{
	for_each_socket(sl_dpdk_of(d), note);
}

void sl_af_xdp_detach(struct sl_port_device *d)
{
	struct sl_dpdk *x = sl_dpdk_of(d);

	if (x->n_xdp > 0)
		for_each_socket(x, close_own);
	x->n_xdp = 0;
}

/*
 * rx_dropped counts packets that found no buffer, or were too large for one; rx_ring_full counts
 * packets that found the ring of received packets full. They do not overlap. If the kernel copies
 * packets, rx_fill_ring_empty_descs is part of rx_dropped; if not, the NIC has lost and counted
 * them. tx_invalid_descs are descriptors that the kernel has skipped.
 */
void sl_af_xdp_lost(const struct sl_port_device *d, struct sl_port_lost *l)
{
	const struct sl_dpdk *x = sl_dpdk_of(d);

	l->rx_missed = 0;
	for (unsigned int i = 0; i < x->n_xdp; i++) {
		struct xdp_statistics s = {0};
		socklen_t len = sizeof(s);

		if (getsockopt(x->xdp_fd[i], SOL_XDP, XDP_STATISTICS, &s, &len) != 0)
			continue;
		l->rx_missed += s.rx_dropped + s.rx_ring_full;
		l->refused += s.tx_invalid_descs;
	}
}
