/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * JSON-RPC 2.0 methods. Each is declared once, as a row with the shapes of its parameters and
 * result. Decoding, refusal of unknown fields, rpc.discover, docs/ and sluicectl's help follow from
 * the row. Threads: control.
 */
#ifndef SL_CTRL_RPC_RPC_H
#define SL_CTRL_RPC_RPC_H

#include "ctrl/shape/shape.h"
#include "ctrl/shape/text.h"
#include "session.h"

#define SL_BATCH_MAX	  16384u      /* requests of one batch */
#define SL_RPC_ANSWER_MAX (64u << 20) /* bytes of one answer, or of a whole batch's answer */

struct sl_ctrl; /* the daemon's state, opaque to the dispatcher */
struct sl_rpc;

/*
 * A call that waits for something, such as a device that a helper thread opens. The handler
 * registers for the event that it waits for, and returns the result of sl_rpc_wait, SL_RPC_WAIT.
 * The reply is then parked: later requests of the same session wait, so that answers stay in order;
 * other sessions continue. After sl_rpc_resume the handler is called again, with the same
 * parameters (decoded again) and with what it has kept. It may wait again. If the client
 * disconnects in the meantime, `cancel` is called instead: it undoes the registration and frees
 * what was kept.
 *
 * The struct belongs to the reply. It stays in place until the handler has returned something else
 * or cancel was called; it is the handle for sl_rpc_resume. A handler that returns something else
 * has freed what it kept.
 */
#define SL_RPC_WAIT 1

struct sl_rpc_parked {
	struct sl_session *session; /* whose call it is */
	bool waiting;		    /* the handler has returned SL_RPC_WAIT */
	bool resumed;		    /* the handler must be called again */
	void *kept;		    /* the handler's; NULL in its first call */
	void (*cancel)(struct sl_rpc_parked *p);
};

struct sl_rpc_call {
	const struct sl_rpc *rpc;
	struct sl_ctrl *ctrl;
	struct sl_session *session;   /* who calls */
	const void *params;	      /* the decoded struct of method->params, or NULL */
	const cJSON *raw;	      /* the parameters as they came, possibly NULL */
	struct sl_rpc_parked *parked; /* NULL: this call cannot wait */
};

/*
 * SL_RPC_WAIT; or -errno and *e when the call cannot wait: then nothing is kept, and cancel is not
 * called.
 */
int sl_rpc_wait(const struct sl_rpc_call *c, void *kept, void (*cancel)(struct sl_rpc_parked *p),
	struct sl_err *e);
/* The handler is called again in the session's next turn. */
void sl_rpc_resume(struct sl_rpc_parked *p);

/*
 * A result that is made in turns, as JSON text, because it may be long. Each call of `more` adds to
 * out until the turn is over; false: the result is whole. Between two calls anything may change, so
 * a stream keeps keys and numbers, never pointers to what a transaction may remove. A stream can
 * fail only when memory is out; then out says so.
 */
struct sl_stream {
	bool (*more)(struct sl_stream *s, struct sl_text *out, const struct sl_turn *turn);
	void (*end)(struct sl_stream *s); /* frees it, done or not */
};

struct sl_method {
	const char *name;    /* "endpoints.add" */
	const char *summary; /* one sentence */
	enum sl_rpc_right right;
	const struct sl_shape *params; /* NULL: the method has none */
	const struct sl_field *result; /* the result's type, for discovery and tests */
	/*
	 * 0 and *result (not NULL; the caller owns it), or -errno and *e, or SL_RPC_WAIT. A call
	 * that fails has changed nothing.
	 */
	int (*handle)(const struct sl_rpc_call *c, cJSON **result, struct sl_err *e);
	/* Optional: for rows that are made for each collection. */
	const void *arg;
	int (*handle_arg)(
		const struct sl_rpc_call *c, const void *arg, cJSON **result, struct sl_err *e);
	/* Instead of handle, for methods that change nothing: 0 and *stream, or -errno and *e. */
	int (*stream)(const struct sl_rpc_call *c, const void *arg, struct sl_stream **stream,
		struct sl_err *e);
};

struct sl_rpc {
	struct sl_ctrl *ctrl;
	const struct sl_method *const *methods; /* in any order; names are unique */
	size_t n_methods;
	/*
	 * Optional: makes the changes of all calls so far durable. It is called before their
	 * answers are sent; when it fails, they must not be sent. One call serves many answers.
	 */
	int (*make_durable)(struct sl_ctrl *ctrl);
	/*
	 * Optional: called before each handler with the right of its caller, and with SL_RPC_ROOT
	 * after it.
	 */
	void (*caller)(struct sl_ctrl *ctrl, enum sl_rpc_right granted);
};

const struct sl_method *sl_rpc_find(const struct sl_rpc *r, const char *name);

/*
 * Checks the right, decodes the parameters and runs the handler: 0 with either *result or *stream,
 * -errno with *e, or SL_RPC_WAIT. parked NULL: the call cannot wait.
 */
int sl_rpc_invoke(struct sl_session *session, const struct sl_method *m, const cJSON *params,
	struct sl_rpc_parked *parked, cJSON **result, struct sl_stream **stream, struct sl_err *e);

/*
 * Answer one message at once, for a program that has no other client to serve; calls cannot wait.
 * Returns a malloc'ed line with its newline, or NULL when nothing is to be answered.
 */
char *sl_rpc_answer(const struct sl_rpc *r, const char *text, size_t len, enum sl_rpc_right granted,
	size_t *out_len);

/*
 * A malloc'ed line with an error and without an id, for input that never became a message (limits).
 */
char *sl_rpc_refuse(enum sl_err_code code, const char *message, size_t *out_len);

/* The error object of JSON-RPC: {"code", "message", "data": {"name", "path", "hint"}}. */
cJSON *sl_rpc_error(const struct sl_err *e);
int sl_rpc_code(enum sl_err_code code);		     /* -32602 */
const char *sl_rpc_code_name(enum sl_err_code code); /* "params" */

/*
 * The OpenRPC 1.2 document of all methods. Beyond the standard, each method has "x-right" ("read",
 * "write"), a field that names the method's object has "x-key", and "x-errors" lists the code, name
 * and meaning of every error.
 */
cJSON *sl_rpc_discover(const struct sl_rpc *r);
extern const struct sl_method sl_method_discover; /* rpc.discover, a row for the table */

#endif
