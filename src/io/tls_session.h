/* SPDX-License-Identifier: Apache-2.0 */
/* One connection's TLS: octets in, octets out, no socket. What is to be sent is appended to a
 * buffer of the caller's; what came is borrowed until it was read. For stream.c. */
#ifndef IO_TLS_SESSION_H
#define IO_TLS_SESSION_H

#include "base/buf.h"
#include "io/tls.h"

struct tls_session;

enum tls_result {
	TLS_DONE, /* and there may be more to do */
	TLS_MORE, /* octets of the peer are needed */
	TLS_END,  /* the peer has said that it sends no more */
	TLS_BROKEN,
};

/* A server's. NULL: no memory. */
struct tls_session *tls_session_new(struct tls *tls);
/* NULL is fine. */
void tls_session_free(struct tls_session *session);

/* What has come since: borrowed until used up, or given again. Nothing of the last is left. */
void tls_session_feed(struct tls_session *session, struct bytes in);
/* What of it was not used is the caller's again. */
struct bytes tls_session_take_back(struct tls_session *session);
/* Whether reading could find something without more octets. */
bool tls_session_has_data(const struct tls_session *session);

/* Goes on with the handshake. TLS_DONE: it is over. */
enum tls_result tls_session_shake(struct tls_session *session, struct buf *out);
bool tls_session_is_open(const struct tls_session *session);
/* TLS_DONE: *ret_len octets stand at `to`, at least one. */
enum tls_result tls_session_read(struct tls_session *session, char *to, size_t room,
                                 size_t *ret_len, struct buf *out);
/* After the handshake. False: it is broken, or out->failed. */
bool tls_session_write(struct tls_session *session, struct bytes text, struct buf *out);
/* Says that nothing more will be sent. */
void tls_session_end(struct tls_session *session, struct buf *out);

/* What ALPN agreed on; empty when it was not spoken. Lives as long as the session. */
struct bytes tls_session_protocol(const struct tls_session *session);

#endif
