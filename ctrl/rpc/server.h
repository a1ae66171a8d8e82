/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The unix stream socket in front of the RPC dispatcher: bounded clients, messages and output
 * queues. Non-blocking, driven by the caller's epoll loop. A hostile client hurts only itself.
 * Threads: control.
 */
#ifndef SL_CTRL_RPC_SERVER_H
#define SL_CTRL_RPC_SERVER_H

#include "rpc.h"

#define SL_SERVER_CLIENTS_MAX 64
#define SL_MESSAGE_MAX	      (16u << 20)
#define SL_MESSAGE_READ_MAX   (256u << 10) /* of a client that may only read: quick to parse */
#define SL_OUTPUT_MAX	      (128u << 20) /* unread answers of all clients together */

struct sl_server;

/*
 * Listens at path, mode 0660. A stale socket file, where nobody listens, is replaced. A live
 * socket, a symbolic link or any other file is an error that says so. An inner epoll descriptor
 * reports readiness.
 */
struct sl_server *sl_server_create(const char *path, const struct sl_rpc *rpc, struct sl_err *e);
/*
 * Checks whether sl_server_create would refuse path, without changing anything: 0, or -errno with
 * *e. -EADDRINUSE: another program listens there.
 */
int sl_server_look(const char *path, struct sl_err *e);
int sl_server_fd(const struct sl_server *s); /* readable when sl_server_poll has work */
/*
 * Accepts, reads, answers and writes what is ready. Returns after some 4 ms and the request that
 * was under way at that time. It waits for no client, but waits for the disk when something was
 * changed.
 */
void sl_server_poll(struct sl_server *s);
void sl_server_destroy(struct sl_server *s); /* unlinks the path */

#endif
