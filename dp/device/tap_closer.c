/* SPDX-License-Identifier: BSD-3-Clause */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tap_closer.h"

enum { THREADS_MAX = 32, STACK_BYTES = 128 * 1024 };

struct closing {
	struct closing *next;
	struct sl_tap_id id;
	unsigned int n;
	int fd[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* protects the two below */
static struct closing *first;
static unsigned int n_threads;
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;

static void close_all(const int *fd, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		close(fd[i]);
}

static void *run(void *closing)
{
	struct closing *c = closing, **at = &first;

	close_all(c->fd, c->n);
	pthread_mutex_lock(&lock);
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	n_threads--;
	pthread_cond_broadcast(&ended);
	pthread_mutex_unlock(&lock);
	free(c);
	return NULL;
}

/* With the lock. The helper has all signals blocked, and so has the thread. */
static bool start(struct closing *c)
{
	pthread_attr_t how;
	pthread_t thread;
	bool started;

	if (n_threads == THREADS_MAX || pthread_attr_init(&how) != 0)
		return false;
	started = pthread_attr_setdetachstate(&how, PTHREAD_CREATE_DETACHED) == 0 &&
		  pthread_attr_setstacksize(&how, STACK_BYTES) == 0 &&
		  pthread_create(&thread, &how, run, c) == 0;
	pthread_attr_destroy(&how);
	return started;
}

void sl_tap_close(const struct sl_tap_id *id, const int *fd, unsigned int n)
{
	struct closing *c = malloc(sizeof(*c) + n * sizeof(*fd));
	bool started = false;

	if (c != NULL) {
		c->id = *id;
		c->n = n;
		memcpy(c->fd, fd, n * sizeof(*fd));
		pthread_mutex_lock(&lock);
		started = start(c);
		if (started) {
			c->next = first;
			first = c;
			n_threads++;
		}
		pthread_mutex_unlock(&lock);
	}
	if (started)
		return;
	free(c);
	close_all(fd, n);
}

static bool is_closing(const struct sl_tap_id *id)
{
	for (const struct closing *c = first; c != NULL; c = c->next)
		if (strcmp(c->id.name, id->name) == 0 && c->id.ns.dev == id->ns.dev &&
			c->id.ns.ino == id->ns.ino)
			return true;
	return false;
}

void sl_tap_wait_closed(const struct sl_tap_id *id)
{
	pthread_mutex_lock(&lock);
	while (is_closing(id))
		pthread_cond_wait(&ended, &lock);
	pthread_mutex_unlock(&lock);
}
