/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A session is one client connection: who the client is, what it may do, and which notifications
 * are pushed to it. Code that keeps a session (a subscription, a claim on an object) is told when
 * it ends.
 *
 * Threads: control. Ownership: the server's, one in each client. A call without a client has a
 * session of its own (sl_session_local). The session ends with sl_session_fini, after which it must
 * not be used.
 */
#ifndef SL_CTRL_RPC_SESSION_H
#define SL_CTRL_RPC_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "ctrl/shape/text.h"

#define SL_SESSION_PUSHED_MAX (256u << 10) /* bytes that wait to be pushed to one session */
#define SL_SESSION_GAP	      "rpc.gap"	   /* method of the notification about lost notifications */

struct sl_rpc;

/* Each includes those before it. Methods want one of the first two. */
enum sl_rpc_right {
	SL_RPC_READ,  /* any peer that may open the socket */
	SL_RPC_WRITE, /* the daemon's own user, or a member of the socket's group */
	SL_RPC_ROOT,  /* root: may name what belongs to the host */
};

/* Whoever keeps a session embeds one; called once, before the session is gone. */
struct sl_session_keeper {
	void (*ended)(struct sl_session_keeper *k);
	struct sl_session *session;
	struct sl_session_keeper *next;
};

struct sl_session {
	const struct sl_rpc *rpc;
	enum sl_rpc_right granted;
	struct ucred peer;     /* from the kernel, when the client connected; local: this process */
	char label[48];	       /* for logs: "uid 1000, pid 4242" */
	struct sl_text pushed; /* lines that wait for the client to read, SL_SESSION_PUSHED_MAX */
	uint64_t n_pushed;     /* how many lines */
	uint64_t lost;	       /* notifications after them that found no room */
	struct sl_session_keeper *keepers;
	/*
	 * Set by the server: called when the session gets work outside its own turn. NULL: not
	 * needed.
	 */
	void (*wake)(struct sl_session *s);
};

void sl_session_init(struct sl_session *s, const struct sl_rpc *rpc, const struct ucred *peer,
	enum sl_rpc_right granted);
/* A session for a call that comes from no client: the peer is this process. */
void sl_session_local(struct sl_session *s, const struct sl_rpc *rpc, enum sl_rpc_right granted);
/* Tells all keepers that the session has ended. */
void sl_session_fini(struct sl_session *s);

/* The caller sets k->ended. */
void sl_session_keep(struct sl_session *s, struct sl_session_keeper *k);

/*
 * Pushes a notification, {"jsonrpc", "method", "params"}, to the client; params is the JSON text of
 * an object. It is sent between two answers, never inside one. When the client reads too slowly and
 * the queue is full, queued notifications stay, and the new one is only counted as lost. As soon as
 * there is room again, a notification rpc.gap {"lost": N} replaces those N. False: it was counted
 * as lost.
 */
bool sl_session_push(struct sl_session *s, const char *method, const char *params);

/* True: a notification waits to be sent. */
static inline bool sl_session_is_due(const struct sl_session *s)
{
	return s->pushed.len > 0 || s->lost > 0;
}
/* For the server: moves all waiting notifications, and then the gap, to the end of out. */
void sl_session_drain(struct sl_session *s, struct sl_text *out);

#endif
