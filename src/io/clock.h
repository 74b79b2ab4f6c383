/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's one clock: now = max(wall clock, last + what the monotonic clock advanced). It never
 * goes back, on no thread, whatever is done to the wall clock; a wall clock that jumps ahead is
 * followed. Any thread. Those who run on a loop take its cached moment (io_loop_now_ms). */
#ifndef IO_CLOCK_H
#define IO_CLOCK_H

#include <stdatomic.h>
#include <stdint.h>

/* Milliseconds since 1970-01-01T00:00:00Z. */
int64_t clock_now_ms(void);
/* Milliseconds of the monotonic clock: for time limits, means nothing to another process. */
int64_t clock_mono_ms(void);

/* The rule itself, for tests: the moment in nanoseconds when the two clocks show these. `offset`
 * (0 at first) remembers the farthest the wall clock ever was ahead of the monotonic one. */
int64_t clock_step(_Atomic int64_t *offset_ns, int64_t wall_ns, int64_t mono_ns);

#endif
