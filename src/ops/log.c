/* SPDX-License-Identifier: Apache-2.0 */
#include "ops/log.h"

#include "base/buf.h"
#include "base/when.h"
#include "wire/json_write.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const level_names[] = {
    [LOG_ERROR] = "error",
    [LOG_WARNING] = "warning",
    [LOG_INFO] = "info",
};

/* The log of the process: the one thing that every room may speak to. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t has_lines;
	struct buf lines;      /* waiting; under the lock */
	uint64_t dropped;      /* since the last line that said so; under the lock */
	uint64_t dropped_told; /* by such lines; under the lock */
	bool running, stopping;
	bool gathering; /* the writer lets lines gather; under the lock */
	pthread_t writer;
	int fd;
	enum log_form form;
} log_state = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .has_lines = PTHREAD_COND_INITIALIZER,
    .fd = STDERR_FILENO,
    .form = LOG_FORM_JSON,
};

/* ---- the line -------------------------------------------------------------------------------- */

size_t log_dangerous_len(struct bytes text)
{
	const unsigned char *at = (const unsigned char *)text.at;
	if (at[0] < 0x20 || at[0] == 0x7F)
		return 1;
	if (text.len >= 2 && ((at[0] == 0xC2 && at[1] < 0xA0) || (at[0] == 0xD8 && at[1] == 0x9C)))
		return 2;
	if (text.len >= 3 && at[0] == 0xE2) {
		bool marks = at[1] == 0x80 &&
		             ((at[2] >= 0x8E && at[2] <= 0x8F) || (at[2] >= 0xA8 && at[2] <= 0xAE));
		bool isolates = at[1] == 0x81 && at[2] >= 0xA6 && at[2] <= 0xA9;
		if (marks || isolates)
			return 3;
	}
	return 0;
}

/* The character of a dangerous sequence, which has one to three octets. */
static unsigned dangerous_char(const char *sequence, size_t len)
{
	const unsigned char *at = (const unsigned char *)sequence;
	if (len == 1)
		return at[0];
	return len == 2 ? (at[0] & 0x1Fu) << 6 | (at[1] & 0x3Fu)
	                : (at[0] & 0x0Fu) << 12 | (at[1] & 0x3Fu) << 6 | (at[2] & 0x3Fu);
}

/* JSON may hold what steers a terminal; a line that somebody looks at must not. */
static void json_member(struct json_writer *json, const char *name, struct bytes text)
{
	struct buf *to = json->buf;
	size_t from = to->len, at = from, len;
	char copy[LOG_LINE_MAX];
	json_write_text_member(json, name, text);
	while (at < to->len && !log_dangerous_len(bytes_from(buf_bytes(to), at)))
		at++;
	if (to->failed || at == to->len)
		return;
	struct bytes rest = {copy, to->len - from};
	if (rest.len > sizeof(copy)) {
		to->failed = true; /* longer than any line */
		return;
	}
	memcpy(copy, to->at + from, rest.len);
	for (to->len = from; rest.len; rest = bytes_from(rest, len ? len : 1)) {
		len = log_dangerous_len(rest);
		if (len)
			buf_printf(to, "\\u%04x", dangerous_char(rest.at, len));
		else
			buf_add_char(to, rest.at[0]);
	}
}

static void format_json(struct buf *to, const char *when, enum log_level level, const char *event,
                        const struct log_field *fields, size_t fields_n)
{
	struct json_writer json;
	json_writer_init(&json, to);
	json_write_object(&json);
	json_write_text_member(&json, "time", bytes_from_text(when));
	json_write_text_member(&json, "level", bytes_from_text(level_names[level]));
	json_write_text_member(&json, "event", bytes_from_text(event));
	for (size_t i = 0; i < fields_n; i++) {
		char masked[NUMBER_MASK_LEN + 1];
		switch (fields[i].kind) {
		case LOG_KIND_TEXT:
			if (fields[i].text.at)
				json_member(&json, fields[i].name, fields[i].text);
			break;
		case LOG_KIND_I64:
			json_write_i64_member(&json, fields[i].name, fields[i].i64);
			break;
		case LOG_KIND_NUMBER:
			number_mask(fields[i].number, masked);
			json_write_text_member(&json, fields[i].name, bytes_from_text(masked));
			break;
		}
	}
	json_write_object_end(&json);
	buf_add_char(to, '\n');
}

