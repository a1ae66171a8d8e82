/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The client library: JSON-RPC 2.0 to a running sluiced over its unix socket. Requests and
 * responses are text, so the caller chooses its JSON library.
 * Threads: one connection per thread.
 * Ownership: returned strings are malloc'ed; the caller frees them.
 */
#ifndef SLUICE_CLIENT_H
#define SLUICE_CLIENT_H

#include <stddef.h>

#define SL_SOCKET_DEFAULT "/run/sluice/sluice.sock"

struct sl_client;

/* NULL with errno set (ENOENT, ECONNREFUSED: no daemon; EACCES: not allowed). path NULL means
 * the default path. */
struct sl_client *sl_client_connect(const char *path);
void sl_client_close(struct sl_client *c);

/*
 * Call a method. params is a JSON text or NULL. Returns the whole JSON-RPC response object as text,
 * or NULL with errno (EPIPE: the daemon closed the connection; ETIMEDOUT; EMSGSIZE).
 */
char *sl_client_call(struct sl_client *c, const char *method, const char *params);
/* Send one raw line and read one raw line back. */
char *sl_client_exchange(struct sl_client *c, const char *text, size_t len);
/* Seconds to wait for a response; 0: for ever. The default is 30. */
void sl_client_set_timeout(struct sl_client *c, unsigned int seconds);

#endif
