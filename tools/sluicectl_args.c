/* SPDX-License-Identifier: BSD-3-Clause */
/* Turns words of the command line into the parameters of a method, by the daemon's schema. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sluicectl.h"

static const cJSON *get(const cJSON *obj, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(obj, name);
}

static cJSON *parse_json(const char *text)
{
	const char *end;

	return cJSON_ParseWithOpts(text, &end, true);
}

char *ctl_read_file(const char *path)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	size_t len = 0, room = 0, n;
	char *text = NULL, *p;

	if (f == NULL) {
		ctl_usage_error("%s: %s", path, strerror(errno));
		return NULL;
	}
	do {
		room = 2 * room + 65536;
		p = realloc(text, room);
		if (p == NULL)
			break;
		text = p;
		n = fread(text + len, 1, room - len - 1, f);
		len += n;
		text[len] = '\0';
	} while (n > 0);
	if (p == NULL || ferror(f)) {
		ctl_usage_error("%s: %s", path, strerror(errno));
		free(text);
		text = NULL;
	}
	if (f != stdin)
		fclose(f);
	return text;
}

static const cJSON *param_schema(const cJSON *method, const char *name, size_t len)
{
	const cJSON *p;

	cJSON_ArrayForEach (p, get(method, "params")) {
		const char *s = ctl_string(p, "name");

		if (strncmp(s, name, len) == 0 && s[len] == '\0')
			return get(p, "schema");
	}
	return NULL;
}

/* True for an object whose members have no fixed names: labels. */
static bool is_map(const cJSON *schema)
{
	return strcmp(ctl_string(schema, "type"), "object") == 0 &&
	       get(schema, "properties") == NULL;
}

const cJSON *ctl_list_alternative(const cJSON *schema)
{
	const cJSON *alternative;

	cJSON_ArrayForEach (alternative, get(schema, "anyOf"))
		if (strcmp(ctl_string(alternative, "type"), "array") == 0)
			return alternative;
	return NULL;
}

static cJSON *number(const char *name, const char *text)
{
	cJSON *v = parse_json(text);

	if (cJSON_IsNumber(v)) {
		cJSON_Delete(v);
		return cJSON_CreateRaw(text); /* as typed: cJSON would round a large number */
	}
	cJSON_Delete(v);
	ctl_usage_error("%s: \"%s\" is not a number", name, text);
	return NULL;
}

static cJSON *boolean(const char *name, const char *text)
{
	if (strcmp(text, "true") == 0 || strcmp(text, "yes") == 0)
		return cJSON_CreateTrue();
	if (strcmp(text, "false") == 0 || strcmp(text, "no") == 0)
		return cJSON_CreateFalse();
	ctl_usage_error("%s: \"%s\" is neither true nor false", name, text);
	return NULL;
}

static cJSON *value(const char *name, const cJSON *schema, const char *text);

/* The first field of a list's objects; NULL: the list is of something that commas can part. */
static const char *first_field(const cJSON *list_schema)
{
	const cJSON *items = get(list_schema, "items"), *fields = get(items, "properties");

	return fields != NULL && fields->child != NULL ? fields->child->string : NULL;
}

/* Turns "a,b,c" into an array of the type that items gives. */
static cJSON *list(const char *name, const cJSON *schema, const char *text)
{
	cJSON *array = cJSON_CreateArray(), *v;
	char *copy = strdup(text), *rest = copy, *part;

	while (text[0] != '\0' && (part = strsep(&rest, ",")) != NULL) {
		v = value(name, get(schema, "items"), part);
		if (v == NULL) {
			cJSON_Delete(array);
			array = NULL;
			break;
		}
		cJSON_AddItemToArray(array, v);
	}
	free(copy);
	return array;
}

/* Turns "a=1,b=2" into an object of strings. */
static cJSON *map(const char *name, const char *text)
{
	cJSON *obj = cJSON_CreateObject();
	char *copy = strdup(text), *rest = copy, *part, *equals;

	while (text[0] != '\0' && (part = strsep(&rest, ",")) != NULL) {
		equals = strchr(part, '=');
		if (equals == NULL) {
			ctl_usage_error("%s: expected key=value, got \"%s\"", name, part);
			cJSON_Delete(obj);
			obj = NULL;
			break;
		}
		*equals = '\0';
		cJSON_AddStringToObject(obj, part, equals + 1);
	}
	free(copy);
	return obj;
}

