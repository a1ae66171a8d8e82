/* SPDX-License-Identifier: BSD-3-Clause */
/* Makes the line that answers one message: JSON-RPC 2.0 sections 4 to 6. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/shape/json.h"
#include "ctrl/shape/field.h"
#include "reply.h"

/* A batch with less room than this for answers runs no further requests. */
#define BATCH_ROOM_MIN (1u << 20)

struct rpc_request {
	const char *method;
	const cJSON *params;
	const cJSON *id; /* NULL: none, or not one that may be echoed */
	bool is_notification;
};

static bool may_be_id(const cJSON *v)
{
	return cJSON_IsString(v) || cJSON_IsNumber(v) || cJSON_IsNull(v);
}

/* The id as it was sent: cJSON alone would print large numbers rounded. */
static cJSON *echo_id(const cJSON *id)
{
	char digits[40];
	uint64_t n;

	if (id == NULL || cJSON_IsNull(id))
		return cJSON_CreateNull();
	if (cJSON_IsString(id))
		return cJSON_CreateString(id->valuestring);
	if (sl_json_uint(id, &n))
		return sl_json_from_u64(n);
	snprintf(digits, sizeof(digits), "%.15g", id->valuedouble);
	if (strtod(digits, NULL) != id->valuedouble)
		snprintf(digits, sizeof(digits), "%.17g", id->valuedouble);
	return cJSON_CreateRaw(digits);
}

/* {"jsonrpc", "id", name: value} as text; takes value. NULL: out of memory. */
static char *response(const cJSON *id, const char *name, cJSON *value)
{
	cJSON *o = cJSON_CreateObject();
	char *text = NULL;

	cJSON_AddStringToObject(o, "jsonrpc", "2.0");
	cJSON_AddItemToObject(o, "id", echo_id(id));
	if (value != NULL && cJSON_AddItemToObject(o, name, value))
		text = cJSON_PrintUnformatted(o);
	else
		cJSON_Delete(value);
	cJSON_Delete(o);
	return text;
}

static char *error_response(const cJSON *id, const struct sl_err *e)
{
	return response(id, "error", sl_rpc_error(e));
}

static int check_member(const cJSON *m, struct rpc_request *rq, struct sl_err *e)
{
	if (strcmp(m->string, "jsonrpc") == 0) {
		if (cJSON_IsString(m) && strcmp(m->valuestring, "2.0") == 0)
			return 0;
		return sl_err_set(e, SL_ERR_REQUEST, m->string, "expected \"2.0\"");
	}
	if (strcmp(m->string, "method") == 0) {
		rq->method = m->valuestring;
		return cJSON_IsString(m) ? 0
					 : sl_err_set(e, SL_ERR_REQUEST, m->string,
						   "the method must be a string");
	}
	if (strcmp(m->string, "params") == 0) {
		rq->params = m;
		return cJSON_IsObject(m) || cJSON_IsArray(m)
			       ? 0
			       : sl_err_set(e, SL_ERR_REQUEST, m->string,
					 "the parameters must be an object");
	}
	if (strcmp(m->string, "id") == 0)
		return may_be_id(m) ? 0
				    : sl_err_set(e, SL_ERR_REQUEST, m->string,
					      "an id must be a string, a number or null");
	sl_err_set(e, SL_ERR_REQUEST, m->string, "unknown member of a request");
	sl_err_hint(e, "a request has jsonrpc, method, params and id");
	return -EINVAL;
}

static int read_request(const cJSON *v, struct rpc_request *rq, struct sl_err *e)
{
	const cJSON *id = sl_json_get(v, "id"), *m;
	int ret;

	memset(rq, 0, sizeof(*rq));
	if (!cJSON_IsObject(v))
		return sl_err_set(e, SL_ERR_REQUEST, NULL, "a request must be an object");
	rq->id = id != NULL && may_be_id(id) ? id : NULL;
	rq->is_notification = id == NULL;
	cJSON_ArrayForEach (m, v) {
		ret = check_member(m, rq, e);
		if (ret != 0)
			return ret;
	}
	if (sl_json_get(v, "jsonrpc") == NULL)
		return sl_err_set(e, SL_ERR_REQUEST, "jsonrpc", "\"jsonrpc\": \"2.0\" is missing");
	if (rq->method == NULL)
		return sl_err_set(e, SL_ERR_REQUEST, "method", "the method is missing");
	return 0;
}

static int no_method(const struct sl_rpc *r, const char *name, struct sl_err *e)
{
	const char **names = calloc(r->n_methods + 1, sizeof(*names)), *near;
	char buf[80];

	sl_err_set(
		e, SL_ERR_METHOD, NULL, "there is no method %s", sl_quote(name, buf, sizeof(buf)));
	if (strncmp(name, "rpc.", 4) == 0)
		sl_err_hint(e, "names that begin with \"rpc.\" are reserved; rpc.discover is the "
			       "only one");
	else
		sl_err_hint(e, "rpc.discover lists all methods");
	if (names == NULL)
		return -EINVAL;
	for (size_t i = 0; i < r->n_methods; i++)
		names[i] = r->methods[i]->name;
	near = sl_nearest_name(name, names);
	if (near != NULL)
		sl_err_hint(e, "did you mean \"%s\"?", near);
	free(names);
	return -EINVAL;
}

