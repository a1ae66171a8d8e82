/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One message (a request or a batch) on its way to the line that answers it, made in turns. A batch
 * is run request by request, as turns come.
 * Threads: control. Ownership: the text is the caller's and must stay until the reply is whole; a
 * reply must not move while one of its calls waits.
 */
#ifndef SL_CTRL_RPC_REPLY_H
#define SL_CTRL_RPC_REPLY_H

#include "rpc.h"

struct sl_reply {
	struct sl_session *session;
	const char *text; /* exactly one JSON text, or broken */
	size_t len, pos;  /* pos: of a batch, behind the requests that were run */
	enum { SL_REPLY_UNREAD, SL_REPLY_BATCH, SL_REPLY_LAST, SL_REPLY_WHOLE } state;
	bool may_wait;		     /* calls may; who runs the reply comes back to it */
	bool any;		     /* something was answered */
	size_t said;		     /* bytes of answers in earlier turns */
	struct sl_stream *stream;    /* of the request at hand, NULL: none */
	struct sl_rpc_parked parked; /* the request at hand, when it waits */
};

void sl_reply_begin(struct sl_reply *rp, struct sl_session *session, const char *text, size_t len,
	bool may_wait);
/*
 * Adds to out until the turn is over or a call waits: false once the reply is whole, newline and
 * all. Notifications are answered with nothing.
 */
bool sl_reply_more(struct sl_reply *rp, struct sl_text *out, const struct sl_turn *turn);
/* At any time, and after the last sl_reply_more: a call that waits is cancelled. */
void sl_reply_end(struct sl_reply *rp);

/* A call waits and has not been resumed: sl_reply_more has nothing to do. */
static inline bool sl_reply_is_waiting(const struct sl_reply *rp)
{
	return rp->parked.waiting && !rp->parked.resumed;
}

/* Nothing of the line is written, so that another line may come before it. */
static inline bool sl_reply_is_unwritten(const struct sl_reply *rp)
{
	return !rp->any && rp->stream == NULL;
}

#endif
