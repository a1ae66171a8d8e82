/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_log.h>

#include "driver_log.h"

/* One for each thread with messages of its own: the control thread and the device helper. */
static _Thread_local char words[200];
static _Thread_local size_t n_words;
static _Thread_local bool is_whole; /* the end of the line was written */
static FILE *stream;

/* Warnings where nothing is wrong: no other processes to share with, no pages of that size. */
static bool is_beside_the_point(void)
{
	static const char *const harmless[] = {"mp action callback",
		"kB hugepages reported on node", "No DPDK runtime directory",
		"EAL: Error creating '"};

	for (size_t i = 0; i < RTE_DIM(harmless); i++)
		if (strstr(words, harmless[i]) != NULL)
			return true;
	return false;
}

static void forget(void)
{
	memset(words, 0, sizeof(words));
	n_words = 0;
	is_whole = false;
}

static void keep(const char *text, size_t n)
{
	for (size_t i = 0; i < n && !is_whole; i++) {
		if (text[i] == '\n')
			is_whole = n_words > 0;
		if (is_whole && is_beside_the_point())
			forget();
		else if (text[i] != '\n' && n_words < sizeof(words) - 1)
			words[n_words++] = text[i];
	}
}

static ssize_t write_log(void *cookie, const char *text, size_t n)
{
	(void)cookie;
	keep(text, n);
	return (ssize_t)fwrite(text, 1, n, stderr);
}

void sl_driver_log_open(void)
{
	const cookie_io_functions_t f = {.write = write_log};

	if (stream == NULL)
		stream = fopencookie(NULL, "w", f);
	rte_openlog_stream(stream != NULL ? stream : stderr);
}

void sl_driver_log_mark(void)
{
	forget();
}

/* Nothing is written after a whole line, and an unfinished line always ends with a zero. */
const char *sl_driver_log_words(void)
{
	return words;
}
