/* SPDX-License-Identifier: Apache-2.0 */
/* A connected byte stream on a loop. Octets are read straight into memory that the user offers
 * when there is something to read, so that an idle stream holds no buffer. Everything happens on
 * the loop's thread. What stands behind it is this file's affair: a TCP socket, or TLS over
 * one, whose handshake the user does not see: nothing can be read before it is over. */
#ifndef IO_STREAM_H
#define IO_STREAM_H

#include "base/bytes.h"
#include "io/loop.h"
#include "io/tls.h"

struct stream;

/* Most that one stream queues for a peer that does not read. */
#define STREAM_QUEUE_MAX ((size_t)4 << 20)
/* Parts of one stream_write. */
#define STREAM_PARTS_MAX 4

struct stream_room {
	char *at;
	size_t len;
};

/* What the user of a stream does. Each may close the stream; after stream_close only on_closed
 * is called. */
struct stream_user {
	/* Something can be read: where to? `len` 0: nowhere, which pauses the stream. */
	struct stream_room (*on_room)(void *data);
	/* `len` octets stand in the room just offered; 0: it was a false alarm. */
	void (*on_read)(void *data, size_t len);
	/* The peer will send nothing more; it may still read. */
	void (*on_end)(void *data);
	/* The connection is lost in both directions: close it. */
	void (*on_broken)(void *data);
	/* What was queued has all been handed to the system. */
	void (*on_drained)(void *data);
	/* The stream is gone: the last call. */
	void (*on_closed)(void *data);
};

/* Takes over the connected, non-blocking socket `fd`, reading from the start; over `tls`, as its
 * server, unless that is NULL. NULL when there is no memory: `fd` is closed then. */
struct stream *stream_new(struct io_loop *loop, int fd, struct tls *tls,
                          const struct stream_user *user, void *data);

/* Whether it goes over TLS. */
bool stream_is_secure(const struct stream *stream);
/* The protocol that ALPN agreed on, once something was read; empty when there was none. */
struct bytes stream_protocol(const struct stream *stream);

/* From now on others use the stream; the one who did hears no more of it. Not from on_room. */
void stream_pass(struct stream *stream, const struct stream_user *user, void *data);

/* Sends the parts, one after another, in one system call where the socket takes them; what it does
 * not take is copied and sent later (on_drained). False: the stream is broken, or more than
 * STREAM_QUEUE_MAX would wait. It must be closed then. */
MUST_CHECK bool stream_write(struct stream *stream, const struct bytes *parts, size_t parts_n);
/* Octets copied and waiting; over TLS, as they go over the wire. */
size_t stream_queued(const struct stream *stream);

/* Costs system calls: not for every request. Both may be called twice. */
void stream_pause(struct stream *stream);
void stream_resume(struct stream *stream);

/* Sends the end of the stream after what is queued; reading goes on. */
void stream_shutdown(struct stream *stream);
/* At once, dropping what is queued. Once. */
void stream_close(struct stream *stream);
/* The same, and nobody wants to hear of it: not even on_closed is called. */
void stream_drop(struct stream *stream);

#endif
