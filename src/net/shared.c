/* SPDX-License-Identifier: Apache-2.0 */
#include "net/shared.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

#define BODY_ROOM ((size_t)4096) /* a large block holds this beside the longest head */

bool shared_init(struct net_shared *shared)
{
	const struct net_limits *limits = &shared->limits;
	assert(limits->head_max > 0 && limits->head_max <= NET_HEAD_CEILING);
	assert(limits->fields_max > 0 && limits->fields_max <= NET_FIELDS_CEILING);
	block_pool_init(&shared->blocks, limits->head_max + BODY_ROOM);
	shared->scratch = block_take(&shared->blocks, shared->blocks.large);
	return shared->scratch != NULL;
}

void shared_done(struct net_shared *shared)
{
	block_give(&shared->blocks, shared->scratch);
	shared->scratch = NULL;
	block_pool_done(&shared->blocks);
}

int64_t shared_now(struct net_shared *shared)
{
	return shared->mono_ms ? shared->mono_ms() : io_loop_mono_ms(shared->loop);
}

/* Without asking the locale. */
static size_t date_format(int64_t now_s, char *ret)
{
	static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
	                                 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t at = (time_t)now_s;
	struct tm tm;
	if (!gmtime_r(&at, &tm))
		return 0;
	int len = snprintf(ret, SHARED_DATE_MAX, "%s, %02d %s %04d %02d:%02d:%02d GMT",
	                   days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900,
	                   tm.tm_hour, tm.tm_min, tm.tm_sec);
	return len > 0 && len < SHARED_DATE_MAX ? (size_t)len : 0;
}

struct bytes shared_date(struct net_shared *shared)
{
	int64_t now_s = io_loop_now_ms(shared->loop) / 1000;
	if (now_s != shared->date_s || !shared->date_len) {
		shared->date_s = now_s;
		shared->date_len = date_format(now_s, shared->date);
	}
	return (struct bytes){shared->date, shared->date_len};
}

static void open_set(struct net_shared *shared, size_t open)
{
	shared->open = open;
	atomic_store_explicit(&shared->counts.open, open, memory_order_relaxed);
}

void shared_opened(struct net_shared *shared)
{
	open_set(shared, shared->open + 1);
}

void shared_closed(struct net_shared *shared)
{
	assert(shared->open > 0);
	open_set(shared, shared->open - 1);
}
