/* SPDX-License-Identifier: Apache-2.0 */
/* One line an event, whatever stands in a field; and the writer: what waits, what is dropped. */
#include "cases.h"
#include "support/unit.h"

#include "base/buf.h"
#include "ops/log.h"
#include "wire/json_object.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define AT_MS INT64_C(1932887700120) /* 2031-04-02T09:15:00.120Z */
#define WHEN "2031-04-02T09:15:00.120Z"

/* ---- the line -------------------------------------------------------------------------------- */

#define TEXT(literal)                                                                              \
	{                                                                                          \
		"" literal, sizeof(literal) - 1                                                    \
	}

static const struct value_row {
	const char *name;
	struct bytes value;
	const char *text; /* as it stands in readable text */
} value_rows[] = {
    {"a word", TEXT("demo"), "demo"},
    {"a path", TEXT("/webapi/verify"), "/webapi/verify"},
    {"not ASCII", TEXT("Zo\xc3\xab"), "Zo\xc3\xab"},
    {"outside the first plane", TEXT("\xf0\x9f\x98\x80"), "\xf0\x9f\x98\x80"},
    {"nothing", TEXT(""), "\"\""},
    {"blanks", TEXT("out of memory"), "\"out of memory\""},
    {"what looks like a field", TEXT("a  outcome=approved"), "\"a  outcome=approved\""},
    {"an equals sign", TEXT("a=b"), "\"a=b\""},
    {"a quote", TEXT("a\"b"), "\"a\\\"b\""},
    {"a backslash", TEXT("a\\x1b"), "\"a\\\\x1b\""},
    {"a newline", TEXT("a\nb"), "\"a\\x0ab\""},
    {"a carriage return", TEXT("a\rb"), "\"a\\x0db\""},
    {"a tab", TEXT("a\tb"), "\"a\\x09b\""},
    {"NUL", TEXT("a\0b"), "\"a\\x00b\""},
    {"the last of C0", TEXT("a\x1f"), "\"a\\x1f\""},
    {"ESC [ 2 J", TEXT("\x1b[2J"), "\"\\x1b[2J\""},
    {"DEL", TEXT("\x7f"), "\"\\x7f\""},
    {"C1: the first", TEXT("\xc2\x80"), "\"\\xc2\\x80\""},
    {"C1: NEL", TEXT("\xc2\x85"), "\"\\xc2\\x85\""},
    {"C1: CSI",
     TEXT("\xc2\x9b"
          "31m"),
     "\"\\xc2\\x9b31m\""},
    {"C1: the last", TEXT("\xc2\x9f"), "\"\\xc2\\x9f\""},
    {"no-break space is none", TEXT("\xc2\xa0"), "\xc2\xa0"},
    {"bidi: Arabic letter mark", TEXT("\xd8\x9c"), "\"\\xd8\\x9c\""},
    {"an Arabic letter is none", TEXT("\xd8\xa7"), "\xd8\xa7"},
    {"bidi: left-to-right mark", TEXT("\xe2\x80\x8e"), "\"\\xe2\\x80\\x8e\""},
    {"bidi: right-to-left mark", TEXT("\xe2\x80\x8f"), "\"\\xe2\\x80\\x8f\""},
    {"a hyphen is none", TEXT("\xe2\x80\x90"), "\xe2\x80\x90"},
    {"line separator", TEXT("\xe2\x80\xa8"), "\"\\xe2\\x80\\xa8\""},
    {"paragraph separator", TEXT("\xe2\x80\xa9"), "\"\\xe2\\x80\\xa9\""},
    {"bidi: embedding", TEXT("\xe2\x80\xaa"), "\"\\xe2\\x80\\xaa\""},
    {"bidi: override",
     TEXT("a\xe2\x80\xae"
          "b"),
     "\"a\\xe2\\x80\\xaeb\""},
    {"narrow space is none", TEXT("\xe2\x80\xaf"), "\xe2\x80\xaf"},
    {"bidi: isolate", TEXT("\xe2\x81\xa6"), "\"\\xe2\\x81\\xa6\""},
    {"bidi: pop isolate", TEXT("\xe2\x81\xa9"), "\"\\xe2\\x81\\xa9\""},
    {"not UTF-8: a stray octet",
     TEXT("a\xff"
          "b"),
     "\"a\\xffb\""},
    {"not UTF-8: C1 as one octet",
     TEXT("\x9b"
          "31m"),
     "\"\\x9b31m\""},
    {"not UTF-8: cut short", TEXT("\xe2\x80"), "\"\\xe2\\x80\""},
    {"not UTF-8: overlong newline", TEXT("\xc0\x8a"), "\"\\xc0\\x8a\""},
    {"not UTF-8: with a newline too", TEXT("\xff\n"), "\"\\xff\\x0a\""},
};

