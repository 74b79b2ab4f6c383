/* SPDX-License-Identifier: Apache-2.0 */
/* Whether the log (WAL) is damaged in the middle. SQLite takes the first frame that is not right
 * for the log's end, and drops what follows without a word: right after a power cut, wrong when the
 * disk lost what it had promised to keep. Reads the file, changes nothing, knows no SQLite.
 *
 *      | header | frame | frame | COMMIT | frame | COMMIT | frame | COMMIT | ...
 *                                    bad ──┘
 *
 * The two are told apart by what follows. Each frame's checksum goes on from that of the frame
 * before, and each commit is synced before the next one is begun: so behind a power cut there is at
 * most the end of one transaction. Two commits, one after another in a chain of checksums that
 * holds, were both on disk once. (What a failed sync left is again the end of one transaction.
 * Damage in the last two commits looks like a power cut and cannot be told.)
 *
 * Another process may be writing meanwhile: a frame seen half-written is looked at again. */
#include "store/sqlite_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* SQLite's file format, section 4. */
#define LOG_HEADER 32
#define FRAME_HEADER 24
#define LOG_PAGE ((size_t)4096)
#define FRAME (FRAME_HEADER + LOG_PAGE)
#define LOG_MAGIC 0x377f0682 /* with its last bit set: checksums of big-endian words */

/* So many commits behind a bad frame are more than a power cut leaves. */
#define COMMITS_LOST 2

struct sum {
	uint32_t a, b;
};

struct log {
	int fd;
	bool begins_well; /* its header is right */
	bool big_endian;
	uint8_t salts[8];
	struct sum sum; /* of what was read last, as it is written there */
	uint8_t frame[FRAME];
};

static uint32_t u32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static struct sum sum_at(const uint8_t *at)
{
	return (struct sum){u32(at), u32(at + 4)};
}

static uint32_t word(const struct log *log, const uint8_t *at)
{
	return log->big_endian ? u32(at) : __builtin_bswap32(u32(at));
}

static struct sum sum_over(const struct log *log, struct sum sum, const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i += 8) {
		sum.a += word(log, at + i) + sum.b;
		sum.b += word(log, at + i + 4) + sum.a;
	}
	return sum;
}

static bool sum_equal(struct sum a, struct sum b)
{
	return a.a == b.a && a.b == b.b;
}

/* False: there is none, or it is cut. */
static bool read_at(const struct log *log, void *to, size_t len, off_t at)
{
	return pread(log->fd, to, len, at) == (ssize_t)len;
}

static off_t frame_at(size_t i)
{
	return (off_t)(LOG_HEADER + i * FRAME);
}

/* Reads frame i; *ret_holds: it belongs to this log and goes on from the one before. */
static bool frame_read(struct log *log, size_t i, bool *ret_holds)
{
	if (!read_at(log, log->frame, FRAME, frame_at(i)))
		return false;
	struct sum sum = sum_over(log, log->sum, log->frame, 8);
	sum = sum_over(log, sum, log->frame + FRAME_HEADER, LOG_PAGE);
	log->sum = sum_at(log->frame + 16);
	*ret_holds = memcmp(log->frame + 8, log->salts, 8) == 0 && sum_equal(sum, log->sum);
	return true;
}

/* False: there is no header. When it is damaged, the salts are those of the first frame. */
static bool log_begin(struct log *log)
{
	uint8_t header[LOG_HEADER];
	if (!read_at(log, header, sizeof(header), 0))
		return false;
	log->big_endian = header[3] & 1;
	log->sum = sum_at(header + 24);
	memcpy(log->salts, header + 16, sizeof(log->salts));
	log->begins_well = (u32(header) & ~1u) == LOG_MAGIC &&
	                   sum_equal(sum_over(log, (struct sum){0, 0}, header, 24), log->sum);
	return log->begins_well || read_at(log, log->salts, sizeof(log->salts), frame_at(0) + 8);
}

/* Where it stops to hold, when lost commits stand behind that; false: they do not. */
static bool damage_find(struct log *log, off_t *ret_bad, struct sum *ret_before)
{
	bool holds, is_bad = !log->begins_well;
	int commits = 0;
	struct sum before = log->sum;
	*ret_bad = 0;
	for (size_t i = 0; commits < COMMITS_LOST && frame_read(log, i, &holds); i++) {
		if (!is_bad && !holds) {
			is_bad = true;
			*ret_bad = frame_at(i);
			*ret_before = before;
		}
		commits = is_bad && holds ? commits + (u32(log->frame + 4) != 0) : 0;
		before = log->sum;
	}
	return commits == COMMITS_LOST;
}

/* Whether it was written meanwhile: began anew, or what was half-written is whole by now. */
static bool log_is_written(struct log *log, off_t bad, struct sum before)
{
	struct log now = {.fd = log->fd};
	bool holds = false;
	if (!log_begin(&now) || memcmp(now.salts, log->salts, sizeof(now.salts)) != 0)
		return true;
	if (bad == 0)
		return now.begins_well;
	log->sum = before;
	return !frame_read(log, (size_t)(bad - LOG_HEADER) / FRAME, &holds) || holds;
}

enum err log_check(const char *path, struct problem *reterr)
{
	char name[PATH_MAX];
	struct log *log = calloc(1, sizeof(*log));
	struct sum before = {0, 0};
	off_t bad = 0;
	enum err err = log ? OK : ERR_NO_MEMORY;
	if (!log || snprintf(name, sizeof(name), "%s-wal", path) >= PATH_MAX)
		goto out;
	log->fd = open(name, O_RDONLY | O_CLOEXEC);
	/* One that may not be read is told by SQLite. */
	if (log->fd < 0)
		goto out;
	if (log_begin(log) && damage_find(log, &bad, &before) &&
	    !log_is_written(log, bad, before)) {
		problem_say(
		    reterr,
		    "%s: damaged at octet %lld, and what was committed after it cannot be "
		    "read; nothing was changed: restore a backup, or keep a copy and give up "
		    "what follows: sqlite3 verifyd.db 'PRAGMA wal_checkpoint(TRUNCATE)'",
		    name, (long long)bad);
		err = ERR_STORE;
	}
	(void)close(log->fd);
out:
	free(log);
	return err;
}
