/* SPDX-License-Identifier: Apache-2.0 */
/* The text of /metrics: every row of the table, each line well formed, what was counted in its
 * place. */
#include "cases.h"
#include "support/unit.h"

#include "ops/metrics.h"
#include "ops/settings.h"

#include <regex.h>

static struct metrics_counts counts;
static struct metrics sum;

static int on_setup(void **state)
{
	(void)state;
	memset(&counts, 0, sizeof(counts));
	sum = (struct metrics){.version = "1.2.3"};
	return 0;
}

/* The text, in static memory. */
static const char *text_of(const struct metrics *metrics)
{
	static char text[1 << 16];
	struct buf buf;
	buf_init(&buf, 0);
	metrics_format(metrics, &buf);
	assert_false(buf.failed);
	assert_true(buf.len < sizeof(text));
	memcpy(text, buf.at, buf.len);
	text[buf.len] = '\0';
	buf_done(&buf);
	return text;
}

static void assert_line(const char *text, const char *line)
{
	char whole[256];
	snprintf(whole, sizeof(whole), "\n%s\n", line);
	if (!strstr(text, whole))
		fail_msg("no line %s in:\n%s", line, text);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static const struct head_row {
	const char *name, *type, *help;
	bool is_family;
} head_rows[] = {
#define METRIC(name, text, type, help) {text, #type, help, false},
#define FAMILY(name, text, type, help) {text, #type, help, true},
#include "ops/metric.def"
#undef METRIC
#undef FAMILY
};

static void a_row_is_in_the_text_once(void **state)
{
	const struct head_row *row = ROW_OF(state, struct head_row);
	char head[512];
	const char *text = text_of(&sum);
	snprintf(head, sizeof(head), "# HELP %s %s\n# TYPE %s %s\n%s", row->name, row->help,
	         row->name, row->type, row->name);
	const char *found = strstr(text, head);
	assert_non_null(found);
	assert_null(strstr(found + 1, head));
	assert_null(strchr(row->help, '\\'));
	if (strcmp(row->type, "counter") == 0)
		assert_string_equal(row->name + strlen(row->name) - strlen("_total"), "_total");
}

static void a_number_stands_at_its_name(void **state)
{
	(void)state;
	char line[256];
	size_t n = 0;
	for (size_t i = 0; i < METRICS; i++)
		sum.values[i] = UINT64_MAX - i;
	const char *text = text_of(&sum);
	for (size_t i = 0; i < COUNT(head_rows); i++) {
		if (head_rows[i].is_family)
			continue;
		snprintf(line, sizeof(line), "%s %llu", head_rows[i].name,
		         (unsigned long long)(UINT64_MAX - n++));
		assert_line(text, line);
	}
	assert_int_equal(n, METRICS);
}

/* ---- syntax ---------------------------------------------------------------------------------- */

#define NAME "[a-z_][a-z0-9_]*"
#define LABEL NAME "=\"([^\"\\]|\\\\[\\\"n])*\""

static void every_line_is_well_formed(void **state)
{
	(void)state;
	regex_t sample, comment;
	assert_int_equal(regcomp(&sample,
	                         "^" NAME "(\\{" LABEL "(," LABEL ")*\\})? [0-9]+(\\.[0-9]+)?$",
	                         REG_EXTENDED | REG_NOSUB),
	                 0);
	assert_int_equal(regcomp(&comment,
	                         "^# (HELP " NAME " .+|TYPE " NAME " (counter|gauge|histogram))$",
	                         REG_EXTENDED | REG_NOSUB),
	                 0);
	sum.version = "odd \"quoted\" \\ and\nbroken";
	char *text = strdup(text_of(&sum)), *rest = text;
	assert_non_null(text);
	size_t samples = 0;
	assert_int_equal(text[strlen(text) - 1], '\n');
	for (char *line; (line = strsep(&rest, "\n")) && rest;) {
		if (regexec(line[0] == '#' ? &comment : &sample, line, 0, NULL, 0) != 0)
			fail_msg("not well formed: %s", line);
		samples += line[0] != '#';
	}
	assert_true(samples > METRICS);
	free(text);
	regfree(&sample);
	regfree(&comment);
}

static void a_label_is_escaped(void **state)
{
	(void)state;
	sum.version = "a\"b\\c\nd";
	assert_line(text_of(&sum), "verifyd_build_info{version=\"a\\\"b\\\\c\\nd\"} 1");
	sum.version = NULL;
	assert_line(text_of(&sum), "verifyd_build_info{version=\"\"} 1");
}

/* ---- counts ---------------------------------------------------------------------------------- */

static void loops_are_added_up(void **state)
{
	(void)state;
	metrics_answered(&counts, METRICS_API_MANAGE, 200, 0);
	metrics_answered(&counts, METRICS_API_MANAGE, 299, 0);
	metrics_answered(&counts, METRICS_API_MANAGE, 404, 0);
	metrics_answered(&counts, METRICS_API_HOUSE, 599, 0);
	metrics_decided(&counts, METRICS_API_DOTDIGITAL, OUTCOME_WRONG);
	metrics_failed(&counts, METRICS_API_DOTDIGITAL);
	metrics_add(&sum, &counts);
	metrics_add(&sum, &counts);
	const char *text = text_of(&sum);
	assert_line(text, "verifyd_requests_total{api=\"manage\",status=\"2xx\"} 4");
	assert_line(text, "verifyd_requests_total{api=\"manage\",status=\"3xx\"} 0");
	assert_line(text, "verifyd_requests_total{api=\"manage\",status=\"4xx\"} 2");
	assert_line(text, "verifyd_requests_total{api=\"house\",status=\"5xx\"} 2");
	assert_line(text, "verifyd_requests_total{api=\"operator\",status=\"2xx\"} 0");
	assert_line(text, "verifyd_outcomes_total{api=\"dotdigital\",outcome=\"wrong\"} 2");
	assert_line(text, "verifyd_outcomes_total{api=\"manage\",outcome=\"wrong\"} 0");
	assert_line(text, "verifyd_faults_total{api=\"dotdigital\"} 2");
}

#define TOOK "verifyd_request_duration_seconds_"

/* The edge of a bucket belongs to it; each holds all that were shorter. */
static void durations_fall_into_buckets(void **state)
{
	(void)state;
	static const int64_t took_ms[] = {-5, 0, 1, 2, 3, 10000, 10001};
	for (size_t i = 0; i < COUNT(took_ms); i++)
		metrics_answered(&counts, METRICS_API_DOTDIGITAL, 200, took_ms[i]);
	metrics_add(&sum, &counts);
	const char *text = text_of(&sum);
	assert_line(text, TOOK "bucket{api=\"dotdigital\",le=\"0.001\"} 3");
	assert_line(text, TOOK "bucket{api=\"dotdigital\",le=\"0.002\"} 4");
	assert_line(text, TOOK "bucket{api=\"dotdigital\",le=\"0.005\"} 5");
	assert_line(text, TOOK "bucket{api=\"dotdigital\",le=\"2.5\"} 5");
	assert_line(text, TOOK "bucket{api=\"dotdigital\",le=\"10\"} 6");
	assert_line(text, TOOK "bucket{api=\"dotdigital\",le=\"+Inf\"} 7");
	assert_line(text, TOOK "count{api=\"dotdigital\"} 7");
	assert_line(text, TOOK "sum{api=\"dotdigital\"} 20.007");
	assert_line(text, TOOK "count{api=\"manage\"} 0");
}

static void the_process_is_looked_at(void **state)
{
	(void)state;
	metrics_of_process(&sum);
	uint64_t before = sum.values[METRIC_OPEN_FDS];
	FILE *one = tmpfile();
	assert_non_null(one);
	metrics_of_process(&sum);
	assert_int_equal(sum.values[METRIC_OPEN_FDS], before + 1);
	assert_int_equal(fclose(one), 0);
	assert_true(sum.values[METRIC_RESIDENT_MEMORY] > 100000);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(a_number_stands_at_its_name, on_setup),
	    cmocka_unit_test_setup(every_line_is_well_formed, on_setup),
	    cmocka_unit_test_setup(a_label_is_escaped, on_setup),
	    cmocka_unit_test_setup(loops_are_added_up, on_setup),
	    cmocka_unit_test_setup(durations_fall_into_buckets, on_setup),
	    cmocka_unit_test_setup(the_process_is_looked_at, on_setup),
	};
	static struct cases cases;
	cases_add(&cases, tests, COUNT(tests));
	CASES_ADD_ROWS(&cases, "a row", head_rows, a_row_is_in_the_text_once);
	return cases_run("metrics", &cases);
}
