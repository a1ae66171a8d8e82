/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include "ctrl/shape/json.h"
#include "sluice/clock.h"
#include "tests/rpc/fake_rpc.h"

#define THINGS_MAX 8

struct thing {
	char name[SL_NAME_LEN];
	uint32_t size, colour;
	bool hot;
	struct sl_labels labels;
	struct sl_list addresses;
	struct {
		uint32_t low, high;
	} range;
	uint64_t packets;
};

static const char *const colours[] = {"red", "green", "blue", NULL};
static const struct sl_field ip_elem = {.type = SL_F_IP};
static const struct sl_field range_fields[] = {
	{.name = "low", .type = SL_F_UINT, .offset = 0},
	{.name = "high", .type = SL_F_UINT, .offset = sizeof(uint32_t), .def = 9},
};
static const struct sl_shape range_shape = {
	.name = "range", .size = 2 * sizeof(uint32_t), .fields = range_fields, .n_fields = 2};

#define AT(member) .offset = offsetof(struct thing, member)
static const struct sl_field thing_fields[] = {
	{.name = "name",
		.type = SL_F_NAME,
		.flags = SL_FIELD_REQUIRED | SL_FIELD_KEY,
		AT(name),
		.help = "What it is called."},
	{.name = "size", .type = SL_F_UINT, AT(size), .max = 100, .help = "How large it is."},
	{.name = "colour", .type = SL_F_ENUM, AT(colour), .names = colours},
	{.name = "hot", .type = SL_F_BOOL, AT(hot)},
	{.name = "labels", .type = SL_F_LABELS, AT(labels)},
	{.name = "addresses",
		.type = SL_F_LIST,
		AT(addresses),
		.elem = &ip_elem,
		.flags = SL_FIELD_UNIQUE},
	{.name = "range", .type = SL_F_OBJECT, AT(range), .shape = &range_shape},
	{.name = "packets", .type = SL_F_UINT64, AT(packets), .flags = SL_FIELD_OUTPUT},
};
static const struct sl_shape thing_shape = {.name = "thing",
	.size = sizeof(struct thing),
	.fields = thing_fields,
	.n_fields = sizeof(thing_fields) / sizeof(thing_fields[0]),
	.help = "Something to configure."};

static const struct sl_shape key_shape = {
	.name = "thing key", .size = SL_NAME_LEN, .fields = thing_fields, .n_fields = 1};

struct number {
	uint32_t n;
};
static const struct sl_field number_fields[] = {
	{.name = "n", .type = SL_F_UINT, .flags = SL_FIELD_REQUIRED},
};
static const struct sl_shape number_shape = {
	.name = "number", .size = sizeof(struct number), .fields = number_fields, .n_fields = 1};

struct any {
	cJSON *value;
};
static const struct sl_field any_fields[] = {
	{.name = "value", .type = SL_F_JSON, .flags = SL_FIELD_REQUIRED},
};
static const struct sl_shape any_shape = {
	.name = "any", .size = sizeof(struct any), .fields = any_fields, .n_fields = 1};

static const struct sl_field thing_result = {
	.name = "thing", .type = SL_F_OBJECT, .shape = &thing_shape};
static const struct sl_field things_result = {
	.name = "things", .type = SL_F_LIST, .shape = &thing_shape};
static const struct sl_field any_result = {.name = "value", .type = SL_F_JSON};

unsigned int fake_calls, fake_streams;
static struct thing things[THINGS_MAX];
static size_t n_things;

void fake_reset(void)
{
	while (n_things > 0)
		sl_shape_fini(&thing_shape, &things[--n_things]);
	fake_calls = 0;
}

static struct thing *find(const char *name, struct sl_err *e)
{
	for (size_t i = 0; i < n_things; i++)
		if (strcmp(things[i].name, name) == 0)
			return &things[i];
	sl_err_set(e, SL_ERR_NOT_FOUND, "name", "there is no thing %s", name);
	return NULL;
}

static int add(const struct sl_rpc_call *c, cJSON **result, struct sl_err *e)
{
	const struct thing *t = c->params;

	if (find(t->name, NULL) != NULL)
		return sl_err_set(e, SL_ERR_EXISTS, "name", "there is a thing %s already", t->name);
	if (n_things == THINGS_MAX)
		return sl_err_set(e, SL_ERR_LIMIT, NULL, "there are %d things already", THINGS_MAX);
	sl_shape_copy(&thing_shape, t, &things[n_things]);
	*result = sl_shape_encode(&thing_shape, &things[n_things++]);
	return 0;
}

static int set(const struct sl_rpc_call *c, cJSON **result, struct sl_err *e)
{
	const struct thing *new_thing = c->params;
	struct thing *t = find(new_thing->name, e);

	if (t == NULL)
		return -ENOENT;
	sl_shape_fini(&thing_shape, t);
	sl_shape_copy(&thing_shape, new_thing, t);
	*result = sl_shape_encode(&thing_shape, t);
	return 0;
}

static int get(const struct sl_rpc_call *c, cJSON **result, struct sl_err *e)
{
	const struct thing *t = find(c->params, e);

	if (t == NULL)
		return -ENOENT;
	*result = sl_shape_encode(&thing_shape, t);
	return 0;
}

