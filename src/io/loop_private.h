/* SPDX-License-Identifier: Apache-2.0 */
/* What streams and listeners need of their loop. For this room alone. */
#ifndef IO_LOOP_PRIVATE_H
#define IO_LOOP_PRIVATE_H

#include "base/buf.h"
#include "io/loop.h"

#include <uv.h>

uv_loop_t *loop_uv(struct io_loop *loop);

/* Room for the octets of one stream at a time, while they are worked on. */
#define LOOP_SCRATCH_LEN ((size_t)64 << 10)
#define LOOP_SCRATCH_KEPT ((size_t)256 << 10) /* `out` is not kept when it has become larger */

struct loop_scratch {
	struct buf out;
	char in[LOOP_SCRATCH_LEN];
};

/* Made when it is asked for first; NULL: no memory. */
struct loop_scratch *loop_scratch(struct io_loop *loop);

#endif
