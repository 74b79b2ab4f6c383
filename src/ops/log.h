/* SPDX-License-Identifier: Apache-2.0 */
/* The log on stderr: an event is a name with fields, one line each; JSON when stderr is not a
 * terminal, readable text when it is. A line is made by the thread that has something to say and
 * written by a thread of the log's own, so that a reader who sleeps stops nobody; when
 * LOG_BUFFER_MAX octets wait, further lines are dropped, and a line says how many. A line longer
 * than LOG_LINE_MAX is written without its fields. The first line after a silence is written at
 * once, those that follow it LOG_GATHER_MS apart: what a busy server says costs few wake-ups.
 *
 * In readable text a value that is more than a plain word stands in quotes, with \", \\ and \xNN
 * for whatever could end it or steer a terminal, so that nobody's words become a field or a line.
 * In JSON the same stands as \uNNNN.
 *
 * Never in a field: a code, password, token, message text or whole number. */
#ifndef OPS_LOG_H
#define OPS_LOG_H

#include "base/bytes.h"
#include "base/err.h"
#include "base/number.h"

#include <stdint.h>

#define LOG_BUFFER_MAX ((size_t)4 << 20)
#define LOG_GATHER_MS 10
#define LOG_GATHER_MAX (LOG_BUFFER_MAX / 4) /* then they are not waited for */
#define LOG_LINE_MAX 4096
#define LOG_BATCH_MAX 65536

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO };

enum log_kind { LOG_KIND_TEXT, LOG_KIND_I64, LOG_KIND_NUMBER };

struct log_field {
	const char *name; /* a literal */
	enum log_kind kind;
	struct bytes text;
	int64_t i64;
	const struct number *number; /* written masked */
};

/* Fields for log_event. An absent text is left out. */
static inline struct log_field log_text(const char *name, struct bytes text)
{
	return (struct log_field){.name = name, .kind = LOG_KIND_TEXT, .text = text};
}

static inline struct log_field log_i64(const char *name, int64_t value)
{
	return (struct log_field){.name = name, .kind = LOG_KIND_I64, .i64 = value};
}

static inline struct log_field log_number(const char *name, const struct number *number)
{
	return (struct log_field){.name = name, .kind = LOG_KIND_NUMBER, .number = number};
}

enum log_form { LOG_FORM_AUTO, LOG_FORM_JSON, LOG_FORM_TEXT, LOG_FORM_COLOUR };

/* Starts the writer to descriptor `fd`; before that, lines are written at once by the caller.
 * AUTO asks whether `fd` is a terminal, and NO_COLOR and TERM whether it wants colours. */
MUST_CHECK enum err log_start(int fd, enum log_form form);
/* Writes what waits and ends the writer. */
void log_stop(void);

/* Hands over what this thread has said since. From the first call on, the thread's lines wait for
 * the next one, or until there are LOG_BATCH_MAX octets: a loop calls it at the end of each round,
 * so that a round costs one wake-up of the writer and not one a line. */
void log_flush(void);

/* One line. Any thread; never waits. `event` is a literal. */
void log_event(enum log_level level, const char *event, const struct log_field *fields,
               size_t fields_n);

#define LOG(level, event, ...)                                                                     \
	log_event((level), (event), (const struct log_field[]){__VA_ARGS__},                       \
	          sizeof((const struct log_field[]){__VA_ARGS__}) / sizeof(struct log_field))

/* Lines dropped since the start. Any thread. */
uint64_t log_dropped(void);

/* The length of the sequence at the start of `text` (not empty, UTF-8) that could steer a terminal
 * or reorder a line: C0, DEL, C1, the bidi controls, the line and paragraph separators. 0:
 * harmless.
 */
size_t log_dangerous_len(struct bytes text);

/* The line itself, with its line end, for tests. */
struct buf;
void log_format(struct buf *to, enum log_form form, int64_t at_ms, enum log_level level,
                const char *event, const struct log_field *fields, size_t fields_n);

#endif
