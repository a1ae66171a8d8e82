/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Prints `workers list` with one line for each worker, and `workers show` with stages and a
 * histogram.
 */
#include <stdio.h>
#include <string.h>

#include "sluicectl.h"

#define BAR_WIDTH 40

static double number_of(const cJSON *obj, const char *name)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(obj, name);

	return cJSON_IsNumber(v) ? v->valuedouble : 0;
}

static const cJSON *member(const cJSON *obj, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(obj, name);
}

/* A name may hold characters that a terminal takes for commands. */
static void put_clean(const char *s)
{
	for (; *s != '\0'; s++)
		putchar((unsigned char)*s < 0x20 || *s == 0x7f ? '?' : *s);
}

/* The queues in one word each: port/queue. */
static cJSON *queue_names(const cJSON *worker)
{
	cJSON *names = cJSON_CreateArray();
	const cJSON *q;
	char text[128];

	cJSON_ArrayForEach (q, member(worker, "queues")) {
		snprintf(text, sizeof(text), "%s/%.0f", ctl_string(q, "port"),
			number_of(q, "queue"));
		cJSON_AddItemToArray(names, cJSON_CreateString(text));
	}
	return names;
}

/* Prints the rows without fields that need more than a cell. */
static void print_lines(const cJSON *workers)
{
	static const char *const shown[] = {"core", "lcore", "numa_node", "variant", "queues",
		"packets", "packets_per_burst", "cycles_per_packet", "busy_percent"};
	cJSON *rows = cJSON_CreateArray();
	const cJSON *w;

	cJSON_ArrayForEach (w, workers) {
		cJSON *row = cJSON_CreateObject();

		for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
			if (strcmp(shown[i], "queues") == 0)
				cJSON_AddItemToObject(row, shown[i], queue_names(w));
			else if (member(w, shown[i]) != NULL)
				cJSON_AddItemToObject(
					row, shown[i], cJSON_Duplicate(member(w, shown[i]), true));
		cJSON_AddItemToArray(rows, row);
	}
	ctl_print_result(rows, NULL);
	cJSON_Delete(rows);
}

static void print_head(const cJSON *w)
{
	cJSON *names = queue_names(w);
	const cJSON *n;

	printf("core %.0f: lcore %.0f, ", number_of(w, "core"), number_of(w, "lcore"));
	if (member(w, "numa_node") != NULL)
		printf("NUMA node %.0f, ", number_of(w, "numa_node"));
	fputs("built for ", stdout);
	put_clean(ctl_string(w, "variant"));
	fputs("\n  queues ", stdout);
	cJSON_ArrayForEach (n, names) {
		putchar(' ');
		put_clean(n->valuestring);
	}
	printf("%s\n", names == NULL || names->child == NULL ? " none" : "");
	printf("  packets %.0f in %.0f bursts, %.1f a burst\n", number_of(w, "packets"),
		number_of(w, "bursts"), number_of(w, "packets_per_burst"));
	printf("  last second: busy %.1f %%, %.1f cycles a packet\n", number_of(w, "busy_percent"),
		number_of(w, "cycles_per_packet"));
	cJSON_Delete(names);
}

static void print_stage(const char *name, double cycles, double packets, double all)
{
	int room = 10 - (int)strlen(name);

	fputs("  ", stdout);
	put_clean(name);
	printf("%*s", room > 0 ? room : 0, "");
	if (packets > 0)
		printf("  %13.1f  %5.1f %%  %12.0f\n", cycles / packets,
			all > 0 ? 100 * cycles / all : 0, packets);
	else
		printf("  %13s  %7s  %12s\n", "-", "-", "-");
}

/* Computed from the sums, so that it is also right for the growth between two answers. */
static void print_stages(const cJSON *w)
{
	const cJSON *s, *stages = member(w, "stages");
	double all = 0, packets = 0;

	cJSON_ArrayForEach (s, stages) {
		all += number_of(s, "cycles");
		if (s == stages->child)
			packets = number_of(s, "packets");
	}
	printf("  %-10s  %13s  %7s  %12s\n", "STAGE", "CYCLES/PACKET", "SHARE", "TIMED");
	cJSON_ArrayForEach (s, stages)
		print_stage(ctl_string(s, "stage"), number_of(s, "cycles"), number_of(s, "packets"),
			all);
	print_stage("all", all, packets, all);
}

static void print_service(const cJSON *w)
{
	const cJSON *s, *times = member(w, "service_times");
	double most = 0;

	cJSON_ArrayForEach (s, times)
		if (number_of(s, "count") > most)
			most = number_of(s, "count");
	if (most == 0)
		return;
	printf("  %-19s  %12s\n", "BURST TOOK, us", "BURSTS");
	cJSON_ArrayForEach (s, times) {
		double upto = number_of(s, "upto_us"), count = number_of(s, "count");
		unsigned int bar = (unsigned int)(BAR_WIDTH * count / most + 0.5);

		printf("  %8.2f - %8.2f  %12.0f ", upto / 2, upto, count);
		for (unsigned int i = 0; i < bar || (i == 0 && count > 0); i++)
			putchar('#');
		putchar('\n');
	}
}

bool ctl_print_workers(const char *method, const char *verb, const cJSON *result)
{
	const cJSON *w;

	if (strcmp(method, "workers.list") != 0)
		return false;
	if (strcmp(verb, "show") != 0) {
		print_lines(result);
		return true;
	}
	cJSON_ArrayForEach (w, result) {
		if (w != result->child)
			putchar('\n');
		print_head(w);
		print_stages(w);
		print_service(w);
	}
	return true;
}
