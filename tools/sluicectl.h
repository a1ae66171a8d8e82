/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sluicectl's parts: the connection and its errors, arguments to parameters, results to text, help.
 * Everything it knows about methods it learns from the daemon's rpc.discover.
 * Threads: one. Ownership: cJSON trees belong to who asked for them unless said otherwise.
 */
#ifndef SL_TOOLS_SLUICECTL_H
#define SL_TOOLS_SLUICECTL_H

#include <stdbool.h>
#include <stddef.h>
#include <cjson/cJSON.h>

#include "sluice/client.h"

enum { EXIT_DONE, EXIT_REFUSED, EXIT_USAGE, EXIT_NO_DAEMON };

/*
 * What becomes of a table that is wider than the terminal, or than 120 columns where there is none.
 */
enum ctl_width {
	CTL_CUT,  /* cells are cut, the first of each row not */
	CTL_WRAP, /* cells go on in the next line */
	CTL_WIDE, /* it is as wide as it is */
};

struct ctl {
	const char *socket;
	bool json, help;
	enum ctl_width width;
	double watch_s;
	unsigned int timeout_s;
	int n_words; /* what is left of the command line: noun, verb, arguments */
	char **words;
	struct sl_client *client;
	cJSON *discovery; /* the OpenRPC document, once asked for */
};

/* Message on standard error; the second line only with a hint. Control characters are made
 * harmless. */
void ctl_complain(const char *message, const char *path, const char *hint);
int ctl_usage_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Connect, without a word when there is no daemon. */
bool ctl_try_connect(struct ctl *c);
/* Connect; false with a message. */
bool ctl_connect(struct ctl *c);

/*
 * Call; 0 and *response (the whole response's text, to be freed), or an exit status with the
 * message given.
 */
int ctl_call(struct ctl *c, const char *method, const char *params, char **response);
/* The same, parsed: *result is the member "result". */
int ctl_call_parsed(struct ctl *c, const char *method, const char *params, cJSON **result);

/* rpc.discover of the sluiced that this program was built with. */
extern const char ctl_built_in_methods[];

/* The methods of the daemon (an array); NULL with a message and *status. Kept in c. */
const cJSON *ctl_methods(struct ctl *c, int *status);
const cJSON *ctl_find_method(const cJSON *methods, const char *noun, const char *verb);

/* `apply FILE`: operations of txn.apply, one a line, in transactions of five hundred. */
int ctl_apply(struct ctl *ctl);

/* `dump`: every object as an operation that apply takes. */
int ctl_dump(struct ctl *c);

/* Parameters of a method from words; NULL with a message when they make no sense. */
/* Where a field takes one word or a list of them: the list's schema, else NULL. */
const cJSON *ctl_list_alternative(const cJSON *schema);
cJSON *ctl_params(const cJSON *method, char **words, int n);
/* Text of a file, "-" for standard input; NULL with a message. */
char *ctl_read_file(const char *path);

/* schema says what the columns of an empty table are; may be NULL. */
void ctl_print_result(const cJSON *result, const cJSON *schema);
/* The result of a method whose rows are too wide for a table: its main columns; false: of another.
 */
bool ctl_print_main_columns(const char *method, const cJSON *result);
void ctl_set_width(enum ctl_width width);
/* Policies' rows: who is meant where nobody is named, and where an empty list names nobody. */
void ctl_name_nobody(const char *method, cJSON *result);
/* The member of a response, indented, its numbers as the daemon wrote them. */
void ctl_print_raw(const char *response, const char *member);

/* What a table does not show well; false when the method's result is none of that. */
bool ctl_print_workers(const char *method, const char *verb, const cJSON *result);

/* Replace the counters of `now` by their growth a second since `before`. */
void ctl_rates(cJSON *now, const cJSON *before, double seconds);

void ctl_print_usage(bool to_stderr);
int ctl_help(struct ctl *c, const char *noun, const char *verb);

const char *ctl_string(const cJSON *obj, const char *name); /* "" when absent */

#endif