static cJSON *object(const char *name, const char *text)
{
	cJSON *v = parse_json(text);

	if (v == NULL)
		ctl_usage_error("%s: expected a JSON object, or %s.FIELD=VALUE", name, name);
	return v;
}

static cJSON *value(const char *name, const cJSON *schema, const char *text)
{
	const char *type = ctl_string(schema, "type");
	cJSON *v;

	if ((text[0] == '[' || text[0] == '{') && strcmp(type, "string") != 0) {
		v = parse_json(text);
		if (v == NULL)
			ctl_usage_error("%s: this is no JSON text: %s", name, text);
		return v;
	}
	if (strcmp(type, "integer") == 0 || strcmp(type, "number") == 0)
		return number(name, text);
	if (strcmp(type, "boolean") == 0)
		return boolean(name, text);
	if (strcmp(type, "array") == 0 && text[0] != '\0' && first_field(schema) != NULL) {
		ctl_usage_error("%s: expected a list of JSON objects: %s='[{\"%s\": ...}]'", name,
			name, first_field(schema));
		return NULL;
	}
	if (strcmp(type, "array") == 0)
		return list(name, schema, text);
	if (strcmp(type, "object") == 0)
		return is_map(schema) ? map(name, text) : object(name, text);
	if (ctl_list_alternative(schema) != NULL)
		return strchr(text, ',') != NULL ? list(name, ctl_list_alternative(schema), text)
						 : cJSON_CreateString(text);
	if (schema != NULL && type[0] == '\0' && (v = parse_json(text)) != NULL)
		return v;
	/* also for a parameter that the method does not have: the daemon refuses it with a hint */
	return cJSON_CreateString(text);
}

static bool put(cJSON *obj, const char *name, cJSON *v)
{
	if (v == NULL)
		return false;
	if (get(obj, name) != NULL) {
		ctl_usage_error("%s is given twice", name);
		cJSON_Delete(v);
		return false;
	}
	return cJSON_AddItemToObject(obj, name, v);
}

/* The member of that name as an object, made when it is missing; NULL when it is something else. */
static cJSON *descend(cJSON *obj, const char *name)
{
	cJSON *inner = cJSON_GetObjectItemCaseSensitive(obj, name);

	if (inner == NULL)
		inner = cJSON_AddObjectToObject(obj, name);
	return cJSON_IsObject(inner) ? inner : NULL;
}

/*
 * path is "vni", "policy_default.ingress", or "labels.k8s.io/app": the rest is the key of a map.
 */
static bool assign(const cJSON *method, cJSON *params, const char *path, const char *text)
{
	const char *dot = strchr(path, '.');
	size_t n = dot != NULL ? (size_t)(dot - path) : strlen(path);
	const cJSON *schema = param_schema(method, path, n);
	cJSON *at = params;
	char part[128];

	while (dot != NULL && n < sizeof(part)) {
		snprintf(part, sizeof(part), "%.*s", (int)n, path);
		at = descend(at, part);
		if (at == NULL) {
			ctl_usage_error("%s is given both as a whole and by its fields", part);
			return false;
		}
		path = dot + 1;
		if (is_map(schema))
			return put(at, path, cJSON_CreateString(text));
		dot = strchr(path, '.');
		n = dot != NULL ? (size_t)(dot - path) : strlen(path);
		snprintf(part, sizeof(part), "%.*s", (int)n, path);
		schema = get(get(schema, "properties"), part);
	}
	return put(at, path, value(path, schema, text));
}

