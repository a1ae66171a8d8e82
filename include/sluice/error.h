/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How control code reports an error: one sentence that a person can act on, the path of the
 * field, and a hint. It is filled once, where the cause is known. One function in ctrl/ maps it
 * to a JSON-RPC error.
 * Threads: control.
 * Ownership: the caller's storage; nothing inside is allocated.
 */
#ifndef SLUICE_ERROR_H
#define SLUICE_ERROR_H

#include <errno.h>

/* name, JSON-RPC code, meaning. The first five codes are JSON-RPC 2.0's own (section 5.1). */
#define SL_RPC_ERROR_LIST(X)                                                               \
	X(PARSE, -32700, "the text is not valid JSON")                                     \
	X(REQUEST, -32600, "the JSON is not a JSON-RPC 2.0 request")                       \
	X(METHOD, -32601, "no such method")                                                \
	X(PARAMS, -32602, "the parameters do not fit the method's schema")                 \
	X(INTERNAL, -32603, "the daemon failed; its log says how")                         \
	X(NOT_FOUND, -32001, "no object of that name")                                     \
	X(EXISTS, -32002, "an object of that name or number is there already")             \
	X(REFERENCE, -32003, "a reference to nothing, or the object is still referred to") \
	X(LIMIT, -32004, "a stated capacity is reached")                                   \
	X(DENIED, -32005, "the caller may not do this")                                    \
	X(DEVICE, -32006, "the device refused")                                            \
	X(STATE, -32007, "the state directory could not be written")                       \
	X(UNSUPPORTED, -32008, "valid, but this build or machine cannot do it")

enum sl_err_code {
	SL_ERR_NONE = 0,
#define X(name, code, text) SL_ERR_##name,
	SL_RPC_ERROR_LIST(X)
#undef X
};

struct sl_err {
	enum sl_err_code code;
	char message[1024]; /* room for three names and what is wrong with them */
	char path[512];	    /* "endpoints[1].addresses[0]", empty when no field is to blame */
	char hint[512];	    /* what to do about it, may be empty */
};

/* Fill *e (when not NULL). Both return -EINVAL or the errno that fits the code, for
 * `return sl_err_set(…)`. */
int sl_err_set(struct sl_err *e, enum sl_err_code code, const char *path, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void sl_err_hint(struct sl_err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Put a prefix in front of e->path ("endpoints[1]" + ".addresses[0]"). */
void sl_err_at(struct sl_err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
