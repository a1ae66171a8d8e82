/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Makes the line that answers one message (a request or a batch), in turns. A batch is run request
 * by request. Threads: control. Ownership: the caller owns the text and keeps it until the reply is
 * whole. A reply must not move while one of its calls waits.
 */
#ifndef SL_CTRL_RPC_REPLY_H
#define SL_CTRL_RPC_REPLY_H

#include "rpc.h"

struct sl_reply {
	struct sl_session *session;
	const char *text; /* exactly one JSON text, or broken */
	size_t len, pos;  /* pos: in a batch, after the requests that were run */
	enum { SL_REPLY_UNREAD, SL_REPLY_BATCH, SL_REPLY_LAST, SL_REPLY_WHOLE } state;
	bool may_wait;		     /* calls may wait; the caller will call sl_reply_more again */
	bool any;		     /* at least one answer is written */
	size_t said;		     /* bytes of answers in earlier turns */
	struct sl_stream *stream;    /* of the current request; NULL: none */
	struct sl_rpc_parked parked; /* the current request, when it waits */
};

void sl_reply_begin(struct sl_reply *rp, struct sl_session *session, const char *text, size_t len,
	bool may_wait);
/*
 * Adds to out until the turn is over or a call waits. False once the reply is whole, with its
 * newline. Notifications get no answer.
 */
bool sl_reply_more(struct sl_reply *rp, struct sl_text *out, const struct sl_turn *turn);
/* Ends the reply, at any time, also after the last sl_reply_more. Cancels a call that waits. */
void sl_reply_end(struct sl_reply *rp);

/* True: a call waits and has not been resumed, so sl_reply_more has nothing to do. */
static inline bool sl_reply_is_waiting(const struct sl_reply *rp)
{
	return rp->parked.waiting && !rp->parked.resumed;
}

/* True: nothing of the line is written yet, so another line may come before it. */
static inline bool sl_reply_is_unwritten(const struct sl_reply *rp)
{
	return !rp->any && rp->stream == NULL;
}

#endif
