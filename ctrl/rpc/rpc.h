/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * JSON-RPC 2.0 methods: each declared once, as a row with the shapes of its parameters and result.
 * Decoding, refusal of unknown fields, rpc.discover, docs/ and sluicectl's help follow from the
 * row. Threads: control.
 */
#ifndef SL_CTRL_RPC_RPC_H
#define SL_CTRL_RPC_RPC_H

#include "ctrl/shape/shape.h"
#include "ctrl/shape/text.h"
#include "session.h"

#define SL_BATCH_MAX	  16384u      /* requests of one batch */
#define SL_RPC_ANSWER_MAX (64u << 20) /* bytes of one answer, a whole batch's too */

struct sl_ctrl; /* the daemon's state, opaque to the dispatcher */
struct sl_rpc;

/*
 * A call that waits for something (a device that a helper thread opens). Its handler registers with
 * whatever it waits for and returns what sl_rpc_wait returns, SL_RPC_WAIT. The reply is parked:
 * later requests of the same session wait, so that answers come in order, and all other sessions go
 * on. sl_rpc_resume lets the handler be called again, with the same parameters (decoded again) and
 * with what it has kept; it may wait again. When the client goes meanwhile, `cancel` is called
 * instead: it undoes the registration and frees what was kept.
 *
 * The struct is the reply's and stays in place until the handler has returned something else or
 * cancel was called; it is the handle for sl_rpc_resume. A handler that returns something else has
 * freed what it kept.
 */
#define SL_RPC_WAIT 1

struct sl_rpc_parked {
	struct sl_session *session; /* whose call it is */
	bool waiting;		    /* the handler has returned SL_RPC_WAIT */
	bool resumed;		    /* it is to be called again */
	void *kept;		    /* the handler's own; NULL when it is called first */
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

/* SL_RPC_WAIT, or -errno and *e where a call cannot wait: then nothing is kept or cancelled. */
int sl_rpc_wait(const struct sl_rpc_call *c, void *kept, void (*cancel)(struct sl_rpc_parked *p),
	struct sl_err *e);
/* The handler is called again in the session's next turn. */
void sl_rpc_resume(struct sl_rpc_parked *p);

/*
 * A result that is made in turns, as JSON text: for what may be long. Each call of `more` adds some
 * to out until the turn is over; false: the result is whole. Between two calls anything may have
 * changed: a stream keeps keys and numbers, never pointers to what a transaction may remove. It
 * cannot fail any more, but for memory: out then says so.
 */
struct sl_stream {
	bool (*more)(struct sl_stream *s, struct sl_text *out, const struct sl_turn *turn);
	void (*end)(struct sl_stream *s); /* frees it, done or not */
};

struct sl_method {
	const char *name;    /* "endpoints.add" */
	const char *summary; /* one sentence */
	enum sl_rpc_right right;
	const struct sl_shape *params; /* NULL: takes none */
	const struct sl_field *result; /* its type, for discovery and tests */
	/*
	 * 0 and *result (never NULL then, owned by the caller), or -errno and *e, or SL_RPC_WAIT. A
	 * failed call has changed nothing.
	 */
	int (*handle)(const struct sl_rpc_call *c, cJSON **result, struct sl_err *e);
	/* Optional, for rows made for each collection. */
	const void *arg;
	int (*handle_arg)(
		const struct sl_rpc_call *c, const void *arg, cJSON **result, struct sl_err *e);
	/* In the place of handle: 0 and *stream, which changes nothing, or -errno and *e. */
	int (*stream)(const struct sl_rpc_call *c, const void *arg, struct sl_stream **stream,
		struct sl_err *e);
};

struct sl_rpc {
	struct sl_ctrl *ctrl;
	const struct sl_method *const *methods; /* sorted by name is not required; names unique */
	size_t n_methods;
	/*
	 * Optional: make what calls have done so far durable. Comes before their answers leave;
	 * when it fails they must not. One such call serves the answers of many.
	 */
	int (*make_durable)(struct sl_ctrl *ctrl);
	/*
	 * Optional: whose call comes next, before each handler runs; SL_RPC_ROOT once it is over.
	 */
	void (*caller)(struct sl_ctrl *ctrl, enum sl_rpc_right granted);
};

const struct sl_method *sl_rpc_find(const struct sl_rpc *r, const char *name);

/*
 * Check the right, decode the parameters, run the handler: 0 with one of *result and *stream,
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
 * A line, malloc'ed, that answers with an error and no id: for what never was a message (limits).
 */
char *sl_rpc_refuse(enum sl_err_code code, const char *message, size_t *out_len);

/* The error object of JSON-RPC: {"code", "message", "data": {"name", "path", "hint"}}. */
cJSON *sl_rpc_error(const struct sl_err *e);
int sl_rpc_code(enum sl_err_code code);		     /* -32602 */
const char *sl_rpc_code_name(enum sl_err_code code); /* "params" */

/*
 * The OpenRPC 1.2 document of all methods. Beyond the standard each method has "x-right" ("read",
 * "write"), a field that names its object has "x-key", and "x-errors" lists code, name and meaning
 * of every error.
 */
cJSON *sl_rpc_discover(const struct sl_rpc *r);
extern const struct sl_method sl_method_discover; /* rpc.discover, a row for the table */

#endif
