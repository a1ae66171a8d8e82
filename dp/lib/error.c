/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sluice/error.h"

static int errno_of(enum sl_err_code code)
{
	switch (code) {
	case SL_ERR_NOT_FOUND:
		return -ENOENT;
	case SL_ERR_EXISTS:
		return -EEXIST;
	case SL_ERR_REFERENCE:
		return -EBUSY;
	case SL_ERR_LIMIT:
		return -ENOSPC;
	case SL_ERR_DENIED:
		return -EPERM;
	case SL_ERR_DEVICE:
		return -ENODEV;
	case SL_ERR_STATE:
		return -EIO;
	case SL_ERR_UNSUPPORTED:
		return -ENOTSUP;
	case SL_ERR_INTERNAL:
		return -EFAULT;
	default:
		return -EINVAL;
	}
}

int sl_err_set(struct sl_err *e, enum sl_err_code code, const char *path, const char *fmt, ...)
{
	va_list ap;

	if (e == NULL)
		return errno_of(code);
	e->code = code;
	e->hint[0] = '\0';
	snprintf(e->path, sizeof(e->path), "%s", path != NULL ? path : "");
	va_start(ap, fmt);
	vsnprintf(e->message, sizeof(e->message), fmt, ap);
	va_end(ap);
	return errno_of(code);
}

void sl_err_hint(struct sl_err *e, const char *fmt, ...)
{
	va_list ap;

	if (e == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(e->hint, sizeof(e->hint), fmt, ap);
	va_end(ap);
}

void sl_err_at(struct sl_err *e, const char *fmt, ...)
{
	char prefix[sizeof(e->path)], whole[2 * sizeof(e->path) + 2];
	va_list ap;

	if (e == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(prefix, sizeof(prefix), fmt, ap);
	va_end(ap);
	/* "ports" + "[0]" and "endpoints[1]" + "mac": a dot only between names */
	snprintf(whole, sizeof(whole), "%s%s%s", prefix,
		e->path[0] == '\0' || e->path[0] == '[' ? "" : ".", e->path);
	memcpy(e->path, whole, sizeof(e->path));
	e->path[sizeof(e->path) - 1] = '\0';
}
