/* SPDX-License-Identifier: BSD-3-Clause */
/* What all parts of the journal need: messages, errors with their place, writing. */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "journal_state.h"

void sl_journal_notice(const struct sl_journal *j, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (j->notice == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	j->notice(text);
}

int sl_journal_error(const struct sl_journal *j, const char *file, int error, struct sl_err *e)
{
	sl_err_set(e, SL_ERR_STATE, "", "cannot write %s/%s: %s", j->dir, file, strerror(error));
	sl_err_hint(
		e, "nothing was changed; make the state directory writable and free space in it");
	return -EIO;
}

void sl_journal_set_synced(struct sl_journal *j)
{
	j->unsynced = false;
	j->synced = j->seq;
}

int sl_journal_write(int fd, const char *p, size_t n, off_t at)
{
	while (n > 0) {
		ssize_t done = pwrite(fd, p, n, at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done == 0 ? ENOSPC : errno;
		p += done;
		n -= (size_t)done;
		at += done;
	}
	return 0;
}

int sl_journal_broken(const struct sl_journal_place *at, struct sl_err *e, const char *what)
{
	char line[32] = "";

	if (at->line > 0)
		snprintf(line, sizeof(line), " line %zu", at->line);
	sl_err_set(e, SL_ERR_STATE, "", "%s/%s%s: %s", at->j->dir, at->file, line, what);
	sl_err_hint(e,
		"restore the state directory from a backup, or move it away to start from the "
		"configuration file");
	return -EIO;
}

int sl_journal_located(const struct sl_journal_place *at, struct sl_err *e, int ret)
{
	struct sl_err inner;
	char what[820];

	if (ret == 0 || e == NULL)
		return ret;
	inner = *e;
	snprintf(what, sizeof(what), "%.200s%s%.600s", inner.path,
		inner.path[0] != '\0' ? ": " : "", inner.message);
	return sl_journal_broken(at, e, what);
}