static char *limit_response(const struct sl_method *m, const cJSON *id)
{
	struct sl_err e;

	sl_err_set(&e, SL_ERR_LIMIT, NULL, "%s the answer is longer than %u MiB",
		m->right == SL_RPC_WRITE ? "the call is done, but" : "the call changed nothing:",
		SL_RPC_ANSWER_MAX >> 20);
	return error_response(id, &e);
}

/*
 * The room left for the answers of one message; a batch without room runs no further requests. The
 * length of a streamed answer is not known in advance.
 */
static size_t room_left(const struct sl_reply *rp, const struct sl_text *out)
{
	size_t said = rp->said + out->len;

	return said < SL_RPC_ANSWER_MAX ? SL_RPC_ANSWER_MAX - said : 0;
}

static void end_stream(struct sl_reply *rp)
{
	if (rp->stream != NULL)
		rp->stream->end(rp->stream);
	rp->stream = NULL;
}

/*
 * Appends the answer to out, after earlier answers of a batch. Frees answer; NULL: out of memory.
 */
static void say(struct sl_reply *rp, struct sl_text *out, char *answer)
{
	if (rp->state == SL_REPLY_BATCH)
		sl_text_say(out, rp->any ? "," : "[");
	rp->any = true;
	if (answer != NULL)
		sl_text_say(out, answer);
	else
		out->failed = true;
	free(answer);
}

/* {"jsonrpc", "id", "result":, which the stream continues. */
static char *stream_head(const cJSON *id)
{
	char *text = response(id, "result", cJSON_CreateNull());
	size_t len = text != NULL ? strlen(text) : 0;

	if (text != NULL)
		text[len - strlen("null}")] = '\0';
	return text;
}

static void say_result(struct sl_reply *rp, struct sl_text *out, const struct sl_method *m,
	const cJSON *id, cJSON *result)
{
	size_t room = room_left(rp, out);
	char *text = response(id, "result", result);

	if (text != NULL && strlen(text) > room) {
		free(text);
		text = limit_response(m, id);
	}
	say(rp, out, text);
}

static void refuse_batch_rest(struct sl_reply *rp, struct sl_text *out, const cJSON *id)
{
	struct sl_err e = {0};

	sl_err_set(&e, SL_ERR_LIMIT, NULL, "not run: the answers of this batch exceed %u MiB",
		SL_RPC_ANSWER_MAX >> 20);
	say(rp, out, error_response(id, &e));
}

/* Finds the method and calls it, as sl_rpc_invoke does. */
static int call(struct sl_reply *rp, const struct rpc_request *rq, const struct sl_method *m,
	cJSON **result, struct sl_err *e)
{
	if (m == NULL)
		return no_method(rp->session->rpc, rq->method, e);
	return sl_rpc_invoke(rp->session, m, rq->params, rp->may_wait ? &rp->parked : NULL, result,
		&rp->stream, e);
}

/*
 * Runs one request. Its answer goes to out, or begins there and leaves a stream in rp. False: the
 * call waits, and the same request must be run again once it is resumed.
 */
static bool run(struct sl_reply *rp, struct sl_text *out, const cJSON *v)
{
	const struct sl_method *m;
	struct rpc_request rq;
	struct sl_err e = {0};
	cJSON *result = NULL;
	int ret = read_request(v, &rq, &e);

	if (ret != 0) {
		say(rp, out, error_response(rq.id, &e));
		return true;
	}
	if (!rq.is_notification && room_left(rp, out) < BATCH_ROOM_MIN) {
		refuse_batch_rest(rp, out, rq.id);
		return true;
	}
	m = sl_rpc_find(rp->session->rpc, rq.method);
	ret = call(rp, &rq, m, &result, &e);
	if (ret == SL_RPC_WAIT)
		return false;
	if (rq.is_notification) {
		cJSON_Delete(result);
		end_stream(rp);
	} else if (ret != 0) {
		say(rp, out, error_response(rq.id, &e));
	} else if (rp->stream != NULL) {
		say(rp, out, stream_head(rq.id));
	} else {
		say_result(rp, out, m, rq.id, result);
	}
	return true;
}

static int check_batch(const cJSON *batch, struct sl_err *e)
{
	if (batch->child == NULL)
		return sl_err_set(e, SL_ERR_REQUEST, NULL, "an empty batch");
	if ((unsigned int)cJSON_GetArraySize(batch) > SL_BATCH_MAX)
		return sl_err_set(
			e, SL_ERR_LIMIT, NULL, "a batch has at most %u requests", SL_BATCH_MAX);
	return 0;
}

