/* SPDX-License-Identifier: Apache-2.0 */
/* How every thread of ours is started: named, with a small stack, all signals blocked but those
 * that a fault in the thread itself raises. Signals then reach the loop that asked for them. */
#ifndef IO_THREAD_H
#define IO_THREAD_H

#include "base/err.h"

#include <pthread.h>

/* 256 KiB: a thread that only waits costs address space, and under a memory limit that counts.
 * Nothing here keeps much on the stack: parsers are bounded in depth, Argon2 takes its 19 MiB
 * from the heap. Instrumented code needs more. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define THREAD_STACK ((size_t)2 << 20)
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define THREAD_STACK ((size_t)2 << 20)
#endif
#endif
#ifndef THREAD_STACK
#define THREAD_STACK ((size_t)256 << 10)
#endif

/* Runs `run(data)` on a new thread; the caller joins it. `name`: at most 15 characters, the rest is
 * cut. ERR_NO_MEMORY when the system gives no thread. */
MUST_CHECK enum err thread_start(pthread_t *ret, const char *name, void *(*run)(void *data),
                                 void *data);

#endif
