/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shapes: a table of fields says what a JSON object may hold and where its values go in a C struct.
 * One engine decodes (and refuses unknown fields, wrong types, values out of range and duplicates,
 * with the path), encodes, compares, copies and frees, and writes the JSON Schema and the reference
 * documentation. Threads: control. Ownership: decode fills the caller's zeroed struct. The struct
 * owns its strings and lists until sl_shape_fini.
 */
#ifndef SL_CTRL_SHAPE_SHAPE_H
#define SL_CTRL_SHAPE_SHAPE_H

#include <stddef.h>
#include <cjson/cJSON.h>

#include "sluice/error.h"
#include "sluice/types.h"

enum sl_ftype {
	/*                 JSON                          C */
	SL_F_BOOL,	/* true, false                   bool */
	SL_F_UINT,	/* integer min..max              uint32_t */
	SL_F_UINT64,	/* integer min..max (< 2^53)     uint64_t */
	SL_F_NUMBER,	/* any finite number             double; results only */
	SL_F_NAME,	/* SL_NAME_PATTERN               char[SL_NAME_LEN] */
	SL_F_KEPT_NAME, /* the same                   const char *, of name_pool.h; "" when absent.
			   Stored objects have these: many refer to few. */
	SL_F_NAMES,	/* a name, a list of them, "*"   struct sl_names */
	SL_F_STRING,	/* text, min..max bytes, no NUL  char *, allocated */
	SL_F_ENUM,	/* one of names[]                uint32_t, index in names */
	SL_F_MAC,	/* "02:00:00:00:00:05", unicast  struct sl_mac */
	SL_F_IP,	/* address of either family      struct sl_ip */
	SL_F_PREFIX,	/* "10.0.0.0/24", host bits 0    struct sl_prefix */
	SL_F_IFADDR,	/* "192.0.2.1/24", host bits kept   struct sl_prefix */
	SL_F_LABELS,	/* {"app": "web"}                struct sl_labels, sorted by key */
	SL_F_OBJECT,	/* a nested object               the struct of .shape, inline */
	SL_F_LIST,	/* [ … ] of .elem                struct sl_list */
	SL_F_JSON,	/* anything                      cJSON *, owned */
};

struct sl_label_pair {
	char *key, *value;
};

/* In one block of memory: the pairs, then their texts. */
struct sl_labels {
	struct sl_label_pair *pair;
	size_t n;
};

/*
 * One name, several names, or all: "*". Zeroed, it means none, which is not the same as all and
 * cannot come from input. One name is read and written as a string, several as a list in their
 * given order.
 */
struct sl_names {
	const char **name; /* kept, see name_pool.h */
	uint32_t n;
	bool all; /* then n is 0 */
};

struct sl_list {
	void *items; /* n structs or scalars, side by side */
	size_t n;
};

enum {
	SL_FIELD_REQUIRED = 1 << 0,
	SL_FIELD_NONEMPTY = 1 << 1, /* lists and labels: [] and {} are refused */
	SL_FIELD_KEY = 1 << 2,	    /* identifies the object: must not change */
	SL_FIELD_OUTPUT = 1 << 3,   /* reported; ignored in input, whatever it holds */
	SL_FIELD_UNIQUE = 1 << 4,   /* lists: equal elements are refused */
	SL_FIELD_BORROWED = 1 << 5, /* JSON: points into the decoded tree; valid as long as that */
	SL_FIELD_NEWER = 1 << 6,    /* required, but stored objects may be older than the field */
	SL_FIELD_NULLABLE = 1 << 7, /* results: may be null */
};

struct sl_shape;

