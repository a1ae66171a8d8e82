/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * net_af_packet of DPDK 22.11 asks the kernel for more than it needs, and fails when it is refused:
 *   - It locks its rings into memory, which counts against RLIMIT_MEMLOCK. They are the kernel's
 *     own pages, and are never swapped.
 *   - When it starts, it sets the interface's address to what it is, and its flags to not being
 *     promiscuous. Both take CAP_NET_ADMIN. The port is made promiscuous by its sockets instead
 *     (af_packet_rings.c): that takes no right, and ends with the process.
 *
 * Therefore this program has an mmap and an ioctl of its own, which drivers get instead of the C
 * library's (meson.build exports them). Where they do not, the driver does as it always did.
 *
 * Threads: any. What is said to be starting is the calling thread's.
 */
#ifndef SL_DP_AF_PACKET_GUARD_H
#define SL_DP_AF_PACKET_GUARD_H

/* Between these two, the calling thread changes neither flags nor address of an interface. */
void sl_af_packet_start_begin(void);
void sl_af_packet_start_end(void);

#endif
