/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL reads and writes through a BIO of ours, which takes from what came and appends to what is
 * to go: nothing is copied twice, and an idle connection holds no buffer. */
#include "io/tls_session.h"

#include "io/tls_private.h"

#include <assert.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>

struct tls_session {
	struct tls *tls; /* a reference */
	SSL *ssl;        /* owned */
	struct bytes in;
	struct buf *out; /* borrowed while a function of ours runs */
};

/* --- the BIO --------------------------------------------------------------------------------- */

static int bio_read(BIO *bio, char *to, size_t room, size_t *ret)
{
	struct tls_session *session = BIO_get_data(bio);
	size_t len = session->in.len < room ? session->in.len : room;
	BIO_clear_retry_flags(bio);
	if (len == 0) {
		BIO_set_retry_read(bio);
		return 0;
	}
	memcpy(to, session->in.at, len);
	session->in = bytes_from(session->in, len);
	*ret = len;
	return 1;
}

static int bio_write(BIO *bio, const char *from, size_t len, size_t *ret)
{
	struct tls_session *session = BIO_get_data(bio);
	assert(session->out);
	buf_add(session->out, (struct bytes){from, len});
	*ret = len;
	return !session->out->failed;
}

static long bio_control(BIO *bio, int command, long number, void *data)
{
	(void)bio;
	(void)number;
	(void)data;
	return command == BIO_CTRL_FLUSH;
}

static BIO_METHOD *method;

static void method_make(void)
{
	BIO_METHOD *made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "verifyd");
	if (!made || BIO_meth_set_read_ex(made, bio_read) != 1 ||
	    BIO_meth_set_write_ex(made, bio_write) != 1 ||
	    BIO_meth_set_ctrl(made, bio_control) != 1) {
		BIO_meth_free(made);
		return;
	}
	method = made;
}

/* --- life ------------------------------------------------------------------------------------ */

struct tls_session *tls_session_new(struct tls *tls)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	(void)pthread_once(&once, method_make);
	struct tls_session *session = calloc(1, sizeof(*session));
	if (!session)
		return NULL;
	BIO *bio = method ? BIO_new(method) : NULL;
	session->ssl = bio ? tls_connection(tls) : NULL;
	if (!session->ssl) {
		(void)BIO_free(bio);
		free(session);
		return NULL;
	}
	session->tls = tls;
	BIO_set_data(bio, session);
	BIO_set_init(bio, 1);
	SSL_set_bio(session->ssl, bio, bio);
	return session;
}

void tls_session_free(struct tls_session *session)
{
	if (!session)
		return;
	SSL_free(session->ssl);
	tls_unref(session->tls);
	free(session);
}

/* --- octets ---------------------------------------------------------------------------------- */

void tls_session_feed(struct tls_session *session, struct bytes in)
{
	assert(session->in.len == 0);
	session->in = in;
}

struct bytes tls_session_take_back(struct tls_session *session)
{
	struct bytes left = session->in;
	session->in = BYTES_NONE;
	return left;
}

bool tls_session_has_data(const struct tls_session *session)
{
	return session->in.len > 0 || SSL_pending(session->ssl) > 0;
}

static enum tls_result result_of(struct tls_session *session, int returned)
{
	if (returned == 1)
		return TLS_DONE;
	switch (SSL_get_error(session->ssl, returned)) {
	case SSL_ERROR_WANT_READ:
		return TLS_MORE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_END;
	default:
		return TLS_BROKEN;
	}
}

enum tls_result tls_session_shake(struct tls_session *session, struct buf *out)
{
	session->out = out;
	ERR_clear_error();
	enum tls_result result = result_of(session, SSL_do_handshake(session->ssl));
	session->out = NULL;
	return out->failed ? TLS_BROKEN : result;
}

bool tls_session_is_open(const struct tls_session *session)
{
	return SSL_is_init_finished(session->ssl);
}

enum tls_result tls_session_read(struct tls_session *session, char *to, size_t room,
                                 size_t *ret_len, struct buf *out)
{
	session->out = out;
	ERR_clear_error();
	enum tls_result result = result_of(session, SSL_read_ex(session->ssl, to, room, ret_len));
	session->out = NULL;
	return out->failed ? TLS_BROKEN : result;
}

bool tls_session_write(struct tls_session *session, struct bytes text, struct buf *out)
{
	size_t len = 0;
	if (text.len == 0)
		return true;
	session->out = out;
	ERR_clear_error();
	int written = SSL_write_ex(session->ssl, text.at, text.len, &len);
	session->out = NULL;
	return written == 1 && len == text.len && !out->failed;
}

void tls_session_end(struct tls_session *session, struct buf *out)
{
	session->out = out;
	ERR_clear_error();
	(void)SSL_shutdown(session->ssl);
	session->out = NULL;
}

struct bytes tls_session_protocol(const struct tls_session *session)
{
	const unsigned char *at;
	unsigned len;
	SSL_get0_alpn_selected(session->ssl, &at, &len);
	return (struct bytes){(const char *)at, len};
}
