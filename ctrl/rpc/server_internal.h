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
 * A client's turn ends after the request, or the piece of a long answer, that reaches one of these
 * limits. Answers are sent at the end of the poll, once the changes that they report are durable.
 * When a client leaves SL_CLIENT_UNSENT bytes unread, the server neither serves it nor reads from
 * it until it reads.
 */
#define SL_CLIENT_REQUESTS_MAX 1024u
#define SL_CLIENT_TURN_NS      1000000u
#define SL_CLIENT_UNSENT       (256u << 10)
#define SL_CLIENT_BYTES_A_POLL (512u << 10) /* read at least until here */
/*
 * The time for all clients' turns in one poll. The next poll begins with the first client that had
 * no turn.
 */
#define SL_POLL_NS 4000000u

struct sl_server_client {
	struct sl_session session; /* first */
	struct sl_server *server;
	int fd;
	uint32_t events; /* what epoll waits for */
	uint32_t ready;	 /* what epoll reported */
	bool backlog;	 /* its turn ended with input still buffered; nothing more is read */
	bool replying;	 /* reply is in use */
	bool input_end;	 /* nothing more is read: end of stream or refused */
	bool dead;	 /* close it, whatever is pending */
	bool served;	 /* in this poll */
	struct sl_frame in;
	struct sl_reply reply; /* to a message in the buffer `in` */
	struct sl_text out;
	size_t out_start;
	uint64_t sent_ns; /* when it last read a part of out, or out was started */
};

/* Bytes of answers that the client has not read. */
static inline size_t sl_server_client_unsent(const struct sl_server_client *c)
{
	return c->out.len - c->out_start;
}

/* A listening socket at path, or -errno with *e. *st: the file that was made. */
int sl_server_listen(const char *path, struct stat *st, struct sl_err *e);

/*
 * The process at the other end, and its right. path is the socket's path, file the file that was
 * made there.
 */
enum sl_rpc_right sl_server_peer(
	int fd, const char *path, const struct stat *file, struct ucred *peer);

/*
 * serve reads and answers until the client's turn is over, or the poll, which ends at end_ns. flush
 * writes the answers once the changes of all clients' calls are durable. Afterwards either the
 * client is done (sl_server_client_is_done), or it waits for sl_server_client_events, or it is due.
 */
void sl_server_client_serve(struct sl_server_client *c, uint64_t end_ns);
/* True: the client has work that waits only for its turn. */
bool sl_server_client_is_due(const struct sl_server_client *c);
void sl_server_client_flush(struct sl_server_client *c, bool durable);
bool sl_server_client_is_done(const struct sl_server_client *c);
uint32_t sl_server_client_events(const struct sl_server_client *c);
void sl_server_client_fini(struct sl_server_client *c);

#endif
