/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/metrics.h"

#include <assert.h>
#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

/* ---- counting -------------------------------------------------------------------------------- */

/* The longest of each bucket, and as seconds. */
static const struct {
	int64_t ms;
	const char *le;
} buckets[] = {
    {1, "0.001"}, {2, "0.002"},  {5, "0.005"}, {10, "0.01"}, {25, "0.025"}, {50, "0.05"},
    {100, "0.1"}, {250, "0.25"}, {500, "0.5"}, {1000, "1"},  {2500, "2.5"}, {10000, "10"},
};
static_assert(sizeof(buckets) / sizeof(buckets[0]) == METRICS_BUCKETS, "the table says how many");

/* One writer: no need for a locked instruction. */
static void count_add(_Atomic uint64_t *counter, uint64_t more)
{
	atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + more,
	                      memory_order_relaxed);
}

void metrics_answered(struct metrics_counts *counts, enum metrics_api api, int status,
                      int64_t took_ms)
{
	assert(status >= 200 && status <= 599);
	_Atomic uint64_t *at = counts->at[api];
	size_t bucket = 0;
	if (took_ms < 0)
		took_ms = 0;
	while (bucket < METRICS_BUCKETS && took_ms > buckets[bucket].ms)
		bucket++;
	count_add(&at[METRICS_AT_CLASS + status / 100 - 2], 1);
	count_add(&at[METRICS_AT_BUCKET + bucket], 1);
	count_add(&at[METRICS_AT_TOOK_MS], (uint64_t)took_ms);
}

void metrics_decided(struct metrics_counts *counts, enum metrics_api api, enum outcome outcome)
{
	count_add(&counts->at[api][METRICS_AT_OUTCOME + outcome], 1);
}

void metrics_failed(struct metrics_counts *counts, enum metrics_api api)
{
	count_add(&counts->at[api][METRICS_AT_FAULT], 1);
}

/* ---- gathering ------------------------------------------------------------------------------- */

void metrics_add(struct metrics *to, const struct metrics_counts *from)
{
	for (int api = 0; api < METRICS_APIS; api++)
		for (int i = 0; i < METRICS_COUNTS; i++)
			to->apis[api][i] +=
			    atomic_load_explicit(&from->at[api][i], memory_order_relaxed);
}

static uint64_t resident_bytes(void)
{
	unsigned long long pages = 0;
	FILE *statm = fopen("/proc/self/statm", "re");
	if (!statm)
		return 0;
	/* Size, then what is resident, both in pages: proc(5). */
	if (fscanf(statm, "%*u %llu", &pages) != 1)
		pages = 0;
	(void)fclose(statm);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t open_fds(void)
{
	uint64_t n = 0;
	DIR *fds = opendir("/proc/self/fd");
	if (!fds)
		return 0;
	for (const struct dirent *entry; (entry = readdir(fds));)
		n += entry->d_name[0] != '.';
	(void)closedir(fds);
	return n - 1; /* its own */
}

void metrics_of_process(struct metrics *to)
{
	to->values[METRIC_RESIDENT_MEMORY] = resident_bytes();
	to->values[METRIC_OPEN_FDS] = open_fds();
}

/* ---- the text -------------------------------------------------------------------------------- */

static const char *const api_labels[] = {
    [METRICS_API_HOUSE] = "house",
    [METRICS_API_OPERATOR] = "operator",
#define API(name, section) [METRICS_API_##name] = (section),
#include "ops/api.def"
#undef API
};

/* name="value"; a backslash, a quote and a line end are escaped. */
static void add_label(struct buf *to, const char *name, struct bytes value)
{
	buf_add_text(to, name);
	buf_add_text(to, "=\"");
	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] == '\\' || value.at[i] == '"')
			buf_add_char(to, '\\');
		if (value.at[i] == '\n')
			buf_add_text(to, "\\n");
		else
			buf_add_char(to, value.at[i]);
	}
	buf_add_char(to, '"');
}

/* name_suffix{api="…",label="value"} number. */
static void add_of_api(struct buf *to, const char *name, int api, const char *label,
                       struct bytes value, uint64_t number)
{
	buf_add_text(to, name);
	buf_add_char(to, '{');
	add_label(to, "api", bytes_from_text(api_labels[api]));
	if (label) {
		buf_add_char(to, ',');
		add_label(to, label, value);
	}
	buf_add_text(to, "} ");
	buf_add_u64(to, number);
	buf_add_char(to, '\n');
}

static void write_requests(const struct metrics *metrics, const char *name, struct buf *to)
{
	static const struct bytes classes[METRICS_CLASSES] = {
	    {"2xx", 3}, {"3xx", 3}, {"4xx", 3}, {"5xx", 3}};
	for (int api = 0; api < METRICS_APIS; api++)
		for (int i = 0; i < METRICS_CLASSES; i++)
			add_of_api(to, name, api, "status", classes[i],
			           metrics->apis[api][METRICS_AT_CLASS + i]);
}

/* Only APIs carry out commands. */
static void write_outcomes(const struct metrics *metrics, const char *name, struct buf *to)
{
	for (int api = METRICS_API_OPERATOR + 1; api < METRICS_APIS; api++)
		for (int i = 0; i < OUTCOME_COUNT; i++)
			add_of_api(to, name, api, "outcome", outcome_label((enum outcome)i),
			           metrics->apis[api][METRICS_AT_OUTCOME + i]);
}

static void write_faults(const struct metrics *metrics, const char *name, struct buf *to)
{
	for (int api = METRICS_API_OPERATOR + 1; api < METRICS_APIS; api++)
		add_of_api(to, name, api, NULL, BYTES_NONE, metrics->apis[api][METRICS_AT_FAULT]);
}

static void write_durations(const struct metrics *metrics, const char *name, struct buf *to)
{
	char bucket_name[64];
	(void)snprintf(bucket_name, sizeof(bucket_name), "%.50s_bucket", name);
	for (int api = 0; api < METRICS_APIS; api++) {
		const uint64_t *at = metrics->apis[api];
		uint64_t n = 0;
		for (int i = 0; i <= METRICS_BUCKETS; i++) {
			n += at[METRICS_AT_BUCKET + i];
			add_of_api(to, bucket_name, api, "le",
			           i < METRICS_BUCKETS ? bytes_from_text(buckets[i].le)
			                               : BYTES("+Inf"),
			           n);
		}
		buf_printf(to, "%s_sum{api=\"%s\"} %llu.%03llu\n", name, api_labels[api],
		           (unsigned long long)(at[METRICS_AT_TOOK_MS] / 1000),
		           (unsigned long long)(at[METRICS_AT_TOOK_MS] % 1000));
		buf_printf(to, "%s_count{api=\"%s\"} %llu\n", name, api_labels[api],
		           (unsigned long long)n);
	}
}

static void write_build_info(const struct metrics *metrics, const char *name, struct buf *to)
{
	buf_printf(to, "%s{", name);
	add_label(to, "version", metrics->version ? bytes_from_text(metrics->version) : BYTES(""));
	buf_add_text(to, "} 1\n");
}

static void write_head(struct buf *to, const char *name, const char *type, const char *help)
{
	buf_printf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics_format(const struct metrics *metrics, struct buf *to)
{
#define METRIC(name, text, type, help)                                                             \
	write_head(to, text, #type, help);                                                         \
	buf_printf(to, "%s %llu\n", text, (unsigned long long)metrics->values[METRIC_##name]);
#define FAMILY(name, text, type, help)                                                             \
	write_head(to, text, #type, help);                                                         \
	write_##name(metrics, text, to);
#include "ops/metric.def"
#undef METRIC
#undef FAMILY
}
