/* SPDX-License-Identifier: BSD-3-Clause */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "dp/device/socket_file.h"
#include "signals.h"

/*
 * Sent when a terminal is closed, by habit for `reload`, or when a log is rotated. The daemon needs
 * none of them, and a switch must not end by them.
 */
static const int ignored[] = {SIGHUP, SIGUSR1, SIGUSR2};

/* Besides the real-time ones. */
static const int stopping[] = {
	SIGTERM, SIGINT, SIGALRM, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGSTKFLT};

/*
 * These end a process with a core dump. The files of its sockets are removed, so that they do not
 * look like a running daemon's.
 */
static const int crashing[] = {
	SIGQUIT, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGTRAP, SIGXCPU};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The former actions: a sanitizer makes its own report. */
static struct sigaction before[COUNT(crashing)];
static char crash_stack[64 << 10]; /* the control thread's own stack may be exhausted */

static void fill(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < COUNT(ignored); i++)
		sigaddset(set, ignored[i]);
	for (size_t i = 0; i < COUNT(stopping); i++)
		sigaddset(set, stopping[i]);
	for (int s = SIGRTMIN; s <= SIGRTMAX; s++)
		sigaddset(set, s);
}

static bool is_ignored(uint32_t signal)
{
	for (size_t i = 0; i < COUNT(ignored); i++)
		if ((uint32_t)ignored[i] == signal)
			return true;
	return false;
}

/*
 * An instruction that faults does so again after the handler, and then the signal ends the process.
 * A signal that another process sent does not come again.
 */
static bool comes_again(int signal, const siginfo_t *info)
{
	return info->si_code > 0 && (signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE ||
					    signal == SIGILL || signal == SIGTRAP);
}

static void crash(int signal, siginfo_t *info, void *context)
{
	(void)context;
	sl_sockets_remove();
	for (size_t i = 0; i < COUNT(crashing); i++)
		if (crashing[i] == signal)
			sigaction(signal, &before[i], NULL);
	if (!comes_again(signal, info))
		raise(signal);
}

static void catch_crashes(void)
{
	const stack_t stack = {.ss_sp = crash_stack, .ss_size = sizeof(crash_stack)};
	struct sigaction act = {
		.sa_sigaction = crash, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};

	sigaltstack(&stack, NULL);
	sigemptyset(&act.sa_mask);
	for (size_t i = 0; i < COUNT(crashing); i++) {
		sigaction(crashing[i], &act, &before[i]);
		/*
		 * A program that a shell starts with & ignores SIGQUIT: it would go on after the
		 * handler has removed its sockets.
		 */
		if ((before[i].sa_flags & SA_SIGINFO) == 0 && before[i].sa_handler == SIG_IGN)
			before[i].sa_handler = SIG_DFL;
	}
}

void sl_signals_init(void)
{
	sigset_t set;

	fill(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN); /* a write to a closed connection returns an error instead */
	signal(SIGXFSZ, SIG_IGN); /* and so does a write to a file that may not grow */
	catch_crashes();
}

int sl_signals_open(void)
{
	sigset_t set;

	fill(&set);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/*
 * net_tap uses a free real-time signal to learn that frames have come. Once its handler is set, the
 * signal goes to that handler, in this thread: workers block it.
 */
static bool give_to_driver(int signal)
{
	struct sigaction now;
	sigset_t set;

	if (signal < SIGRTMIN || sigaction(signal, NULL, &now) != 0 || now.sa_handler == SIG_DFL)
		return false;
	sigemptyset(&set);
	sigaddset(&set, signal);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	raise(signal);
	return true;
}

bool sl_signals_read(int fd, void (*log)(const char *line))
{
	struct signalfd_siginfo got;
	char line[192];
	bool stop = false;

	while (read(fd, &got, sizeof(got)) == (ssize_t)sizeof(got)) {
		if (give_to_driver((int)got.ssi_signo))
			continue;
		if (!is_ignored(got.ssi_signo)) {
			stop = true;
			continue;
		}
		snprintf(line, sizeof(line),
			"SIG%s is ignored: there is nothing to read again; the configuration is "
			"changed over the socket, and SIGTERM stops the daemon",
			sigabbrev_np((int)got.ssi_signo));
		log(line);
	}
	return stop;
}