/* --dry-run, --limit=5, --limit 5: dry_run=true, limit=5. *i is the word's index among n. */
static bool assign_option(const cJSON *method, cJSON *params, char **words, int n, int *i)
{
	const char *word = words[*i], *equals = strchr(word, '='), *text = "true";
	const cJSON *schema;
	char name[128];

	snprintf(name, sizeof(name), "%.*s", equals != NULL ? (int)(equals - word - 2) : -1,
		word + 2);
	for (char *p = name; *p != '\0'; p++)
		if (*p == '-')
			*p = '_';
	schema = param_schema(method, name, strlen(name));
	if (schema == NULL) {
		ctl_usage_error("unknown option %s", word);
		return false;
	}
	if (equals != NULL) {
		text = equals + 1;
	} else if (strcmp(ctl_string(schema, "type"), "boolean") != 0) {
		if (*i + 1 == n) {
			ctl_usage_error("%s needs a value", word);
			return false;
		}
		text = words[++*i];
	}
	return assign(method, params, name, text);
}

/* The n-th required parameter: what a word without a name stands for. */
static const char *positional_name(const cJSON *method, int n)
{
	const cJSON *p;

	cJSON_ArrayForEach (p, get(method, "params"))
		if (cJSON_IsTrue(get(p, "required")) && n-- == 0)
			return ctl_string(p, "name");
	return NULL;
}

static bool takes_file(const cJSON *method)
{
	const char *name = ctl_string(method, "name");

	return strcmp(name, "config.replace") == 0 || strcmp(name, "txn.apply") == 0;
}

/* All members of a JSON object become parameters. */
static bool merge(cJSON *params, cJSON *whole)
{
	bool ok = true;

	while (whole->child != NULL && ok) {
		cJSON *m = cJSON_DetachItemViaPointer(whole, whole->child);
		char *name = strdup(m->string);

		ok = put(params, name, m);
		free(name);
	}
	cJSON_Delete(whole);
	return ok;
}

/*
 * A whole JSON text is either the parameters themselves, or the value of one parameter: the only
 * one of the right kind, if the text does not name it (config of config.replace, operations of
 * txn.apply).
 */
static bool assign_whole(const cJSON *method, cJSON *params, const char *text, const char *from)
{
	cJSON *whole = parse_json(text);
	const char *only = positional_name(method, 0);
	const char *type =
		only != NULL ? ctl_string(param_schema(method, only, strlen(only)), "type") : "";

	if (cJSON_IsArray(whole) && strcmp(type, "array") == 0)
		return put(params, only, whole);
	if (!cJSON_IsObject(whole)) {
		cJSON_Delete(whole);
		ctl_usage_error("%s holds no JSON object", from);
		return false;
	}
	if (takes_file(method) && get(whole, only) == NULL && strcmp(type, "object") == 0)
		return put(params, only, whole);
	return merge(params, whole);
}

static bool assign_file(const cJSON *method, cJSON *params, const char *path)
{
	char *text = ctl_read_file(path);
	bool ok = text != NULL && assign_whole(method, params, text, path);

	free(text);
	return ok;
}

static bool assign_word(const cJSON *method, cJSON *params, const char *word, int *n_positional)
{
	const char *equals = strchr(word, '=');
	const char *name;
	char key[512]; /* a label's key with its prefix, and the path to it */

	if (word[0] == '{' || word[0] == '[')
		return assign_whole(method, params, word, "the argument");
	if (strcmp(word, "-") == 0)
		return assign_file(method, params, word);
	if (takes_file(method) && equals == NULL)
		return assign_file(method, params, word);
	if (equals != NULL) {
		if ((size_t)(equals - word) >= sizeof(key)) {
			ctl_usage_error("the name of a parameter is too long");
			return false;
		}
		snprintf(key, sizeof(key), "%.*s", (int)(equals - word), word);
		return assign(method, params, key, equals + 1);
	}
	name = positional_name(method, (*n_positional)++);
	if (name == NULL) {
		ctl_usage_error("what is \"%s\"? parameters are written name=value", word);
		return false;
	}
	return assign(method, params, name, word);
}

cJSON *ctl_params(const cJSON *method, char **words, int n)
{
	cJSON *params = cJSON_CreateObject();
	int n_positional = 0;

	for (int i = 0; i < n; i++) {
		bool ok = strncmp(words[i], "--", 2) == 0
				  ? assign_option(method, params, words, n, &i)
				  : assign_word(method, params, words[i], &n_positional);

		if (!ok) {
			cJSON_Delete(params);
			return NULL;
		}
	}
	return params;
}
