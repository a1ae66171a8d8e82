/* SPDX-License-Identifier: BSD-3-Clause */
/* Many operations from a file, one a line, in transactions of bounded size: `sluicectl apply`. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sluicectl.h"

#define OPERATIONS_MAX 500u	  /* of a transaction: larger ones gain nothing and delay others */
#define BYTES_MAX      (4u << 20) /* the same; only a single line may be longer */

/* The transaction being filled. */
struct chunk {
	char *text;
	size_t len, room;
	unsigned int n;
	unsigned long first_line;
};

static bool add(struct chunk *c, const char *s, size_t n)
{
	char *p;

	if (c->len + n + 1 > c->room) {
		p = realloc(c->text, 2 * (c->len + n) + 1);
		if (p == NULL) {
			ctl_complain("out of memory", "", "");
			return false;
		}
		c->text = p;
		c->room = 2 * (c->len + n) + 1;
	}
	memcpy(c->text + c->len, s, n);
	c->len += n;
	c->text[c->len] = '\0';
	return true;
}

static int send_chunk(struct ctl *ctl, struct chunk *c)
{
	char message[128], *response;
	int status;

	if (c->n == 0)
		return EXIT_DONE;
	if (!add(c, "]}", 2))
		return EXIT_REFUSED;
	status = ctl_call(ctl, "txn.apply", c->text, &response);
	free(response);
	if (status != EXIT_DONE) {
		snprintf(message, sizeof(message),
			status == EXIT_NO_DAEMON && ctl->client != NULL
				? "whether lines %lu to %lu were done is not known, all before "
				  "them is done"
				: "nothing of lines %lu to %lu was done, all before them is",
			c->first_line, c->first_line + c->n - 1);
		ctl_complain(message, "", "");
	}
	c->len = c->n = 0;
	return status;
}

/* A line that is not a complete JSON text would change the meaning of the lines around it. */
static bool is_object(const char *line, size_t len)
{
	const char *end;
	cJSON *v = strlen(line) == len ? cJSON_ParseWithOpts(line, &end, true) : NULL;
	bool ok = cJSON_IsObject(v);

	cJSON_Delete(v);
	return ok;
}

/* The lines before a bad line are applied before the error is reported. */
static int refuse_line(struct ctl *ctl, struct chunk *c, unsigned long number)
{
	int status = send_chunk(ctl, c);

	return status != EXIT_DONE ? status
				   : ctl_usage_error("line %lu is no JSON object; all before it is "
						     "done, nothing from it on",
					     number);
}

static int add_line(
	struct ctl *ctl, struct chunk *c, const char *line, size_t len, unsigned long number)
{
	int status;

	if (!is_object(line, len))
		return refuse_line(ctl, c, number);
	if (c->n == OPERATIONS_MAX || c->len + len > BYTES_MAX) {
		status = send_chunk(ctl, c);
		if (status != EXIT_DONE)
			return status;
	}
	if (c->n == 0)
		c->first_line = number;
	if (!add(c, c->n == 0 ? "{\"operations\":[" : ",", c->n == 0 ? 15 : 1) ||
		!add(c, line, len))
		return EXIT_REFUSED;
	c->n++;
	return EXIT_DONE;
}

static int apply_lines(struct ctl *ctl, FILE *in)
{
	struct chunk c = {.first_line = 1};
	unsigned long number = 0;
	int status = EXIT_DONE;
	char *line = NULL;
	size_t room = 0;
	ssize_t len;

	while (status == EXIT_DONE && (len = getline(&line, &room, in)) >= 0) {
		number++;
		if (line[len - 1] == '\n')
			line[--len] = '\0';
		if (strspn(line, " \t\r\n") == (size_t)len) {
			/* lines are counted from the first of the transaction on */
			status = send_chunk(ctl, &c);
			continue;
		}
		status = add_line(ctl, &c, line, (size_t)len, number);
	}
	if (status == EXIT_DONE)
		status = send_chunk(ctl, &c);
	free(line);
	free(c.text);
	return status;
}

int ctl_apply(struct ctl *ctl)
{
	const char *path = ctl->n_words == 2 ? ctl->words[1] : NULL;
	FILE *in;
	int status;

	if (path == NULL)
		return ctl_usage_error("apply needs one FILE, or - for standard input");
	in = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	if (in == NULL)
		return ctl_usage_error("cannot read %s: %s", path, strerror(errno));
	status = apply_lines(ctl, in);
	if (in != stdin)
		fclose(in);
	return status;
}