/* Whether the value can stand without quotes: nothing in it ends it early or looks like a field. */
static bool is_bare(struct bytes text)
{
	for (struct bytes rest = text; rest.len; rest = bytes_from(rest, 1))
		if (log_dangerous_len(rest) || memchr(" \"\\=", rest.at[0], 4))
			return false;
	return text.len && bytes_are_utf8(text);
}

/* What could do harm, and in a text that is not UTF-8 every octet that is not ASCII, becomes \xNN.
 */
static void add_value(struct buf *to, struct bytes text)
{
	if (is_bare(text)) {
		buf_add(to, text);
		return;
	}
	bool is_utf8 = bytes_are_utf8(text);
	buf_add_char(to, '"');
	while (text.len) {
		size_t escaped = !is_utf8 && text.at[0] & '\x80' ? 1 : log_dangerous_len(text);
		for (size_t i = 0; i < escaped; i++)
			buf_printf(to, "\\x%02x", (unsigned char)text.at[i]);
		if (!escaped) {
			if (text.at[0] == '"' || text.at[0] == '\\')
				buf_add_char(to, '\\');
			buf_add_char(to, text.at[0]);
		}
		text = bytes_from(text, escaped ? escaped : 1);
	}
	buf_add_char(to, '"');
}

static void format_text(struct buf *to, bool coloured, const char *when, enum log_level level,
                        const char *event, const struct log_field *fields, size_t fields_n)
{
	static const char *const colours[] = {
	    [LOG_ERROR] = "\x1b[31m",
	    [LOG_WARNING] = "\x1b[33m",
	    [LOG_INFO] = "\x1b[32m",
	};
	buf_printf(to, "%s %s%-7s%s %s", when, coloured ? colours[level] : "", level_names[level],
	           coloured ? "\x1b[0m" : "", event);
	for (size_t i = 0; i < fields_n; i++) {
		char masked[NUMBER_MASK_LEN + 1];
		if (fields[i].kind == LOG_KIND_TEXT && !fields[i].text.at)
			continue;
		buf_printf(to, "  %s=", fields[i].name);
		switch (fields[i].kind) {
		case LOG_KIND_TEXT:
			add_value(to, fields[i].text);
			break;
		case LOG_KIND_I64:
			buf_printf(to, "%lld", (long long)fields[i].i64);
			break;
		case LOG_KIND_NUMBER:
			number_mask(fields[i].number, masked);
			buf_add_text(to, masked);
			break;
		}
	}
	buf_add_char(to, '\n');
}

void log_format(struct buf *to, enum log_form form, int64_t at_ms, enum log_level level,
                const char *event, const struct log_field *fields, size_t fields_n)
{
	char when[WHEN_TEXT_LEN + 1];
	when_format(at_ms, when);
	if (form == LOG_FORM_TEXT || form == LOG_FORM_COLOUR)
		format_text(to, form == LOG_FORM_COLOUR, when, level, event, fields, fields_n);
	else
		format_json(to, when, level, event, fields, fields_n);
}

/* ---- the writer ------------------------------------------------------------------------------ */

static void write_all(int fd, struct bytes out)
{
	while (out.len) {
		ssize_t wrote = write(fd, out.at, out.len);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote <= 0)
			return; /* nobody is left to tell */
		out = bytes_from(out, (size_t)wrote);
	}
}

static int64_t wall_ms(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * SECONDS_MS + now.tv_nsec / 1000000;
}

/* Waits a while with the lock held, whoever says something meanwhile. */
static void lines_gather(void)
{
	struct timespec until;
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += LOG_GATHER_MS * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	log_state.gathering = true;
	while (
	    !log_state.stopping && log_state.lines.len < LOG_GATHER_MAX &&
	    !pthread_cond_clockwait(&log_state.has_lines, &log_state.lock, CLOCK_MONOTONIC, &until))
		;
	log_state.gathering = false;
}