static void a_value_stays_in_its_place(void **state)
{
	const struct value_row *row = ROW_OF(state, struct value_row);
	const struct log_field fields[] = {log_text("tenant", row->value), log_i64("ms", -3)};
	struct buf line;
	char expected[256];
	buf_init(&line, 0);
	log_format(&line, LOG_FORM_TEXT, AT_MS, LOG_WARNING, "send", fields, COUNT(fields));
	(void)snprintf(expected, sizeof(expected), WHEN " warning send  tenant=%s  ms=-3\n",
	               row->text);
	assert_int_equal(line.len, strlen(expected));
	assert_memory_equal(line.at, expected, line.len);
	buf_done(&line);
}

struct line {
	struct bytes time, level, event, tenant;
	struct json_integer ms;
};

static const struct json_member line_members[] = {
    {{"time", 4}, JSON_TEXT, offsetof(struct line, time)},
    {{"level", 5}, JSON_TEXT, offsetof(struct line, level)},
    {{"event", 5}, JSON_TEXT, offsetof(struct line, event)},
    {{"tenant", 6}, JSON_TEXT, offsetof(struct line, tenant)},
    {{"ms", 2}, JSON_INTEGER, offsetof(struct line, ms)},
};

static void line_read(struct bytes line, struct arena *arena, struct line *ret)
{
	static const struct json_options strict = {
	    .depth_max = 4, .unknown_refused = true, .duplicates_refused = true};
	struct json_found found;
	struct json_refusal refusal;
	enum err err = json_object_read(line, &strict, line_members, COUNT(line_members), arena,
	                                ret, &found, &refusal);
	if (err)
		fail_msg("%s: %.*s", refusal.why, (int)line.len, line.at);
	assert_int_equal(found.wrong_type, 0);
}

static void json_parses_back_equal(void **state)
{
	const struct value_row *row = ROW_OF(state, struct value_row);
	const struct log_field fields[] = {log_text("tenant", row->value), log_i64("ms", -3)};
	struct buf line;
	struct line read;
	struct arena arena;
	buf_init(&line, 0);
	arena_init(&arena);
	log_format(&line, LOG_FORM_JSON, AT_MS, LOG_INFO, "send", fields, COUNT(fields));
	assert_int_equal(bytes_find(buf_bytes(&line), '\n'), line.len - 1);
	assert_true(bytes_are_utf8(buf_bytes(&line)));
	for (size_t i = 0; i + 1 < line.len; i++)
		assert_int_equal(log_dangerous_len(bytes_from(buf_bytes(&line), i)), 0);
	line_read(buf_bytes(&line), &arena, &read);
	assert_true(bytes_equal(read.time, BYTES(WHEN)));
	assert_true(bytes_equal(read.level, BYTES("info")));
	assert_true(bytes_equal(read.event, BYTES("send")));
	assert_int_equal(read.ms.value, -3);
	if (bytes_are_utf8(row->value))
		assert_true(bytes_equal(read.tenant, row->value));
	else
		assert_int_not_equal(read.tenant.len, 0);
	arena_done(&arena);
	buf_done(&line);
}

static void assert_line(enum log_form form, const struct log_field *fields, size_t n,
                        const char *expected)
{
	struct buf line;
	buf_init(&line, 0);
	log_format(&line, form, AT_MS, LOG_ERROR, "check", fields, n);
	buf_add_char(&line, '\0');
	assert_string_equal(line.at, expected);
	buf_done(&line);
}

static void both_forms_in_full(void **state)
{
	(void)state;
	const struct number number = {"447700900123"}, none = {""};
	const struct log_field fields[] = {
	    log_text("api", BYTES("dotdigital")),
	    log_text("absent", BYTES_NONE),
	    log_number("number", &number),
	    log_number("other", &none),
	    log_i64("ms", INT64_MAX),
	    log_i64("least", INT64_MIN),
	};
	assert_line(LOG_FORM_TEXT, fields, COUNT(fields),
	            WHEN " error   check  api=dotdigital  number=+44******23  other=-  "
	                 "ms=9223372036854775807  least=-9223372036854775808\n");
	assert_line(LOG_FORM_JSON, fields, COUNT(fields),
	            "{\"time\":\"" WHEN "\",\"level\":\"error\",\"event\":\"check\","
	            "\"api\":\"dotdigital\",\"number\":\"+44******23\",\"other\":\"-\","
	            "\"ms\":9223372036854775807,\"least\":-9223372036854775808}\n");
	assert_line(LOG_FORM_TEXT, NULL, 0, WHEN " error   check\n");
	assert_line(LOG_FORM_JSON, NULL, 0,
	            "{\"time\":\"" WHEN "\",\"level\":\"error\",\"event\":\"check\"}\n");
}

