/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of the socket server share: the listening socket, the peer's rights, one client.
 * Threads: control. Private to server*.c.
 */
#ifndef SL_CTRL_SERVER_INTERNAL_H
#define SL_CTRL_SERVER_INTERNAL_H

#include <sys/stat.h>

#include "rpc_frame.h"
#include "server.h"

#define SL_CLIENT_REQUESTS_A_POLL 16u	       /* then it is the next client's turn... */
#define SL_CLIENT_REQUESTS_MAX	  1024u	       /* ...unless they were short: at most so many */
#define SL_CLIENT_TURN_NS	  1000000u     /* and no more once so much time has gone */
#define SL_CLIENT_BYTES_A_POLL	  (512u << 10) /* read at least until here */
#define SL_POLL_NS		  4000000u /* of all clients' turns; whose did not come is first next */

struct sl_server_client {
	int fd;
	uint32_t events; /* what epoll waits for */
	uint32_t ready;	 /* what epoll reported */
	enum sl_rpc_right granted;
	bool backlog;	/* requests are buffered that it was not the turn of */
	bool input_end; /* nothing more is read: end of stream or refused */
	bool dead;	/* to be closed whatever is pending */
	bool served;	/* in this poll */
	struct sl_frame in;
	char *out;
	size_t out_start, out_len, out_room;
};

uint64_t sl_server_now_ns(void);

/* A listening socket at path, or -errno with *e. *st: the file made. */
/* What sl_server_listen would refuse, without changing anything; -EADDRINUSE: somebody listens. */
int sl_server_look(const char *path, struct sl_err *e);
int sl_server_listen(const char *path, struct stat *st, struct sl_err *e);

/* What the process at the other end may do; path is the socket's, file what was made there. */
enum sl_rpc_right sl_server_peer_right(int fd, const char *path, const struct stat *file);

/*
 * Read and answer a bounded share; flush writes the answers once all clients' calls are settled.
 * Afterwards the client is done when sl_server_client_is_done; otherwise it waits for
 * sl_server_client_events, or has a backlog.
 */
void sl_server_client_serve(struct sl_server_client *c, const struct sl_rpc *rpc);
void sl_server_client_flush(struct sl_server_client *c, bool settled);
bool sl_server_client_is_done(const struct sl_server_client *c);
uint32_t sl_server_client_events(const struct sl_server_client *c);
void sl_server_client_fini(struct sl_server_client *c);

#endif
