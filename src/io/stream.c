/* SPDX-License-Identifier: Apache-2.0 */
/* TCP by libuv. Writing tries the socket first (uv_try_write); only what it refuses is copied into
 * a chunk that libuv then owns until it is out. */
#include "io/stream.h"

#include "base/secret.h"
#include "io/loop_private.h"

#include <assert.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

struct stream {
	uv_tcp_t uv;
	const struct stream_user *user;
	void *data;
	size_t queued;
	bool paused;
	bool ended;           /* the peer's end was seen */
	bool shutdown_wanted; /* when the queue is empty */
	bool closing;
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

/* --- reading --------------------------------------------------------------------------------- */

static void on_alloc(uv_handle_t *uv, size_t suggested, uv_buf_t *ret)
{
	(void)suggested;
	struct stream *stream = uv->data;
	struct stream_room room = stream->user->on_room(stream->data);
	/* A user that closed the stream offers nothing. */
	if (stream->closing)
		room = (struct stream_room){NULL, 0};
	*ret = uv_buf_init(room.at, room.len > INT32_MAX ? INT32_MAX : (unsigned)room.len);
}

static void on_uv_read(uv_stream_t *uv, ssize_t len, const uv_buf_t *buf)
{
	(void)buf;
	struct stream *stream = uv->data;
	if (stream->closing)
		return;
	if (len >= 0) {
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

bool stream_write(struct stream *stream, const struct bytes *parts, size_t parts_n)
{
	assert(parts_n <= STREAM_PARTS_MAX && !stream->closing && !stream->shutdown_wanted);
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
	free(stream);
	if (user)
		user->on_closed(data);
}

struct stream *stream_new(struct io_loop *loop, int fd, const struct stream_user *user, void *data)
{
	struct stream *stream = calloc(1, sizeof(*stream));
	if (!stream) {
		(void)close(fd);
		return NULL;
	}
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
