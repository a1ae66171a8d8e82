/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shapes: a table of fields says what a JSON object may hold and where it goes in a C struct. One
 * engine decodes (refusing unknown fields, wrong types, ranges, duplicates, with the path),
 * encodes, compares, copies, frees, writes the JSON Schema and the reference documentation.
 * Threads: control. Ownership: decode fills the caller's zeroed struct; strings and lists inside
 * are the struct's own until sl_shape_fini.
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

/* One block: the pairs, then their texts. */
struct sl_labels {
	struct sl_label_pair *pair;
	size_t n;
};

/*
 * One name, several, or all there are: "*". None and all are different things: zeroed, it means
 * none, which no input gives. One name reads and prints as a string, several as a list in the
 * order they were given in.
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
	SL_FIELD_KEY = 1 << 2,	    /* the collection's name: may not change */
	SL_FIELD_OUTPUT = 1 << 3,   /* reported; as input it is ignored, whatever it holds */
	SL_FIELD_UNIQUE = 1 << 4,   /* lists: equal elements are refused */
	SL_FIELD_BORROWED = 1 << 5, /* JSON: points into what was decoded, for as long as that is */
	SL_FIELD_NEWER = 1 << 6,    /* required, but stored objects may be older than the field */
	SL_FIELD_NULLABLE = 1 << 7, /* results: may be null */
};

struct sl_shape;

struct sl_field {
	const char *name;
	enum sl_ftype type;
	unsigned int flags;
	size_t offset;
	size_t present;	   /* offset + 1 of a bool told whether the field was there; 0: not kept */
	uint64_t min, max; /* UINT: range. STRING: bytes. LIST, NAMES: elements, max 0: no limit
			      but the message's */
	uint64_t def;	   /* UINT, ENUM, BOOL: value when absent */
	const char *const *names; /* ENUM: NULL-terminated */
	/*
	 * ENUM, optional, NULL-terminated: words that mean nothing yet. Those that are among names
	 * are read, for stored objects have them, and a rule refuses them; the schema has none.
	 * why: the sentence.
	 */
	const char *const *inert;
	const char *inert_why;
	const struct sl_shape *shape; /* OBJECT; LIST of objects */
	const struct sl_field *elem;  /* LIST: type, range, names of one element (offset 0) */
	const char *beside;	      /* another field, without which this is refused */
	const char *help;	      /* one sentence for the reference */
	const char *missing;	      /* REQUIRED: hint for who leaves it out */
};

struct sl_shape {
	const char *name; /* for the reference: "endpoint" */
	size_t size;	  /* of the C struct */
	const struct sl_field *fields;
	size_t n_fields;
	const char *help;
	/* Optional, NULL-terminated: exactly one of these fields must be there. Its check says so.
	 */
	const char *const *one_of;
	/* Optional: what one field cannot say ("port" or "node", not both). Paths relative to the
	 * object. */
	int (*check)(const void *obj, struct sl_err *e);
};

/* Decode json (an object) into the zeroed struct `out`. On error *out is as after sl_shape_fini. */
int sl_shape_decode(const struct sl_shape *s, const cJSON *json, void *out, struct sl_err *e);
/* The same of an object that was stored, perhaps before its SL_FIELD_NEWER fields existed: these
 * stay zeroed. */
int sl_shape_decode_stored(
	const struct sl_shape *s, const cJSON *json, void *out, struct sl_err *e);
/* Fields that are absent (present kept and false) or empty optional are left out. NULL: out of
 * memory. */
cJSON *sl_shape_encode(const struct sl_shape *s, const void *obj);
/*
 * The same as text, without a tree in between: what sl_shape_encode makes, printed. Pieces of text
 * go to put, one after the other; false: out of memory.
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
 * Make labels: room for n pairs and their texts, NULs included, n still 0; then a key and a value
 * of each pair, each call's result the next one's `at`. NULL: out of memory.
 */
char *sl_labels_init(struct sl_labels *l, size_t n, size_t text_len);
char *sl_label_text(char *at, const char *s, char **text);

/* JSON Schema (draft 2020-12) of a shape or one field. */
cJSON *sl_shape_schema(const struct sl_shape *s);
cJSON *sl_field_schema(const struct sl_field *f);
/* Add what a shape's check insists on beyond its fields: oneOf, dependentRequired. */
void sl_shape_add_rules(const struct sl_shape *s, cJSON *o);

/* Text forms; parse returns 0 or -EINVAL, with *e filled (path empty). */
int sl_parse_mac(const char *s, struct sl_mac *mac, struct sl_err *e);
int sl_parse_ip(const char *s, struct sl_ip *ip, struct sl_err *e);
int sl_parse_prefix(const char *s, bool keep_host_bits, struct sl_prefix *p, struct sl_err *e);
const char *sl_format_mac(const struct sl_mac *mac, char buf[SL_MAC_STR_LEN]);
const char *sl_format_ip(const struct sl_ip *ip, char buf[SL_IP_STR_LEN]);
const char *sl_format_prefix(const struct sl_prefix *p, char buf[SL_PREFIX_STR_LEN]);

#endif
