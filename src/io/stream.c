/* SPDX-License-Identifier: Apache-2.0 */
/* TCP by libuv. Writing tries the socket first (uv_try_write); only what it refuses is copied into
 * a chunk that libuv then owns until it is out. Over TLS what comes is read into the loop's scratch
 * and what goes is made there; nothing of either stays with the stream, unless its user has no room
 * for what came: then that is held until there is some. */
#include "io/stream.h"

#include "base/secret.h"
#include "io/loop_private.h"
#include "io/tls_session.h"

#include <assert.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

struct stream {
	uv_tcp_t uv;
	struct io_loop *loop;
	const struct stream_user *user;
	void *data;
	size_t queued;
	bool paused;
	bool ended;           /* the peer's end was seen */
	bool shutdown_wanted; /* when the queue is empty */
	bool closing;
	struct tls_session *tls; /* owned; NULL: clear */
	char *held;              /* owned; what came over TLS and found no room */
	size_t held_len;
	struct task resume; /* reads it */
	bool resuming;      /* the task is posted */
	bool gone;          /* and will free the stream */
};

struct chunk {
	uv_write_t write;
	struct stream *stream;
	size_t len;
	char at[];
};

static uv_stream_t *stream_uv(struct stream *stream)
{
	return (uv_stream_t *)&stream->uv;
}

static void on_alloc(uv_handle_t *uv, size_t suggested, uv_buf_t *ret);
static void on_uv_read(uv_stream_t *uv, ssize_t len, const uv_buf_t *buf);
static bool write_clear(struct stream *stream, const struct bytes *parts, size_t parts_n);

/* --- TLS ------------------------------------------------------------------------------------- */

/* Sends what TLS has made. False: the connection is lost. */
static bool tls_flush(struct stream *stream, struct buf *out)
{
	bool written = !out->failed;
	if (out->len) {
		const struct bytes part = buf_bytes(out);
		written = write_clear(stream, &part, 1) && written;
	}
	buf_clear(out);
	if (out->cap > LOOP_SCRATCH_KEPT)
		buf_done(out);
	return written;
}

static void tls_end(struct stream *stream, enum tls_result result)
{
	if (result == TLS_END) {
		stream->ended = true;
		stream->user->on_end(stream->data);
	} else {
		stream->user->on_broken(stream->data);
	}
}

/* What has not been read waits for room. */
static void tls_hold(struct stream *stream)
{
	struct bytes left = tls_session_take_back(stream->tls);
	stream->held = malloc(left.len + 1);
	if (!stream->held) {
		stream->user->on_broken(stream->data);
		return;
	}
	if (left.len)
		memcpy(stream->held, left.at, left.len);
	stream->held_len = left.len;
	stream_pause(stream);
}

/* Reads once into the user's room. False: nothing more can be done with what has come. */
static bool tls_read(struct stream *stream, struct buf *out)
{
	struct stream_room room = stream->user->on_room(stream->data);
	if (stream->closing)
		return false;
	if (room.len == 0) {
		tls_hold(stream);
		return false;
	}
	size_t len = 0;
	enum tls_result result = tls_session_read(stream->tls, room.at, room.len, &len, out);
	if (!tls_flush(stream, out))
		result = TLS_BROKEN;
	if (result == TLS_DONE || result == TLS_MORE)
		stream->user->on_read(stream->data, len); /* of 0: a false alarm */
	else
		tls_end(stream, result);
	return result == TLS_DONE && !stream->closing;
}

/* False: it goes on with the peer's next octets, or not at all. */
static bool tls_shake(struct stream *stream, struct buf *out)
{
	enum tls_result result = tls_session_shake(stream->tls, out);
	bool written = tls_flush(stream, out);
	if (result == TLS_DONE && written)
		return true;
	if (result != TLS_MORE || !written)
		tls_end(stream, TLS_BROKEN);
	return false;
}

static void tls_take(struct stream *stream, struct bytes came, struct buf *out)
{
	tls_session_feed(stream->tls, came);
	if (!tls_session_is_open(stream->tls) && !tls_shake(stream, out)) {
		(void)tls_session_take_back(stream->tls);
		return;
	}
	while (tls_session_has_data(stream->tls) && tls_read(stream, out))
		;
	/* After an end, or when nobody wants it any more. */
	(void)tls_session_take_back(stream->tls);
}

