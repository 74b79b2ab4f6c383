/* SPDX-License-Identifier: Apache-2.0 */
#include "io/thread.h"

#include <signal.h>

#define THREAD_NAME_MAX 16 /* pthread_setname_np(3), with the NUL */

/* New threads inherit the mask of the one that makes them. */
static void block_signals(sigset_t *ret_before)
{
	sigset_t all;
	(void)sigfillset(&all);
	(void)sigdelset(&all, SIGSEGV);
	(void)sigdelset(&all, SIGBUS);
	(void)sigdelset(&all, SIGFPE);
	(void)sigdelset(&all, SIGILL);
	(void)sigdelset(&all, SIGABRT);
	(void)sigdelset(&all, SIGSYS);
	(void)sigdelset(&all, SIGTRAP);
	(void)sigdelset(&all, SIGPROF);
	(void)pthread_sigmask(SIG_BLOCK, &all, ret_before);
}

enum err thread_start(pthread_t *ret, const char *name, void *(*run)(void *data), void *data)
{
	pthread_attr_t attr;
	if (pthread_attr_init(&attr) != 0)
		return ERR_NO_MEMORY;
	sigset_t before;
	block_signals(&before);
	int failed = pthread_attr_setstacksize(&attr, THREAD_STACK);
	if (!failed)
		failed = pthread_create(ret, &attr, run, data);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attr);
	if (failed)
		return ERR_NO_MEMORY;
	char cut[THREAD_NAME_MAX];
	(void)snprintf(cut, sizeof(cut), "%s", name);
	(void)pthread_setname_np(*ret, cut);
	return OK;
}
