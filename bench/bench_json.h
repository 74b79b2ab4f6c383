/* SPDX-License-Identifier: Apache-2.0 */
/* What bench_json.c and its peer share. Apart, because both headers name a JSON_OBJECT. */
#ifndef BENCH_BENCH_JSON_H
#define BENCH_BENCH_JSON_H

#include "base/arena.h"

extern const struct bytes bench_body;

/* jansson reads bench_body and looks its members up. */
void jansson_once(struct arena *arena);

#endif
