/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/shape/json.h"
#include "rpc.h"

const struct sl_method *sl_rpc_find(const struct sl_rpc *r, const char *name)
{
	for (size_t i = 0; i < r->n_methods; i++)
		if (strcmp(r->methods[i]->name, name) == 0)
			return r->methods[i];
	return NULL;
}

static int no_params(const cJSON *params, struct sl_err *e)
{
	if (params->child == NULL)
		return 0;
	sl_err_set(e, SL_ERR_PARAMS, params->child->string, "unknown field");
	sl_err_hint(e, "the method takes no parameters");
	return -EINVAL;
}

static int decode_params(
	const struct sl_method *m, const cJSON *params, void **out, struct sl_err *e)
{
	int ret;

	*out = NULL;
	if (cJSON_IsArray(params)) {
		sl_err_set(
			e, SL_ERR_PARAMS, NULL, "parameters go by name, an array is not accepted");
		sl_err_hint(e, "send \"params\": {\"name\": value, ...}");
		return -EINVAL;
	}
	if (!cJSON_IsObject(params))
		return sl_err_set(e, SL_ERR_PARAMS, NULL, "the parameters must be an object");
	if (m->params == NULL)
		return no_params(params, e);
	*out = calloc(1, m->params->size);
	if (*out == NULL)
		return sl_err_set(e, SL_ERR_INTERNAL, NULL, "out of memory");
	ret = sl_shape_decode(m->params, params, *out, e);
	if (ret != 0) {
		free(*out);
		*out = NULL;
	}
	return ret;
}

int sl_rpc_wait(const struct sl_rpc_call *c, void *kept, void (*cancel)(struct sl_rpc_parked *p),
	struct sl_err *e)
{
	if (c->parked == NULL)
		return sl_err_set(e, SL_ERR_UNSUPPORTED, NULL,
			"the call would wait, which is not possible here");
	c->parked->session = c->session;
	c->parked->kept = kept;
	c->parked->cancel = cancel;
	c->parked->waiting = true;
	return SL_RPC_WAIT;
}

void sl_rpc_resume(struct sl_rpc_parked *p)
{
	p->resumed = true;
	if (p->session != NULL && p->session->wake != NULL)
		p->session->wake(p->session);
}

static int call_handler(const struct sl_method *m, const struct sl_rpc_call *c, cJSON **result,
	struct sl_stream **stream, struct sl_err *e)
{
	return m->stream != NULL   ? m->stream(c, m->arg, stream, e)
	       : m->handle != NULL ? m->handle(c, result, e)
				   : m->handle_arg(c, m->arg, result, e);
}

static int run_handler(const struct sl_method *m, const struct sl_rpc_call *c, cJSON **result,
	struct sl_stream **stream, struct sl_err *e)
{
	int ret;

	*result = NULL;
	*stream = NULL;
	e->code = SL_ERR_NONE;
	if (c->parked != NULL)
		c->parked->waiting = c->parked->resumed = false;
	ret = call_handler(m, c, result, stream, e);
	if (ret == SL_RPC_WAIT && c->parked != NULL && c->parked->waiting)
		return ret;
	if (ret == SL_RPC_WAIT) /* without sl_rpc_wait nothing would resume it */
		ret = -EPROTO;
	if (c->parked != NULL)
		*c->parked = (struct sl_rpc_parked){0};
	if (ret == 0 && *result == NULL && *stream == NULL)
		return sl_err_set(e, SL_ERR_INTERNAL, NULL, "out of memory for the answer");
	if (ret != 0) {
		cJSON_Delete(*result);
		*result = NULL;
		if (e->code == SL_ERR_NONE)
			sl_err_set(e, SL_ERR_INTERNAL, NULL, "%s failed: %s", m->name,
				strerror(abs(ret)));
	}
	return ret;
}

static int check_right(const struct sl_session *s, const struct sl_method *m, struct sl_err *e)
{
	if (s->granted >= m->right)
		return 0;
	sl_err_set(
		e, SL_ERR_DENIED, NULL, "%s changes the switch, which this user may not", m->name);
	sl_err_hint(e, "be root, the daemon's user, or a member of the socket's group");
	return -EPERM;
}

/* Cancels a call that was resumed and cannot be run again because memory is out. */
static void forget(struct sl_rpc_parked *p)
{
	if (p == NULL || !p->waiting)
		return;
	p->cancel(p);
	*p = (struct sl_rpc_parked){0};
}

int sl_rpc_invoke(struct sl_session *session, const struct sl_method *m, const cJSON *params,
	struct sl_rpc_parked *parked, cJSON **result, struct sl_stream **stream, struct sl_err *e)
{
	const struct sl_rpc *r = session->rpc;
	struct sl_rpc_call c = {
		.rpc = r, .ctrl = r->ctrl, .session = session, .raw = params, .parked = parked};
	cJSON none = {.type = cJSON_Object};
	void *decoded;
	int ret = check_right(session, m, e);

	if (ret == 0)
		ret = decode_params(m, params != NULL ? params : &none, &decoded, e);
	if (ret != 0) {
		forget(parked);
		return ret;
	}
	c.params = decoded;
	if (r->caller != NULL)
		r->caller(r->ctrl, session->granted);
	ret = run_handler(m, &c, result, stream, e);
	if (r->caller != NULL)
		r->caller(r->ctrl, SL_RPC_ROOT);
	if (decoded != NULL)
		sl_shape_fini(m->params, decoded);
	free(decoded);
	return ret;
}

static const struct {
	const char *name;
	int code;
} codes[] = {
#define X(name, code, text) [SL_ERR_##name] = {#name, code},
	SL_RPC_ERROR_LIST(X)
#undef X
};

#define N_CODES (sizeof(codes) / sizeof(codes[0]))

int sl_rpc_code(enum sl_err_code code)
{
	return codes[code != SL_ERR_NONE ? code : SL_ERR_INTERNAL].code;
}

const char *sl_rpc_code_name(enum sl_err_code code)
{
	static char lower[N_CODES][24];
	const char *upper = codes[code != SL_ERR_NONE ? code : SL_ERR_INTERNAL].name;
	char *name = lower[code];

	for (size_t i = 0; i + 1 < sizeof(lower[0]) && upper[i] != '\0'; i++)
		name[i] = (char)tolower((unsigned char)upper[i]);
	return name;
}

cJSON *sl_rpc_error(const struct sl_err *e)
{
	cJSON *o = cJSON_CreateObject(), *data;

	cJSON_AddNumberToObject(o, "code", sl_rpc_code(e->code));
	cJSON_AddItemToObject(o, "message", sl_json_string(e->message));
	data = cJSON_AddObjectToObject(o, "data");
	cJSON_AddStringToObject(data, "name", sl_rpc_code_name(e->code));
	cJSON_AddItemToObject(data, "path", sl_json_string(e->path));
	cJSON_AddItemToObject(data, "hint", sl_json_string(e->hint));
	return o;
}