static void tls_on_resume(struct task *task)
{
	struct stream *stream = CONTAINER_OF(task, struct stream, resume);
	stream->resuming = false;
	if (stream->gone) {
		free(stream);
		return;
	}
	if (stream->closing || stream->paused)
		return;
	struct loop_scratch *scratch = loop_scratch(stream->loop);
	char *held = stream->held;
	stream->held = NULL;
	if (held && scratch)
		tls_take(stream, (struct bytes){held, stream->held_len}, &scratch->out);
	free(held);
	if (!stream->closing && !stream->paused && !stream->ended)
		(void)uv_read_start(stream_uv(stream), on_alloc, on_uv_read);
}

/* Not at once: the user is in the midst of something. */
static void tls_resume(struct stream *stream)
{
	if (stream->resuming)
		return;
	stream->resuming = true;
	stream->resume.run = tls_on_resume;
	executor_post(io_loop_executor(stream->loop), &stream->resume);
}

static bool tls_write(struct stream *stream, const struct bytes *parts, size_t parts_n)
{
	struct loop_scratch *scratch = loop_scratch(stream->loop);
	assert(tls_session_is_open(stream->tls));
	if (!scratch)
		return false;
	for (size_t i = 0; i < parts_n; i++) {
		if (parts[i].len > STREAM_QUEUE_MAX ||
		    !tls_session_write(stream->tls, parts[i], &scratch->out)) {
			buf_clear(&scratch->out);
			return false;
		}
	}
	return tls_flush(stream, &scratch->out);
}

bool stream_is_secure(const struct stream *stream)
{
	return stream->tls;
}

struct bytes stream_protocol(const struct stream *stream)
{
	return stream->tls ? tls_session_protocol(stream->tls) : BYTES_NONE;
}

/* --- reading --------------------------------------------------------------------------------- */

static void on_alloc(uv_handle_t *uv, size_t suggested, uv_buf_t *ret)
{
	(void)suggested;
	struct stream *stream = uv->data;
	if (stream->tls) {
		struct loop_scratch *scratch = loop_scratch(stream->loop);
		*ret =
		    scratch ? uv_buf_init(scratch->in, sizeof(scratch->in)) : uv_buf_init(NULL, 0);
		return;
	}
	struct stream_room room = stream->user->on_room(stream->data);
	/* A user that closed the stream offers nothing. */
	if (stream->closing)
		room = (struct stream_room){NULL, 0};
	*ret = uv_buf_init(room.at, room.len > INT32_MAX ? INT32_MAX : (unsigned)room.len);
}

static void on_uv_read(uv_stream_t *uv, ssize_t len, const uv_buf_t *buf)
{
	struct stream *stream = uv->data;
	/* TLS may have ended before the socket did. */
	if (stream->closing || (stream->ended && (len >= 0 || len == UV_EOF)))
		return;
	if (len >= 0 && stream->tls) {
		tls_take(stream, (struct bytes){buf->base, (size_t)len},
		         &loop_scratch(stream->loop)->out);
	} else if (len >= 0) {
		stream->user->on_read(stream->data, (size_t)len);
	} else if (len == UV_EOF) {
		stream->ended = true;
		stream->user->on_end(stream->data);
	} else if (len == UV_ENOBUFS) {
		stream_pause(stream);
	} else {
		stream->user->on_broken(stream->data);
	}
}

void stream_pause(struct stream *stream)
{
	if (stream->paused || stream->ended)
		return;
	stream->paused = true;
	(void)uv_read_stop(stream_uv(stream));
}

void stream_resume(struct stream *stream)
{
	if (!stream->paused || stream->ended || stream->closing)
		return;
	stream->paused = false;
	if (stream->held)
		tls_resume(stream);
	else
		(void)uv_read_start(stream_uv(stream), on_alloc, on_uv_read);
}

/* --- writing --------------------------------------------------------------------------------- */

static int stream_fd(struct stream *stream)
{
	uv_os_fd_t fd = -1;
	(void)uv_fileno((uv_handle_t *)&stream->uv, &fd);
	return fd;
}

/* Answers may hold what is secret. */
static void chunk_free(struct chunk *chunk, size_t len)
{
	secret_wipe(chunk->at, len);
	free(chunk);
}

static void on_written(uv_write_t *write, int status)
{
	struct chunk *chunk = CONTAINER_OF(write, struct chunk, write);
	struct stream *stream = chunk->stream;
	stream->queued -= chunk->len;
	chunk_free(chunk, chunk->len);
	if (stream->closing)
		return;
	if (status != 0) {
		stream->user->on_broken(stream->data);
		return;
	}
	if (stream->queued)
		return;
	if (stream->shutdown_wanted)
		(void)shutdown(stream_fd(stream), SHUT_WR);
	stream->user->on_drained(stream->data);
}

