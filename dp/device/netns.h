/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Network namespaces by the path of their file, as `ip netns` and container runtimes make them.
 * Threads: enter and leave: the device helper, which is in the namespace in between. Others: any.
 */
#ifndef SL_DP_NETNS_H
#define SL_DP_NETNS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#define SL_NETNS_PATH_MAX 108

/* A namespace, whatever path it has: compare dev and ino. Zeroed: none. */
struct sl_netns {
	dev_t dev;
	ino_t ino;
};

/* The namespace at the path. False: there is none, and why[size] says what is there instead. */
bool sl_netns_find(const char *path, struct sl_netns *ns, char *why, size_t size);
/*
 * Move the calling thread into the namespace at the path. Returns a descriptor for sl_netns_leave,
 * or -errno and why[size].
 */
int sl_netns_enter(const char *path, struct sl_netns *ns, char *why, size_t size);
/* Back. Aborts when that fails: a thread in a workload's namespace would do more harm. */
void sl_netns_leave(int back);

#endif