static int del(const struct sl_rpc_call *c, cJSON **result, struct sl_err *e)
{
	struct thing *t = find(c->params, e);

	if (t == NULL)
		return -ENOENT;
	*result = sl_shape_encode(&thing_shape, t);
	sl_shape_fini(&thing_shape, t);
	*t = things[--n_things];
	memset(&things[n_things], 0, sizeof(*t));
	return 0;
}

static int list(const struct sl_rpc_call *c, cJSON **result, struct sl_err *e)
{
	(void)c;
	(void)e;
	*result = cJSON_CreateArray();
	for (size_t i = 0; i < n_things; i++)
		cJSON_AddItemToArray(*result, sl_shape_encode(&thing_shape, &things[i]));
	return 0;
}

static int echo(const struct sl_rpc_call *c, cJSON **result, struct sl_err *e)
{
	(void)e;
	*result = cJSON_Duplicate(((const struct any *)c->params)->value, true);
	return 0;
}

/* A handler that forgets to say why. */
static int fail_silently(const struct sl_rpc_call *c, cJSON **result, struct sl_err *e)
{
	(void)c;
	(void)e;
	*result = cJSON_CreateTrue();
	return -EIO;
}

static int large(const struct sl_rpc_call *c, cJSON **result, struct sl_err *e)
{
	uint32_t n = ((const struct number *)c->params)->n;
	char *text = malloc(n + 1);

	(void)e;
	memset(text, 'x', n);
	text[n] = '\0';
	*result = cJSON_CreateString(text);
	free(text);
	return 0;
}

/* Keeps the thread busy for n microseconds. */
static int work(const struct sl_rpc_call *c, cJSON **result, struct sl_err *e)
{
	uint64_t end = sl_now_ns() + 1000ull * ((const struct number *)c->params)->n;

	(void)e;
	while (sl_now_ns() < end)
		;
	*result = cJSON_CreateTrue();
	return 0;
}

static int count(const struct sl_rpc_call *c, const void *arg, cJSON **result, struct sl_err *e)
{
	(void)c;
	(void)e;
	fake_calls += *(const unsigned int *)arg;
	*result = cJSON_CreateNumber(fake_calls);
	return 0;
}

static const unsigned int one = 1;

/* n letters, made a piece at a time. */
struct letters {
	struct sl_stream stream;
	uint32_t left;
	bool begun;
};

static bool more_letters(struct sl_stream *stream, struct sl_text *out, const struct sl_turn *turn)
{
	struct letters *l = (struct letters *)stream;
	static const char some[] =
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

	if (!l->begun)
		sl_text_say(out, "\"");
	l->begun = true;
	do {
		size_t n = l->left < sizeof(some) - 1 ? l->left : sizeof(some) - 1;

		sl_text_add(out, some, n);
		l->left -= (uint32_t)n;
	} while (l->left > 0 && !sl_turn_is_over(turn, out));
	if (l->left == 0)
		sl_text_say(out, "\"");
	return l->left > 0;
}

static void end_letters(struct sl_stream *stream)
{
	fake_streams--;
	free(stream);
}

static int stream_letters(
	const struct sl_rpc_call *c, const void *arg, struct sl_stream **stream, struct sl_err *e)
{
	struct letters *l = calloc(1, sizeof(*l));

	(void)arg;
	(void)e;
	*l = (struct letters){.stream = {.more = more_letters, .end = end_letters},
		.left = ((const struct number *)c->params)->n};
	fake_streams++;
	*stream = &l->stream;
	return 0;
}

#define ROW(text, help, r, in, out, fn)                                                 \
	{                                                                               \
		.name = text, .summary = help, .right = r, .params = in, .result = out, \
		.handle = fn                                                            \
	}

static const struct sl_method rows[] = {
	ROW("things.add", "Add a thing.", SL_RPC_WRITE, &thing_shape, &thing_result, add),
	ROW("things.set", "Replace a thing.", SL_RPC_WRITE, &thing_shape, &thing_result, set),
	ROW("things.get", "Answer with one thing.", SL_RPC_READ, &key_shape, &thing_result, get),
	ROW("things.del", "Remove a thing.", SL_RPC_WRITE, &key_shape, &thing_result, del),
	ROW("things.list", "Answer with all things.", SL_RPC_READ, NULL, &things_result, list),
	ROW("test.echo", "Answer with the value.", SL_RPC_READ, &any_shape, &any_result, echo),
	ROW("test.fail", "Fail.", SL_RPC_READ, NULL, &any_result, fail_silently),
	ROW("test.large", "Answer with n letters.", SL_RPC_READ, &number_shape, &any_result, large),
	ROW("test.work", "Work for n microseconds.", SL_RPC_READ, &number_shape, &any_result, work),
	{.name = "test.count",
		.summary = "Count the calls.",
		.right = SL_RPC_READ,
		.result = &any_result,
		.arg = &one,
		.handle_arg = count},
	{.name = "test.stream",
		.summary = "Answer with n letters, a piece at a time.",
		.right = SL_RPC_READ,
		.params = &number_shape,
		.result = &any_result,
		.stream = stream_letters},
};

static const struct sl_method *const methods[] = {&rows[0], &rows[1], &rows[2], &rows[3], &rows[4],
	&rows[5], &rows[6], &rows[7], &rows[8], &rows[9], &rows[10], &sl_method_discover};

const struct sl_rpc fake_rpc = {
	.methods = methods, .n_methods = sizeof(methods) / sizeof(methods[0])};
