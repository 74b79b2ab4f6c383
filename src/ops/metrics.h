/* SPDX-License-Identifier: Apache-2.0 */
/* What /metrics tells: counters that the loops keep, each its own, and the sum of them as text in
 * the Prometheus exposition format 0.0.4. Labels come from our own tables and never from a request,
 * a tenant or a record. */
#ifndef OPS_METRICS_H
#define OPS_METRICS_H

#include "base/buf.h"
#include "core/outcome.h"

#include <stdatomic.h>
#include <stdint.h>

enum metric {
#define METRIC(name, text, type, help) METRIC_##name,
#define FAMILY(name, text, type, help)
#include "ops/metric.def"
#undef METRIC
#undef FAMILY
	METRICS
};

/* Whose requests they were. */
enum metrics_api {
	METRICS_API_HOUSE, /* nobody's: 404, and the page at / */
	METRICS_API_OPERATOR,
#define API(name, section) METRICS_API_##name,
#include "ops/api.def"
#undef API
	METRICS_APIS
};

#define METRICS_CLASSES 4  /* of a status: 2xx to 5xx */
#define METRICS_BUCKETS 12 /* of a duration, and one more for what is longer */

/* What is counted of each API. */
enum {
	METRICS_AT_CLASS,
	METRICS_AT_OUTCOME = METRICS_AT_CLASS + METRICS_CLASSES,
	METRICS_AT_FAULT = METRICS_AT_OUTCOME + OUTCOME_COUNT,
	METRICS_AT_BUCKET,
	METRICS_AT_TOOK_MS = METRICS_AT_BUCKET + METRICS_BUCKETS + 1,
	METRICS_COUNTS
};

/* One loop's: written by it alone, read by anyone. Zeroed, it has counted nothing. */
struct metrics_counts {
	_Atomic uint64_t at[METRICS_APIS][METRICS_COUNTS];
};

/* Called on the loop that the counts belong to. */
/* A request was answered; `status` 200 to 599. A clock that was put back took no time. */
void metrics_answered(struct metrics_counts *counts, enum metrics_api api, int status,
                      int64_t took_ms);
/* A command came to an outcome, or to a fault. */
void metrics_decided(struct metrics_counts *counts, enum metrics_api api, enum outcome outcome);
void metrics_failed(struct metrics_counts *counts, enum metrics_api api);

/* Everything at one moment. */
struct metrics {
	uint64_t values[METRICS];
	uint64_t apis[METRICS_APIS][METRICS_COUNTS];
	const char *version; /* a literal; NULL: empty */
};

/* Adds what a loop has counted. Any thread. */
void metrics_add(struct metrics *to, const struct metrics_counts *from);
/* Memory and descriptors of this process, 0 where the system does not tell. Reads /proc: not for a
 * loop that serves. */
void metrics_of_process(struct metrics *to);
/* The text; a full buffer is the buf's to remember. */
void metrics_format(const struct metrics *metrics, struct buf *to);

#endif
