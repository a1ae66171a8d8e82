/* SPDX-License-Identifier: BSD-3-Clause */
/* From one message to the line that answers it: JSON-RPC 2.0 sections 4 to 6. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "rpc.h"
#include "schema_field.h"

/* A batch with less room than this for answers runs no further requests. */
#define BATCH_ROOM_MIN (1u << 20)

struct request {
	const char *method;
	const cJSON *params;
	const cJSON *id; /* NULL: none, or none that may be echoed */
	bool is_notification;
};

/* A text that grows; after a failed allocation it stays empty and says so. */
struct text {
	char *p;
	size_t len, room;
	bool failed;
};

static void append(struct text *t, const char *s, size_t n)
{
	if (t->failed)
		return;
	if (t->len + n + 1 > t->room) {
		size_t room = 2 * t->room + n + 1;
		char *p = realloc(t->p, room);

		if (p == NULL) {
			free(t->p);
			*t = (struct text){.failed = true};
			return;
		}
		t->p = p;
		t->room = room;
	}
	memcpy(t->p + t->len, s, n);
	t->len += n;
	t->p[t->len] = '\0';
}

static bool may_be_id(const cJSON *v)
{
	return cJSON_IsString(v) || cJSON_IsNumber(v) || cJSON_IsNull(v);
}

/* The id as it came: cJSON alone would print large numbers rounded. */
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

static int check_member(const cJSON *m, struct request *rq, struct sl_err *e)
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

static int read_request(const cJSON *v, struct request *rq, struct sl_err *e)
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

/* The text that answers one request; *notified instead when there is nothing to say. */
static char *answer_request(const struct sl_rpc *r, const cJSON *v, enum sl_rpc_right granted,
	size_t room, bool *notified)
{
	const struct sl_method *m;
	struct request rq;
	struct sl_err e = {0};
	cJSON *result = NULL;
	char *text;
	int ret;

	*notified = false;
	ret = read_request(v, &rq, &e);
	if (ret != 0)
		return error_response(rq.id, &e);
	*notified = rq.is_notification;
	if (!rq.is_notification && room < BATCH_ROOM_MIN) {
		sl_err_set(&e, SL_ERR_LIMIT, NULL,
			"not run: the answers of this batch exceed %u MiB",
			SL_RPC_ANSWER_MAX >> 20);
		return error_response(rq.id, &e);
	}
	m = sl_rpc_find(r, rq.method);
	ret = m != NULL ? sl_rpc_invoke(r, m, rq.params, granted, &result, &e)
			: no_method(r, rq.method, &e);
	if (rq.is_notification) {
		cJSON_Delete(result);
		return NULL;
	}
	if (ret != 0)
		return error_response(rq.id, &e);
	text = response(rq.id, "result", result);
	if (text != NULL && strlen(text) > room) {
		free(text);
		text = limit_response(m, rq.id);
	}
	return text;
}

/* Puts the answer into t; false when memory ran out. */
static bool append_answer(struct text *t, char *answer)
{
	if (answer == NULL)
		return false;
	append(t, answer, strlen(answer));
	free(answer);
	return !t->failed;
}

static bool answer_batch(
	const struct sl_rpc *r, const cJSON *batch, enum sl_rpc_right granted, struct text *t)
{
	struct sl_err e = {0};
	const cJSON *v;
	bool notified, ok = true;

	if (batch->child == NULL) {
		sl_err_set(&e, SL_ERR_REQUEST, NULL, "an empty batch");
		return append_answer(t, error_response(NULL, &e));
	}
	if ((unsigned int)cJSON_GetArraySize(batch) > SL_BATCH_MAX) {
		sl_err_set(&e, SL_ERR_LIMIT, NULL, "a batch has at most %u requests", SL_BATCH_MAX);
		return append_answer(t, error_response(NULL, &e));
	}
	cJSON_ArrayForEach (v, batch) {
		size_t room = t->len < SL_RPC_ANSWER_MAX ? SL_RPC_ANSWER_MAX - t->len : 0;
		char *answer = answer_request(r, v, granted, room, &notified);

		if (notified)
			continue;
		append(t, t->len == 0 ? "[" : ",", 1);
		ok = append_answer(t, answer) && ok;
	}
	if (t->len > 0)
		append(t, "]", 1);
	return ok;
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
	static struct sl_arena arena; /* of the message at hand */
	struct text t = {0};
	struct sl_err e = {0};
	const cJSON *v = sl_json_read(&arena, text, len, &e);
	bool notified = false, ok;
	char *answer;

	if (v == NULL) {
		ok = append_answer(&t, error_response(NULL, &e));
	} else if (cJSON_IsArray(v)) {
		ok = answer_batch(r, v, granted, &t);
	} else {
		answer = answer_request(r, v, granted, SL_RPC_ANSWER_MAX, &notified);
		ok = notified || append_answer(&t, answer);
	}
	sl_arena_reset(&arena);
	*out_len = 0;
	if (ok && t.len == 0 && !t.failed)
		return NULL;
	append(&t, "\n", 1);
	if (!ok || t.failed) {
		free(t.p);
		return last_words(out_len);
	}
	*out_len = t.len;
	return t.p;
}

char *sl_rpc_refuse(enum sl_err_code code, const char *message, size_t *out_len)
{
	struct text t = {0};
	struct sl_err e = {0};

	sl_err_set(&e, code, NULL, "%s", message);
	if (!append_answer(&t, error_response(NULL, &e)))
		return last_words(out_len);
	append(&t, "\n", 1);
	*out_len = t.len;
	return t.p;
}