/* ---- the writer ------------------------------------------------------------------------------ */

/* What comes out of a descriptor until its other end is closed, read by a thread that begins when
 * it is let. */
struct reader {
	int in, out; /* the log writes to `out` */
	pthread_t thread;
	struct buf got;
};

static void *reader_run(void *data)
{
	struct reader *reader = data;
	char *room;
	ssize_t n;
	while ((room = buf_reserve(&reader->got, 1 << 16)) &&
	       (n = read(reader->in, room, 1 << 16)) > 0)
		reader->got.len += (size_t)n;
	return NULL;
}

static void reader_init(struct reader *reader)
{
	int ends[2];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	*reader = (struct reader){.in = ends[0], .out = ends[1]};
	buf_init(&reader->got, 0);
}

static void reader_start(struct reader *reader)
{
	assert_int_equal(pthread_create(&reader->thread, NULL, reader_run, reader), 0);
}

static void reader_end(struct reader *reader)
{
	(void)close(reader->out);
	(void)pthread_join(reader->thread, NULL);
	(void)close(reader->in);
	assert_false(reader->got.failed);
}

static bool next_line(struct bytes *rest, struct bytes *ret)
{
	if (!rest->len)
		return false;
	size_t len = bytes_find(*rest, '\n');
	assert_true(len < rest->len);
	*ret = bytes_first(*rest, len);
	*rest = bytes_from(*rest, len + 1);
	return true;
}

static bool contains(struct bytes in, const char *what)
{
	return memmem(in.at, in.len, what, strlen(what));
}

/* A field of each length around the edge: the longest line that fits is written whole, the next
 * loses its fields. */
static void a_line_too_long_keeps_its_event(void **state)
{
	enum log_form form = *(enum log_form *)*state;
	static char text[LOG_LINE_MAX + 64];
	struct reader reader;
	reader_init(&reader);
	reader_start(&reader);
	memset(text, 'x', sizeof(text));
	assert_int_equal(log_start(reader.out, form), OK);
	for (size_t len = LOG_LINE_MAX - 128; len < sizeof(text); len++)
		LOG(LOG_INFO, "long", log_text("tenant", (struct bytes){text, len}));
	log_stop();
	reader_end(&reader);
	struct bytes rest = buf_bytes(&reader.got), line;
	size_t longest = 0, cut = 0, lines = 0;
	while (next_line(&rest, &line)) {
		bool has_field = contains(line, "tenant");
		lines++;
		cut += !has_field;
		if (has_field && line.len + 1 > longest)
			longest = line.len + 1;
		assert_true(contains(line, "long"));
		/* Once too long, always too long. */
		assert_true(!has_field || !cut);
	}
	assert_int_equal(lines, sizeof(text) - (LOG_LINE_MAX - 128));
	assert_int_equal(longest, LOG_LINE_MAX);
	buf_done(&reader.got);
}

static void a_pipe_gets_json_and_a_terminal_text(void **state)
{
	(void)state;
	struct reader reader;
	char line[256];
	reader_init(&reader);
	reader_start(&reader);
	assert_int_equal(log_start(reader.out, LOG_FORM_AUTO), OK);
	LOG(LOG_INFO, "hello", log_i64("n", 1));
	log_stop();
	reader_end(&reader);
	assert_int_equal(reader.got.at[0], '{');
	buf_done(&reader.got);

	static const struct {
		const char *no_color, *shown;
	} rows[] = {
	    {"1", " info    hello  n=1\r\n"},
	    {"", " \x1b[32minfo   \x1b[0m hello  n=1\r\n"},
	};
	assert_int_equal(setenv("TERM", "xterm", 1), 0);
	int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
	int shown = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(shown >= 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(setenv("NO_COLOR", rows[i].no_color, 1), 0);
		assert_int_equal(log_start(shown, LOG_FORM_AUTO), OK);
		LOG(LOG_INFO, "hello", log_i64("n", 1));
		log_stop();
		ssize_t n = read(terminal, line, sizeof(line));
		assert_row(rows[i].shown,
		           n > 0 && contains((struct bytes){line, (size_t)n}, rows[i].shown));
	}
	(void)close(shown);
	(void)close(terminal);
}

