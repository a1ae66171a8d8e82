/* SPDX-License-Identifier: BSD-3-Clause */
#include "device_helper.h"
#include "device_path.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <rte_lcore.h>

struct job_list {
	struct sl_device_job *head, **tail;
};

struct sl_device_helper {
	pthread_t thread;
	int fd;
	pthread_mutex_t lock; /* protects the fields below */
	pthread_cond_t work, done;
	struct job_list waiting, finished;
	bool ends;
};

static void add(struct job_list *l, struct sl_device_job *j)
{
	j->next = NULL;
	*l->tail = j;
	l->tail = &j->next;
}

static struct sl_device_job *take_first(struct job_list *l)
{
	struct sl_device_job *j = l->head;

	if (j == NULL)
		return NULL;
	l->head = j->next;
	if (l->head == NULL)
		l->tail = &l->head;
	return j;
}

static void run_open(struct sl_device_job *j)
{
	struct sl_port_device *d = j->device;
	const struct sl_port_driver *driver = d->driver;
	struct rte_mempool *before = d->pool;

	j->ret = driver->open(d, &j->err);
	if (j->ret == 0 && driver->start != NULL)
		j->ret = driver->start(d, &j->err);
	if (j->ret == 0)
		return;
	driver->close(d);
	/* No worker has had a buffer of it, so the pool can be freed, whatever the
	 * driver has kept. */
	if (d->pool != before)
		rte_mempool_free(d->pool);
	d->pool = before;
}

static void run_close(struct sl_device_job *j)
{
	j->device->driver->close(j->device);
	sl_device_close_end(&j->device->kept);
}

static void run(struct sl_device_helper *h, struct sl_device_job *j)
{
	if (j->opens)
		run_open(j);
	else
		run_close(j);
	pthread_mutex_lock(&h->lock);
	j->done = true;
	add(&h->finished, j);
	pthread_cond_broadcast(&h->done);
	pthread_mutex_unlock(&h->lock);
	(void)eventfd_write(h->fd, 1);
}

static struct sl_device_job *wait_for_work(struct sl_device_helper *h)
{
	struct sl_device_job *j;

	pthread_mutex_lock(&h->lock);
	while ((j = take_first(&h->waiting)) == NULL && !h->ends)
		pthread_cond_wait(&h->work, &h->lock);
	pthread_mutex_unlock(&h->lock);
	return j;
}

/*
 * The helper runs where the control thread does. DPDK does not look at the cores that a thread has
 * inherited, and drivers put a virtual device on the NUMA node that DPDK knows of their thread.
 */
static void note_node(void)
{
	rte_cpuset_t cpus;

	if (pthread_getaffinity_np(pthread_self(), sizeof(cpus), &cpus) == 0)
		(void)rte_thread_set_affinity(&cpus);
}

static void *serve(void *helper)
{
	struct sl_device_helper *h = helper;
	struct sl_device_job *j;

	note_node();
	while ((j = wait_for_work(h)) != NULL)
		run(h, j);
	return NULL;
}

/* The control thread handles signals. */
static int start_thread(struct sl_device_helper *h)
{
	sigset_t all, before;
	int ret;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	ret = pthread_create(&h->thread, NULL, serve, h);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (ret == 0)
		pthread_setname_np(h->thread, "sl-devices");
	return ret;
}

struct sl_device_helper *sl_device_helper_create(void)
{
	struct sl_device_helper *h = calloc(1, sizeof(*h));

	if (h == NULL)
		return NULL;
	h->waiting.tail = &h->waiting.head;
	h->finished.tail = &h->finished.head;
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->work, NULL);
	pthread_cond_init(&h->done, NULL);
	h->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->fd >= 0 && start_thread(h) == 0)
		return h;
	if (h->fd >= 0)
		close(h->fd);
	free(h);
	return NULL;
}

void sl_device_helper_destroy(struct sl_device_helper *h)
{
	if (h == NULL)
		return;
	pthread_mutex_lock(&h->lock);
	h->ends = true;
	pthread_cond_signal(&h->work);
	pthread_mutex_unlock(&h->lock);
	pthread_join(h->thread, NULL);
	close(h->fd);
	free(h);
}

struct sl_device_job *sl_device_helper_begin(
	struct sl_device_helper *h, struct sl_port_device *d, void *port, bool opens)
{
	struct sl_device_job *j = calloc(1, sizeof(*j));

	if (j == NULL)
		abort();
	j->device = d;
	j->port = port;
	j->opens = opens;
	pthread_mutex_lock(&h->lock);
	add(&h->waiting, j);
	pthread_cond_signal(&h->work);
	pthread_mutex_unlock(&h->lock);
	return j;
}

struct sl_device_job *sl_device_helper_next(struct sl_device_helper *h)
{
	struct sl_device_job *j;
	eventfd_t n;

	pthread_mutex_lock(&h->lock);
	j = take_first(&h->finished);
	if (h->finished.head == NULL)
		(void)eventfd_read(h->fd, &n);
	pthread_mutex_unlock(&h->lock);
	return j;
}

static void remove_job(struct job_list *l, struct sl_device_job *job)
{
	struct sl_device_job **at = &l->head;

	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	if (*at == NULL)
		l->tail = at;
}

void sl_device_helper_wait(struct sl_device_helper *h, struct sl_device_job *job)
{
	pthread_mutex_lock(&h->lock);
	while (!job->done)
		pthread_cond_wait(&h->done, &h->lock);
	remove_job(&h->finished, job);
	pthread_mutex_unlock(&h->lock);
}

int sl_device_helper_fd(const struct sl_device_helper *h)
{
	return h->fd;
}