/* Parses the whole text before it runs any request. */
static void read_message(struct sl_reply *rp, struct sl_text *out, struct sl_arena *arena)
{
	struct sl_err e = {0};
	const cJSON *v = sl_json_read(arena, rp->text, rp->len, &e);

	rp->state = SL_REPLY_LAST;
	if (v == NULL || (cJSON_IsArray(v) && check_batch(v, &e) != 0)) {
		say(rp, out, error_response(NULL, &e));
	} else if (cJSON_IsArray(v)) {
		rp->state = SL_REPLY_BATCH;
		rp->pos = strcspn(rp->text, "[") + 1;
	} else if (!run(rp, out, v)) {
		rp->state = SL_REPLY_UNREAD;
	}
}

/*
 * Runs the next request of a batch, which is parsed again by itself: a tree of all requests would
 * stay in memory until the client has read the answers.
 */
static void run_next(struct sl_reply *rp, struct sl_text *out, struct sl_arena *arena)
{
	size_t begin = rp->pos;
	struct sl_err e = {0};
	const cJSON *v = sl_json_scan(arena, rp->text, rp->len, &rp->pos, &e);

	if (v != NULL && !run(rp, out, v)) {
		rp->pos = begin;
		return;
	}
	if (v == NULL)
		out->failed = true;
	/* A comma or the closing bracket follows the request. */
	if (v == NULL || rp->text[rp->pos++] == ']')
		rp->pos = rp->len;
}

static void finish(struct sl_reply *rp, struct sl_text *out)
{
	if (rp->state == SL_REPLY_BATCH && rp->any)
		sl_text_say(out, "]");
	if (rp->any)
		sl_text_say(out, "\n");
	rp->state = SL_REPLY_WHOLE;
}

void sl_reply_begin(struct sl_reply *rp, struct sl_session *session, const char *text, size_t len,
	bool may_wait)
{
	*rp = (struct sl_reply){.session = session, .text = text, .len = len, .may_wait = may_wait};
}

/* One step; the tree that it parses is freed afterwards. */
static void step(struct sl_reply *rp, struct sl_text *out, const struct sl_turn *turn)
{
	static struct sl_arena arena; /* of the current message or request */

	if (rp->stream != NULL) {
		if (rp->stream->more(rp->stream, out, turn))
			return;
		sl_text_say(out, "}");
		end_stream(rp);
	} else if (rp->state == SL_REPLY_UNREAD) {
		read_message(rp, out, &arena);
	} else if (rp->state == SL_REPLY_BATCH && rp->pos < rp->len) {
		run_next(rp, out, &arena);
	} else {
		finish(rp, out);
	}
	sl_arena_reset(&arena);
}

bool sl_reply_more(struct sl_reply *rp, struct sl_text *out, const struct sl_turn *turn)
{
	size_t before = out->len;

	if (sl_reply_is_waiting(rp))
		return true;
	rp->said -= before; /* room_left counts from the beginning of out */
	do
		step(rp, out, turn);
	while (rp->state != SL_REPLY_WHOLE && !out->failed && !sl_reply_is_waiting(rp) &&
		!sl_turn_is_over(turn, out));
	rp->said += out->len;
	return rp->state != SL_REPLY_WHOLE && !out->failed;
}

void sl_reply_end(struct sl_reply *rp)
{
	end_stream(rp);
	if (rp->parked.waiting)
		rp->parked.cancel(&rp->parked);
	rp->parked = (struct sl_rpc_parked){0};
}

static char *last_words(size_t *out_len)
{
	static const char line[] = "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32603,"
				   "\"message\":\"out of memory for the answer\",\"data\":"
				   "{\"name\":\"internal\",\"path\":\"\",\"hint\":\"\"}}}\n";

	*out_len = sizeof(line) - 1;
	return strdup(line);
}

char *sl_rpc_answer(const struct sl_rpc *r, const char *text, size_t len, enum sl_rpc_right granted,
	size_t *out_len)
{
	struct sl_text out = {0};
	struct sl_session session;
	struct sl_reply rp;

	sl_session_local(&session, r, granted);
	sl_reply_begin(&rp, &session, text, len, false);
	while (sl_reply_more(&rp, &out, &sl_turn_endless))
		;
	sl_reply_end(&rp);
	sl_session_fini(&session);
	if (out.failed) {
		sl_text_fini(&out);
		return last_words(out_len);
	}
	*out_len = out.len;
	return out.p;
}

char *sl_rpc_refuse(enum sl_err_code code, const char *message, size_t *out_len)
{
	struct sl_err e = {0};
	struct sl_text out = {0};
	char *answer;

	sl_err_set(&e, code, NULL, "%s", message);
	answer = error_response(NULL, &e);
	if (answer == NULL)
		return last_words(out_len);
	sl_text_say(&out, answer);
	sl_text_say(&out, "\n");
	free(answer);
	if (out.failed)
		return last_words(out_len);
	*out_len = out.len;
	return out.p;
}