/* Before a start and after a stop the caller writes by itself. */
static void nobody_is_needed_to_write(void **state)
{
	(void)state;
	struct reader reader;
	reader_init(&reader);
	reader_start(&reader);
	log_stop();
	assert_int_equal(log_start(reader.out, LOG_FORM_TEXT), OK);
	LOG(LOG_INFO, "first");
	log_stop();
	log_stop();
	LOG(LOG_INFO, "second");
	assert_int_equal(log_start(reader.out, LOG_FORM_TEXT), OK);
	LOG(LOG_INFO, "third");
	log_stop();
	reader_end(&reader);
	struct bytes rest = buf_bytes(&reader.got), line;
	assert_true(next_line(&rest, &line) && contains(line, "info    first"));
	assert_true(next_line(&rest, &line) && contains(line, "info    second"));
	assert_true(next_line(&rest, &line) && contains(line, "info    third"));
	assert_int_equal(rest.len, 0);
	buf_done(&reader.got);
}

struct dropped {
	struct bytes event;
	struct json_integer lines;
};

static const struct json_member dropped_members[] = {
    {{"event", 5}, JSON_TEXT, offsetof(struct dropped, event)},
    {{"lines", 5}, JSON_INTEGER, offsetof(struct dropped, lines)},
};

/* Counts the lines, and adds what lines say was dropped. */
static void lines_count(struct bytes rest, size_t *ret_lines, size_t *ret_dropped)
{
	static const struct json_options any = {.depth_max = 4};
	struct arena arena;
	struct bytes line;
	*ret_lines = *ret_dropped = 0;
	arena_init(&arena);
	while (next_line(&rest, &line)) {
		struct dropped read;
		struct json_found found;
		struct json_refusal refusal;
		assert_int_equal(json_object_read(line, &any, dropped_members,
		                                  COUNT(dropped_members), &arena, &read, &found,
		                                  &refusal),
		                 OK);
		if (bytes_equal(read.event, BYTES("log-dropped")))
			*ret_dropped += (size_t)read.lines.value;
		else
			++*ret_lines;
		arena_reset(&arena);
	}
	arena_done(&arena);
}

static void what_a_sleeping_reader_misses_is_counted(void **state)
{
	(void)state;
	static char text[4000];
	size_t total = 3 * LOG_BUFFER_MAX / sizeof(text), lines, dropped;
	uint64_t dropped_before = log_dropped();
	struct reader reader;
	memset(text, 'y', sizeof(text));
	reader_init(&reader);
	assert_int_equal(log_start(reader.out, LOG_FORM_JSON), OK);
	for (size_t i = 0; i < total; i++)
		LOG(LOG_INFO, "flood", log_text("text", (struct bytes){text, sizeof(text)}));
	reader_start(&reader);
	log_stop();
	reader_end(&reader);
	lines_count(buf_bytes(&reader.got), &lines, &dropped);
	assert_int_equal(lines + dropped, total);
	assert_int_equal(log_dropped() - dropped_before, dropped);
	/* At most what the pipe and the two buffers hold. */
	assert_true(dropped > 0 && lines <= 2 * LOG_BUFFER_MAX / sizeof(text) + 64);
	assert_true(lines >= LOG_BUFFER_MAX / (sizeof(text) + 200));
	buf_done(&reader.got);
}

/* A reader who has gone stops nobody. */
static void a_broken_pipe_is_survived(void **state)
{
	(void)state;
	struct reader reader;
	reader_init(&reader);
	(void)close(reader.in);
	assert_int_equal(log_start(reader.out, LOG_FORM_JSON), OK);
	for (int i = 0; i < 1000; i++)
		LOG(LOG_INFO, "unheard", log_i64("i", i));
	log_stop();
	(void)close(reader.out);
}

#define THREADS 8
#define LINES_EACH 2000

static void *speaker_run(void *data)
{
	for (int64_t i = 0; i < LINES_EACH; i++)
		LOG(LOG_INFO, "said", log_text("tenant", bytes_from_text(data)), log_i64("ms", i));
	return NULL;
}

static void lines_of_many_threads_stay_whole(void **state)
{
	(void)state;
	static const char *const names[THREADS] = {"0", "1", "2", "3", "4", "5", "6", "7"};
	pthread_t threads[THREADS];
	struct reader reader;
	int64_t next[THREADS] = {0};
	reader_init(&reader);
	reader_start(&reader);
	assert_int_equal(log_start(reader.out, LOG_FORM_JSON), OK);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, speaker_run, (void *)(uintptr_t)names[i]), 0);
	for (int i = 0; i < THREADS; i++)
		(void)pthread_join(threads[i], NULL);
	log_stop();
	reader_end(&reader);
	struct bytes rest = buf_bytes(&reader.got), text;
	struct arena arena;
	arena_init(&arena);
	while (next_line(&rest, &text)) {
		struct line line;
		line_read(text, &arena, &line);
		/* Each thread's lines come in its order. */
		int64_t *expected = &next[line.tenant.at[0] - '0'];
		assert_int_equal(line.ms.value, *expected);
		++*expected;
		arena_reset(&arena);
	}
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(next[i], LINES_EACH);
	arena_done(&arena);
	buf_done(&reader.got);
}