struct sl_field {
	const char *name;
	enum sl_ftype type;
	unsigned int flags;
	size_t offset;
	size_t present;	   /* offset + 1 of a bool: the field was there; 0: no such bool */
	uint64_t min, max; /* UINT: range. STRING: bytes. LIST, NAMES: elements, max 0: no limit
			      but the message's */
	uint64_t def;	   /* UINT, ENUM, BOOL: value when absent */
	const char *const *names; /* ENUM: NULL-terminated */
	/*
	 * ENUM, optional, NULL-terminated: words that mean nothing yet. Those that are also in
	 * names are decoded, because stored objects have them, and a rule refuses them. The schema
	 * has none of these words. why: the sentence of the error.
	 */
	const char *const *inert;
	const char *inert_why;
	const struct sl_shape *shape; /* OBJECT; LIST of objects */
	const struct sl_field *elem;  /* LIST: type, range, names of one element (offset 0) */
	const char *beside;	      /* another field, without which this one is refused */
	const char *help;	      /* one sentence for the reference */
	const char *missing;	      /* REQUIRED: the hint when it is missing */
};

struct sl_shape {
	const char *name; /* for the reference: "endpoint" */
	size_t size;	  /* of the C struct */
	const struct sl_field *fields;
	size_t n_fields;
	const char *help;
	/*
	 * Optional, NULL-terminated: exactly one of these fields must be there. "a|b" stands for a, b
	 * or both. `check` enforces it.
	 */
	const char *const *one_of;
	/*
	 * Optional: checks what one field cannot say ("port" or "node", not both). Paths are
	 * relative to the object.
	 */
	int (*check)(const void *obj, struct sl_err *e);
};

/* Decode json (an object) into the zeroed struct `out`. On error *out is as after sl_shape_fini. */
int sl_shape_decode(const struct sl_shape *s, const cJSON *json, void *out, struct sl_err *e);
/*
 * The same for an object that was stored, perhaps before its SL_FIELD_NEWER fields existed. Fields
 * that are missing stay zeroed.
 */
int sl_shape_decode_stored(
	const struct sl_shape *s, const cJSON *json, void *out, struct sl_err *e);
/*
 * Makes a tree. It omits absent fields (whose `present` is false) and empty optional fields. NULL:
 * out of memory.
 */
cJSON *sl_shape_encode(const struct sl_shape *s, const void *obj);
/*
 * The text of the same encoding, made without a tree. put gets the pieces of text in order; false:
 * out of memory.
 */
struct sl_text_out {
	void *ctx;
	void (*put)(void *ctx, const char *s, size_t len);
};
bool sl_shape_write(const struct sl_shape *s, const void *obj, const struct sl_text_out *out);
bool sl_shape_equal(const struct sl_shape *s, const void *a, const void *b);
int sl_shape_copy(const struct sl_shape *s, const void *from, void *to);
void sl_shape_fini(
	const struct sl_shape *s, void *obj); /* frees what is inside, zeroes; not obj itself */

/*
 * Makes labels. init makes room for n pairs and their texts, NULs included; the set is empty at
 * first. Then add a key and a value for each pair; each call returns `at` for the next. NULL: out
 * of memory.
 */
char *sl_labels_init(struct sl_labels *l, size_t n, size_t text_len);
char *sl_label_text(char *at, const char *s, char **text);

/* JSON Schema (draft 2020-12) of a shape or one field. */
cJSON *sl_shape_schema(const struct sl_shape *s);
cJSON *sl_field_schema(const struct sl_field *f);
/* Adds the rules of a shape that go beyond single fields: oneOf, dependentRequired. */
void sl_shape_add_rules(const struct sl_shape *s, cJSON *o);

/* Text forms; parse returns 0 or -EINVAL, with *e filled (path empty). */
int sl_parse_mac(const char *s, struct sl_mac *mac, struct sl_err *e);
int sl_parse_ip(const char *s, struct sl_ip *ip, struct sl_err *e);
int sl_parse_prefix(const char *s, bool keep_host_bits, struct sl_prefix *p, struct sl_err *e);
const char *sl_format_mac(const struct sl_mac *mac, char buf[SL_MAC_STR_LEN]);
const char *sl_format_ip(const struct sl_ip *ip, char buf[SL_IP_STR_LEN]);
const char *sl_format_prefix(const struct sl_prefix *p, char buf[SL_PREFIX_STR_LEN]);

#endif
