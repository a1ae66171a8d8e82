/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * net_af_packet of DPDK 22.11 asks the kernel for more than it needs. It fails when the kernel
 * refuses:
 * - It locks its rings into memory, which counts against RLIMIT_MEMLOCK. The rings are pages of the
 *   kernel, which are never swapped.
 * - At its start, it sets the interface's address to the present address, and its flags to not
 *   promiscuous. Both need CAP_NET_ADMIN. Instead, the port's sockets make the interface
 *   promiscuous (af_packet_rings.c): that needs no capability, and ends with the process.
 *
 * And it loses packets when the kernel agrees: it asks the kernel to put IPv4 fragments together
 * before it spreads packets over the sockets, also when there is only one. The whole packet does not
 * fit into a ring's slot. Without that, the kernel spreads fragments by their addresses, so those of
 * one datagram meet in one queue.
 *
 * So this program has its own mmap, ioctl and setsockopt, which drivers call instead of the C
 * library's (meson.build exports them). In a program without that export, the driver behaves as usual.
 *
 * Threads: any. A start is noted for the calling thread only.
 */
#ifndef SL_DP_AF_PACKET_GUARD_H
#define SL_DP_AF_PACKET_GUARD_H

/* Between these two calls, the calling thread changes neither flags nor address of an interface. */
void sl_af_packet_start_begin(void);
void sl_af_packet_start_end(void);

#endif