/* ---- a round's lines together ---------------------------------------------------------------- */

static void *rounds_run(void *unused)
{
	static char text[1000];
	(void)unused;
	memset(text, 'z', sizeof(text));
	log_flush();
	LOG(LOG_INFO, "first of a round", log_i64("ms", 0));
	speaker_run((void *)(uintptr_t) "0");
	for (int64_t i = 0; i < 2 * LOG_BATCH_MAX / (int64_t)sizeof(text); i++)
		LOG(LOG_INFO, "much", log_text("tenant", (struct bytes){text, sizeof(text)}),
		    log_i64("ms", i));
	log_flush();
	log_flush();
	return NULL;
}

/* More than a batch holds leaves in between; all of it comes, once and in order. */
static void a_round_of_lines_waits_for_its_flush(void **state)
{
	(void)state;
	struct reader reader;
	pthread_t thread;
	reader_init(&reader);
	reader_start(&reader);
	assert_int_equal(log_start(reader.out, LOG_FORM_JSON), OK);
	assert_int_equal(pthread_create(&thread, NULL, rounds_run, NULL), 0);
	(void)pthread_join(thread, NULL);
	log_stop();
	reader_end(&reader);
	struct bytes rest = buf_bytes(&reader.got), text;
	struct arena arena;
	size_t lines = 0, expected = 1 + LINES_EACH + 2 * LOG_BATCH_MAX / 1000;
	arena_init(&arena);
	for (; next_line(&rest, &text); lines++) {
		struct line line;
		line_read(text, &arena, &line);
		size_t index = (size_t)line.ms.value;
		if (bytes_equal(line.event, BYTES("said")))
			index += 1;
		else if (bytes_equal(line.event, BYTES("much")))
			index += 1 + LINES_EACH;
		assert_int_equal(index, lines);
		arena_reset(&arena);
	}
	assert_int_equal(lines, expected);
	arena_done(&arena);
	buf_done(&reader.got);
}

static void *unflushed_run(void *unused)
{
	(void)unused;
	log_flush();
	LOG(LOG_INFO, "later");
	LOG(LOG_INFO, "later still");
	LOG(LOG_INFO, "never: the thread ends without a flush");
	return NULL;
}

static void lines_wait_until_they_are_flushed(void **state)
{
	(void)state;
	struct reader reader;
	pthread_t thread;
	reader_init(&reader);
	reader_start(&reader);
	assert_int_equal(log_start(reader.out, LOG_FORM_JSON), OK);
	assert_int_equal(pthread_create(&thread, NULL, unflushed_run, NULL), 0);
	(void)pthread_join(thread, NULL);
	LOG(LOG_INFO, "sooner");
	log_stop();
	reader_end(&reader);
	assert_true(contains(buf_bytes(&reader.got), "sooner"));
	assert_false(contains(buf_bytes(&reader.got), "later"));
	buf_done(&reader.got);
}

int main(void)
{
	static struct cases cases;
	static enum log_form json = LOG_FORM_JSON, text = LOG_FORM_TEXT;
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nobody_is_needed_to_write),
	    cmocka_unit_test(both_forms_in_full),
	    {"a line too long, JSON", a_line_too_long_keeps_its_event, NULL, NULL, &json},
	    {"a line too long, text", a_line_too_long_keeps_its_event, NULL, NULL, &text},
	    cmocka_unit_test(a_pipe_gets_json_and_a_terminal_text),
	    cmocka_unit_test(what_a_sleeping_reader_misses_is_counted),
	    cmocka_unit_test(a_broken_pipe_is_survived),
	    cmocka_unit_test(lines_of_many_threads_stay_whole),
	    cmocka_unit_test(a_round_of_lines_waits_for_its_flush),
	    cmocka_unit_test(lines_wait_until_they_are_flushed),
	};
	(void)signal(SIGPIPE, SIG_IGN);
	CASES_ADD(&cases, tests);
	CASES_ADD_ROWS(&cases, "text", value_rows, a_value_stays_in_its_place);
	CASES_ADD_ROWS(&cases, "JSON", value_rows, json_parses_back_equal);
	return cases_run("log", &cases);
}
