/* SPDX-License-Identifier: Apache-2.0 */
#include "io/tls_private.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of TLS 1.2; those of 1.3 are all good. RFC 9325 section 4.2. */
#define SUITES "ECDHE+AESGCM:ECDHE+CHACHA20"
#define RESUME_S (2 * 3600) /* what tls_tickets promise */

struct tls {
	atomic_size_t refs;
	struct bytes protocols;
	size_t contexts_n;
	SSL_CTX *contexts[TLS_CERTIFICATES_MAX]; /* owned; one a certificate */
};

/* --- files ----------------------------------------------------------------------------------- */

static const char *openssl_reason(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_error());
	return reason ? reason : "it is malformed";
}

/* Nobody is there to be asked. */
static int no_password(char *to, int room, int writing, void *data)
{
	(void)to;
	(void)room;
	(void)writing;
	(void)data;
	return -1;
}

/* The descriptor of a key that nobody else can read. -1: *reterr. */
static int key_open(const char *path, struct problem *reterr)
{
	struct stat state;
	/* A pipe would be waited at. */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		(void)problem_say(reterr, "%s: %s", path, strerror(errno));
		return -1;
	}
	if (fstat(fd, &state) == 0 && S_ISREG(state.st_mode) && !(state.st_mode & 077))
		return fd;
	(void)problem_say(reterr, "%s: %s", path,
	                  state.st_mode & 077
	                      ? "others may read it; chmod 600 it, and think about who did"
	                      : "is not a regular file");
	(void)close(fd);
	return -1;
}

static bool key_load(SSL_CTX *context, const char *path, struct problem *reterr)
{
	int fd = key_open(path, reterr);
	if (fd < 0)
		return false;
	BIO *file = BIO_new_fd(fd, BIO_CLOSE);
	EVP_PKEY *key = file ? PEM_read_bio_PrivateKey(file, NULL, no_password, NULL) : NULL;
	bool loaded = key && SSL_CTX_use_PrivateKey(context, key) == 1;
	if (!loaded)
		(void)problem_say(reterr, "%s: %s (%s)", path,
		                  key ? "is not the key of the certificate"
		                      : "is no private key in PEM without a password",
		                  openssl_reason());
	EVP_PKEY_free(key);
	if (file)
		(void)BIO_free(file);
	else
		(void)close(fd);
	return loaded;
}

static bool files_load(SSL_CTX *context, const struct tls_files *files, struct problem *reterr)
{
	ERR_clear_error();
	if (access(files->certificate, R_OK) != 0)
		return problem_say(reterr, "%s: %s", files->certificate, strerror(errno));
	if (SSL_CTX_use_certificate_chain_file(context, files->certificate) != 1)
		return problem_say(reterr, "%s: is no certificate in PEM (%s)", files->certificate,
		                   openssl_reason());
	return key_load(context, files->key, reterr) &&
	       (SSL_CTX_check_private_key(context) == 1 ||
	        problem_say(reterr, "%s: is not the key of %s", files->key, files->certificate));
}

/* --- contexts -------------------------------------------------------------------------------- */

/* RFC 6066 section 3: the first certificate that is for this name, else the first. */
static int on_server_name(SSL *ssl, int *alert, void *data)
{
	(void)alert;
	struct tls *tls = data;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	for (size_t i = 0; name && i < tls->contexts_n; i++) {
		X509 *certificate = SSL_CTX_get0_certificate(tls->contexts[i]);
		if (X509_check_host(certificate, name, 0, 0, NULL) != 1)
			continue;
		(void)SSL_set_SSL_CTX(ssl, tls->contexts[i]);
		break;
	}
	return SSL_TLSEXT_ERR_OK;
}

/* RFC 7301 section 3.2: who speaks only what we do not is told so. */
static int on_protocols(SSL *ssl, const unsigned char **ret, unsigned char *ret_len,
                        const unsigned char *offered, unsigned offered_len, void *data)
{
	(void)ssl;
	const struct tls *tls = data;
	unsigned char *chosen;
	if (SSL_select_next_proto(&chosen, ret_len, (const unsigned char *)tls->protocols.at,
	                          (unsigned)tls->protocols.len, offered,
	                          offered_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*ret = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *context_new(struct tls *tls, const struct tls_options *options)
{
	static const unsigned char same[] = "verifyd"; /* a ticket fits all certificates */
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	if (!context)
		return NULL;
	if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(context, SUITES) != 1 ||
	    SSL_CTX_set_session_id_context(context, same, sizeof(same) - 1) != 1 ||
	    SSL_CTX_set_num_tickets(context, 1) != 1 ||
	    !tls_tickets_attach(options->tickets, context)) {
		SSL_CTX_free(context);
		return NULL;
	}
	(void)SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
	                                       SSL_OP_CIPHER_SERVER_PREFERENCE |
	                                       SSL_OP_PRIORITIZE_CHACHA |
	                                       SSL_OP_IGNORE_UNEXPECTED_EOF);
	/* What is idle holds no buffers. */
	(void)SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
	(void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_timeout(context, RESUME_S);
	(void)SSL_CTX_set_tlsext_servername_callback(context, on_server_name);
	(void)SSL_CTX_set_tlsext_servername_arg(context, tls);
	SSL_CTX_set_alpn_select_cb(context, on_protocols, tls);
	return context;
}

struct tls *tls_new(const struct tls_options *options, struct problem *reterr)
{
	assert(options->files_n >= 1 && options->files_n <= TLS_CERTIFICATES_MAX);
	struct tls *tls = calloc(1, sizeof(*tls));
	if (!tls) {
		(void)problem_say(reterr, "out of memory");
		return NULL;
	}
	atomic_init(&tls->refs, 1);
	tls->protocols = options->protocols;
	for (size_t i = 0; i < options->files_n; i++) {
		SSL_CTX *context = context_new(tls, options);
		if (!context) {
			(void)problem_say(reterr, "OpenSSL: %s", openssl_reason());
			tls_unref(tls);
			return NULL;
		}
		tls->contexts[tls->contexts_n++] = context;
		if (!files_load(context, &options->files[i], reterr)) {
			tls_unref(tls);
			return NULL;
		}
	}
	return tls;
}

struct tls *tls_ref(struct tls *tls)
{
	(void)atomic_fetch_add(&tls->refs, 1);
	return tls;
}

void tls_unref(struct tls *tls)
{
	if (!tls || atomic_fetch_sub(&tls->refs, 1) != 1)
		return;
	for (size_t i = 0; i < tls->contexts_n; i++)
		SSL_CTX_free(tls->contexts[i]);
	free(tls);
}

SSL *tls_connection(struct tls *tls)
{
	SSL *ssl = SSL_new(tls->contexts[0]);
	if (!ssl)
		return NULL;
	SSL_set_accept_state(ssl);
	(void)tls_ref(tls);
	return ssl;
}
