/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of the socket server share: the listening socket, the peer's rights, one client.
 * Threads: control. Private to server.c, client.c and listen.c.
 */
#ifndef SL_CTRL_RPC_SERVER_INTERNAL_H
#define SL_CTRL_RPC_SERVER_INTERNAL_H

#include <sys/stat.h>

#include "frame.h"
#include "reply.h"
#include "server.h"

/*
 * A client's turn is over after the request, or the piece of a long answer, with which one of these
 * is reached. Answers leave at the end of the poll, once the changes that they report are durable. A
 * client that leaves SL_CLIENT_UNSENT bytes unread is neither served nor read from until it reads.
 */
#define SL_CLIENT_REQUESTS_MAX 1024u
#define SL_CLIENT_TURN_NS      1000000u
#define SL_CLIENT_UNSENT       (256u << 10)
#define SL_CLIENT_BYTES_A_POLL (512u << 10) /* read at least until here */
/* Of all clients' turns; whose did not come is first in the next poll. */
#define SL_POLL_NS 4000000u

struct sl_server_client {
	struct sl_session session; /* first */
	struct sl_server *server;
	int fd;
	uint32_t events; /* what epoll waits for */
	uint32_t ready;	 /* what epoll reported */
	bool backlog;	 /* it was not the turn of all that is buffered; nothing more is read */
	bool replying;	 /* with reply */
	bool input_end;	 /* nothing more is read: end of stream or refused */
	bool dead;	 /* to be closed whatever is pending */
	bool served;	 /* in this poll */
	struct sl_frame in;
	struct sl_reply reply; /* to a message in the buffer of in */
	struct sl_text out;
	size_t out_start;
	uint64_t sent_ns; /* when it last read something of out, or out began */
};

/* Bytes of answers that the client has not read. */
static inline size_t sl_server_client_unsent(const struct sl_server_client *c)
{
	return c->out.len - c->out_start;
}

/* A listening socket at path, or -errno with *e. *st: the file made. */
int sl_server_listen(const char *path, struct stat *st, struct sl_err *e);

/*
 * The process at the other end, and what it may do; path is the socket's, file what was made there.
 */
enum sl_rpc_right sl_server_peer(
	int fd, const char *path, const struct stat *file, struct ucred *peer);

/*
 * Read and answer until a turn of the client or the poll, which ends at end_ns, is over; flush
 * writes the answers once what all clients' calls have done is durable. Afterwards the client is
 * done when sl_server_client_is_done; otherwise it waits for sl_server_client_events, or is due.
 */
void sl_server_client_serve(struct sl_server_client *c, uint64_t end_ns);
/* The client has work that waits for nothing but its turn. */
bool sl_server_client_is_due(const struct sl_server_client *c);
void sl_server_client_flush(struct sl_server_client *c, bool durable);
bool sl_server_client_is_done(const struct sl_server_client *c);
uint32_t sl_server_client_events(const struct sl_server_client *c);
void sl_server_client_fini(struct sl_server_client *c);

#endif
