/* SPDX-License-Identifier: Apache-2.0 */
#include "io/clock.h"

#include <time.h>

#define SECOND_NS INT64_C(1000000000)
#define MILLISECOND_NS INT64_C(1000000)

static int64_t read_ns(clockid_t clock)
{
	struct timespec at;
	(void)clock_gettime(clock, &at);
	return (int64_t)at.tv_sec * SECOND_NS + at.tv_nsec;
}

int64_t clock_step(_Atomic int64_t *offset_ns, int64_t wall_ns, int64_t mono_ns)
{
	int64_t seen = wall_ns - mono_ns;
	int64_t offset = atomic_load_explicit(offset_ns, memory_order_relaxed);
	while (seen > offset &&
	       !atomic_compare_exchange_weak_explicit(offset_ns, &offset, seen,
	                                              memory_order_relaxed, memory_order_relaxed))
		;
	return mono_ns + (seen > offset ? seen : offset);
}

/* The wall clock is read first: a thread held up between the two readings then sees the offset too
 * small, which the maximum forgives, never too large, which it would keep for ever. */
int64_t clock_now_ms(void)
{
	static _Atomic int64_t offset_ns;
	int64_t wall_ns = read_ns(CLOCK_REALTIME);
	int64_t mono_ns = read_ns(CLOCK_MONOTONIC);
	return clock_step(&offset_ns, wall_ns, mono_ns) / MILLISECOND_NS;
}

int64_t clock_mono_ms(void)
{
	return read_ns(CLOCK_MONOTONIC) / MILLISECOND_NS;
}