static void *writer_run(void *unused)
{
	struct buf taken;
	(void)unused;
	buf_init(&taken, 0);
	(void)pthread_mutex_lock(&log_state.lock);
	while (!log_state.stopping || log_state.lines.len) {
		if (!log_state.lines.len) {
			(void)pthread_cond_wait(&log_state.has_lines, &log_state.lock);
			continue;
		}
		struct buf full = log_state.lines;
		log_state.lines = taken;
		if (log_state.dropped) {
			struct log_field field = log_i64("lines", (int64_t)log_state.dropped);
			full.max = 0;
			full.failed = false;
			log_format(&full, log_state.form, wall_ms(), LOG_WARNING, "log-dropped",
			           &field, 1);
			log_state.dropped_told += log_state.dropped;
			log_state.dropped = 0;
		}
		(void)pthread_mutex_unlock(&log_state.lock);
		write_all(log_state.fd, buf_bytes(&full));
		buf_clear(&full);
		taken = full;
		(void)pthread_mutex_lock(&log_state.lock);
		lines_gather();
	}
	(void)pthread_mutex_unlock(&log_state.lock);
	buf_done(&taken);
	return NULL;
}

/* Colours are for terminals whose user has not said no: no-color.org. */
static enum log_form form_of(int fd)
{
	const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");
	if (!isatty(fd))
		return LOG_FORM_JSON;
	bool plain = (no && no[0]) || (terminal && strcmp(terminal, "dumb") == 0);
	return plain ? LOG_FORM_TEXT : LOG_FORM_COLOUR;
}

enum err log_start(int fd, enum log_form form)
{
	log_state.fd = fd;
	log_state.form = form == LOG_FORM_AUTO ? form_of(fd) : form;
	log_state.stopping = false;
	if (pthread_create(&log_state.writer, NULL, writer_run, NULL) != 0)
		return ERR_NO_MEMORY;
	log_state.running = true;
	return OK;
}

void log_stop(void)
{
	if (!log_state.running)
		return;
	(void)pthread_mutex_lock(&log_state.lock);
	log_state.stopping = true;
	(void)pthread_cond_signal(&log_state.has_lines);
	(void)pthread_mutex_unlock(&log_state.lock);
	(void)pthread_join(log_state.writer, NULL);
	log_state.running = false;
	buf_done(&log_state.lines);
}

uint64_t log_dropped(void)
{
	(void)pthread_mutex_lock(&log_state.lock);
	uint64_t dropped = log_state.dropped_told + log_state.dropped;
	(void)pthread_mutex_unlock(&log_state.lock);
	return dropped;
}

/* Each thread makes its lines in memory of its own. */
static _Thread_local struct {
	bool waits_for_flush;
	size_t len, lines;
	char at[LOG_BATCH_MAX + 1];
} batch;

static void batch_hand_over(void)
{
	if (!log_state.running) {
		write_all(log_state.fd, (struct bytes){batch.at, batch.len});
		batch.len = batch.lines = 0;
		return;
	}
	(void)pthread_mutex_lock(&log_state.lock);
	bool was_empty = log_state.lines.len == 0;
	if (log_state.lines.len + batch.len > LOG_BUFFER_MAX)
		log_state.dropped += batch.lines;
	else
		buf_add(&log_state.lines, (struct bytes){batch.at, batch.len});
	if (log_state.lines.failed) {
		log_state.lines.failed = false;
		log_state.dropped += batch.lines;
	}
	if (log_state.gathering ? log_state.lines.len >= LOG_GATHER_MAX : was_empty)
		(void)pthread_cond_signal(&log_state.has_lines);
	(void)pthread_mutex_unlock(&log_state.lock);
	batch.len = batch.lines = 0;
}

void log_flush(void)
{
	batch.waits_for_flush = true;
	if (batch.len)
		batch_hand_over();
}

void log_event(enum log_level level, const char *event, const struct log_field *fields,
               size_t fields_n)
{
	if (LOG_BATCH_MAX - batch.len < LOG_LINE_MAX)
		batch_hand_over();
	/* A buf keeps room for a NUL behind what it holds. */
	struct buf line;
	buf_init_fixed(&line, batch.at + batch.len, LOG_LINE_MAX + 1);
	log_format(&line, log_state.form, wall_ms(), level, event, fields, fields_n);
	if (line.failed) {
		/* Too long to be true: the event alone. */
		buf_clear(&line);
		log_format(&line, log_state.form, wall_ms(), level, event, NULL, 0);
	}
	batch.len += line.len;
	batch.lines++;
	if (!batch.waits_for_flush)
		batch_hand_over();
}
