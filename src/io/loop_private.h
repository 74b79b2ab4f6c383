/* SPDX-License-Identifier: Apache-2.0 */
/* What streams and listeners need of their loop. For this room alone. */
#ifndef IO_LOOP_PRIVATE_H
#define IO_LOOP_PRIVATE_H

#include "io/loop.h"

#include <uv.h>

uv_loop_t *loop_uv(struct io_loop *loop);

#endif