static bool queue_rest(struct stream *stream, const struct bytes *parts, size_t parts_n,
                       size_t skip)
{
	size_t len = 0;
	for (size_t i = 0; i < parts_n; i++)
		len += parts[i].len;
	len -= skip;
	if (len > STREAM_QUEUE_MAX - stream->queued)
		return false;
	struct chunk *chunk = malloc(sizeof(*chunk) + len);
	if (!chunk)
		return false;
	char *to = chunk->at;
	for (size_t i = 0; i < parts_n; i++) {
		size_t gone = skip < parts[i].len ? skip : parts[i].len;
		skip -= gone;
		if (parts[i].len > gone) {
			memcpy(to, parts[i].at + gone, parts[i].len - gone);
			to += parts[i].len - gone;
		}
	}
	chunk->stream = stream;
	chunk->len = len;
	uv_buf_t buf = uv_buf_init(chunk->at, (unsigned)len);
	stream->queued += len;
	if (uv_write(&chunk->write, stream_uv(stream), &buf, 1, on_written) == 0)
		return true;
	stream->queued -= len;
	chunk_free(chunk, len);
	return false;
}

static bool write_clear(struct stream *stream, const struct bytes *parts, size_t parts_n)
{
	uv_buf_t bufs[STREAM_PARTS_MAX];
	unsigned bufs_n = 0;
	size_t len = 0;
	for (size_t i = 0; i < parts_n; i++) {
		if (parts[i].len > STREAM_QUEUE_MAX)
			return false;
		if (parts[i].len == 0)
			continue;
		/* libuv does not write through it, but says char *. */
		bufs[bufs_n++] =
		    uv_buf_init((char *)(uintptr_t)parts[i].at, (unsigned)parts[i].len);
		len += parts[i].len;
	}
	if (bufs_n == 0)
		return true;
	int written = 0;
	if (!stream->queued)
		written = uv_try_write(stream_uv(stream), bufs, bufs_n);
	if (written == UV_EAGAIN)
		written = 0;
	if (written < 0)
		return false;
	return (size_t)written == len || queue_rest(stream, parts, parts_n, (size_t)written);
}

bool stream_write(struct stream *stream, const struct bytes *parts, size_t parts_n)
{
	assert(parts_n <= STREAM_PARTS_MAX && !stream->closing && !stream->shutdown_wanted);
	return stream->tls ? tls_write(stream, parts, parts_n)
	                   : write_clear(stream, parts, parts_n);
}

size_t stream_queued(const struct stream *stream)
{
	return stream->queued;
}

/* --- life ------------------------------------------------------------------------------------ */

static void on_uv_closed(uv_handle_t *uv)
{
	struct stream *stream = uv->data;
	const struct stream_user *user = stream->user;
	void *data = stream->data;
	tls_session_free(stream->tls);
	free(stream->held);
	stream->gone = true;
	if (!stream->resuming)
		free(stream);
	if (user)
		user->on_closed(data);
}

struct stream *stream_new(struct io_loop *loop, int fd, struct tls *tls,
                          const struct stream_user *user, void *data)
{
	struct stream *stream = calloc(1, sizeof(*stream));
	if (stream && tls)
		stream->tls = tls_session_new(tls);
	if (!stream || (tls && !stream->tls)) {
		free(stream);
		(void)close(fd);
		return NULL;
	}
	stream->loop = loop;
	(void)uv_tcp_init(loop_uv(loop), &stream->uv);
	stream->uv.data = stream;
	if (uv_tcp_open(&stream->uv, fd) != 0) {
		(void)close(fd);
		uv_close((uv_handle_t *)&stream->uv, on_uv_closed);
		return NULL;
	}
	stream->data = data;
	stream->paused = true;
	stream_resume(stream);
	stream->user = user;
	return stream;
}

void stream_shutdown(struct stream *stream)
{
	assert(!stream->closing);
	struct loop_scratch *scratch = stream->tls ? loop_scratch(stream->loop) : NULL;
	if (scratch && tls_session_is_open(stream->tls)) {
		tls_session_end(stream->tls, &scratch->out);
		(void)tls_flush(stream, &scratch->out);
	}
	stream->shutdown_wanted = true;
	if (!stream->queued)
		(void)shutdown(stream_fd(stream), SHUT_WR);
}

void stream_close(struct stream *stream)
{
	assert(!stream->closing);
	stream->closing = true;
	uv_close((uv_handle_t *)&stream->uv, on_uv_closed);
}

void stream_drop(struct stream *stream)
{
	stream->user = NULL;
	stream_close(stream);
}

void stream_pass(struct stream *stream, const struct stream_user *user, void *data)
{
	assert(!stream->closing);
	stream->user = user;
	stream->data = data;
}
