/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sluicectl's parts: the connection and its errors, arguments to parameters, results to text, help.
 * sluicectl learns everything about methods from the daemon's rpc.discover. Threads: one.
 * Ownership: the caller owns cJSON trees unless a comment says otherwise.
 */
#ifndef SL_TOOLS_SLUICECTL_H
#define SL_TOOLS_SLUICECTL_H

#include <stdbool.h>
#include <stddef.h>
#include <cjson/cJSON.h>

#include "sluice/client.h"

enum { EXIT_DONE, EXIT_REFUSED, EXIT_USAGE, EXIT_NO_DAEMON };

/*
 * How a table is printed that is wider than the terminal, or than 120 columns without a terminal.
 */
enum ctl_width {
	CTL_CUT,  /* cells are cut, except the first of each row */
	CTL_WRAP, /* cells continue in the next line */
	CTL_WIDE, /* printed in full width */
};

struct ctl {
	const char *socket;
	bool json, help;
	enum ctl_width width;
	double watch_s;
	unsigned int timeout_s;
	int n_words; /* the rest of the command line: noun, verb, arguments */
	char **words;
	struct sl_client *client;
	cJSON *discovery; /* the OpenRPC document, once it was fetched */
};

/*
 * Prints a message on standard error; the second line only with a hint. Control characters are
 * replaced.
 */
void ctl_complain(const char *message, const char *path, const char *hint);
int ctl_usage_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Connects; prints nothing when there is no daemon. */
bool ctl_try_connect(struct ctl *c);
/* Connects; false with a message. */
bool ctl_connect(struct ctl *c);

/*
 * Calls a method: 0 and *response (the text of the whole response; the caller frees it), or an exit
 * status after a message.
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
/* The schema of the list, for a field that takes one word or a list of words; else NULL. */
const cJSON *ctl_list_alternative(const cJSON *schema);
cJSON *ctl_params(const cJSON *method, char **words, int n);
/* Text of a file, "-" for standard input; NULL with a message. */
char *ctl_read_file(const char *path);

/* schema gives the columns of an empty table; it may be NULL. */
void ctl_print_result(const cJSON *result, const cJSON *schema);
/*
 * Prints the main columns of a result whose rows are too wide for a table; false: the method is
 * another.
 */
bool ctl_print_main_columns(const char *method, const cJSON *result);
void ctl_set_width(enum ctl_width width);
/*
 * Puts words into rows of policies: `anyone` and `all` for fields that are not given, `nobody` and
 * `none` for empty lists.
 */
void ctl_name_nobody(const char *method, cJSON *result);
/* Prints a member of a response, indented, with numbers as the daemon wrote them. */
void ctl_print_raw(const char *response, const char *member);

/* Prints results that a table does not show well; false: the method is another. */
bool ctl_print_workers(const char *method, const char *verb, const cJSON *result);

/* Replaces the counters of `now` by their growth per second since `before`. */
void ctl_rates(cJSON *now, const cJSON *before, double seconds);

void ctl_print_usage(bool to_stderr);
int ctl_help(struct ctl *c, const char *noun, const char *verb);

const char *ctl_string(const cJSON *obj, const char *name); /* "" when absent */

#endif
