/* SPDX-License-Identifier: Apache-2.0 */
/* TLS under a stream: an echo on a loop, OpenSSL's own client before it. */
#include "support/certificate.h"
#include "support/unit.h"

#include "io/listener.h"
#include "io/stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROTOCOLS                                                                                  \
	BYTES("\x02"                                                                               \
	      "h2"                                                                                 \
	      "\x08"                                                                               \
	      "http/1.1")
#define PATIENCE_S 30

static char folder[] = "/tmp/verifyd-tls-XXXXXX";
static struct certificate first, second, third;
static struct io_loop *loop;
static struct listener *listener;
static struct tls_tickets *tickets;
static struct tls *tls; /* changed on the loop */
static unsigned port;
static atomic_int open_n, closed_n, broken_n;

/* --- the server: an echo --------------------------------------------------------------------- */

struct echo {
	struct stream *stream;
	char room[100]; /* smaller than a record: what came is read in pieces */
	bool stalled;
};

static struct stream_room on_room(void *data)
{
	struct echo *echo = data;
	return (struct stream_room){echo->room, echo->stalled ? 0 : sizeof(echo->room)};
}

/* "stall" makes it have no room until it is woken; "protocol" says what ALPN chose. */
static void on_read(void *data, size_t len)
{
	struct echo *echo = data;
	struct bytes part = {echo->room, len};
	assert_true(stream_is_secure(echo->stream));
	if (bytes_equal(part, BYTES("stall")))
		echo->stalled = true;
	if (bytes_equal(part, BYTES("protocol")))
		part = stream_protocol(echo->stream);
	if (part.len && !stream_write(echo->stream, &part, 1))
		stream_close(echo->stream);
}

static void on_end(void *data)
{
	struct echo *echo = data;
	stream_shutdown(echo->stream);
	stream_close(echo->stream);
}

static void on_broken(void *data)
{
	struct echo *echo = data;
	atomic_fetch_add(&broken_n, 1);
	stream_close(echo->stream);
}

static void on_drained(void *data)
{
	(void)data;
}

static void on_closed(void *data)
{
	free(data);
	atomic_fetch_sub(&open_n, 1);
	atomic_fetch_add(&closed_n, 1);
}

static const struct stream_user user = {on_room, on_read, on_end, on_broken, on_drained, on_closed};
static struct echo *newest;

static void on_accept(void *data, int fd, const char *peer)
{
	(void)data;
	(void)peer;
	newest = calloc(1, sizeof(*newest));
	assert_non_null(newest);
	newest->stream = stream_new(loop, fd, tls, &user, newest);
	assert_non_null(newest->stream);
	atomic_fetch_add(&open_n, 1);
}

static void on_starved(void *data)
{
	(void)data;
}

static const struct listener_user listener_user = {on_accept, on_starved};

/* --- calls onto the loop --------------------------------------------------------------------- */

static struct {
	struct task task;
	void (*run)(void);
	atomic_bool done;
} call;

static void call_run(struct task *task)
{
	(void)task;
	call.run();
	atomic_store(&call.done, true);
}

static void on_loop(void (*run)(void))
{
	call.task.run = call_run;
	call.run = run;
	atomic_store(&call.done, false);
	executor_post(io_loop_executor(loop), &call.task);
	while (!atomic_load(&call.done))
		;
}

static struct tls *tls_next;

static void do_change(void)
{
	tls_unref(tls);
	tls = tls_next;
}

static void do_wake(void)
{
	newest->stalled = false;
	stream_resume(newest->stream);
}

static void do_stop(void)
{
	listener_stop(listener);
}

static void do_nothing(void)
{
}

static struct tls *tls_of(const struct certificate *certificates, size_t n)
{
	struct tls_files files[TLS_CERTIFICATES_MAX];
	struct problem problem = {""};
	for (size_t i = 0; i < n; i++)
		files[i] = (struct tls_files){certificates[i].certificate, certificates[i].key};
	const struct tls_options options = {files, n, tickets, PROTOCOLS};
	struct tls *made = tls_new(&options, &problem);
	if (!made)
		fail_msg("%s", problem.text);
	return made;
}

static int set_up(void **state)
{
	(void)state;
	const struct certificate both[2] = {first, second};
	int fd;
	atomic_store(&closed_n, 0);
	atomic_store(&broken_n, 0);
	tickets = tls_tickets_new();
	tls = tls_of(both, 2);
	loop = io_loop_new();
	if (!loop || listener_bind("127.0.0.1", false, 0, false, &fd, &port) != OK)
		return -1;
	listener = listener_start(loop, fd, &listener_user, NULL);
	return listener && io_loop_start(loop, "echo") == OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	on_loop(do_stop);
	while (atomic_load(&open_n))
		;
	on_loop(do_nothing);
	io_loop_stop(loop);
	io_loop_join(loop);
	io_loop_free(loop);
	tls_unref(tls);
	tls_tickets_free(tickets);
	return 0;
}

/* --- clients --------------------------------------------------------------------------------- */

struct client {
	int fd;
	SSL_CTX *context;
	SSL *ssl;
};

static int connect_clear(void)
{
	struct timeval wait = {.tv_sec = PATIENCE_S};
	struct sockaddr_in to = {.sin_family = AF_INET,
	                         .sin_port = htons((uint16_t)port),
	                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* Not yet shaken hands. */
static void client_begin(struct client *client, const char *name)
{
	client->context = SSL_CTX_new(TLS_client_method());
	assert_non_null(client->context);
	client->ssl = SSL_new(client->context);
	assert_non_null(client->ssl);
	client->fd = connect_clear();
	assert_int_equal(SSL_set_fd(client->ssl, client->fd), 1);
	char copy[64] = "";
	if (name)
		(void)snprintf(copy, sizeof(copy), "%s", name);
	if (name)
		assert_int_equal(SSL_set_tlsext_host_name(client->ssl, copy), 1);
}

static void client_end(struct client *client)
{
	SSL_free(client->ssl);
	SSL_CTX_free(client->context);
	(void)close(client->fd);
}

static bool shake(struct client *client)
{
	ERR_clear_error();
	return SSL_connect(client->ssl) == 1;
}

static void expect_echo(struct client *client, const char *text)
{
	char got[256] = "";
	size_t len = strlen(text), at = 0, n = 0;
	assert_int_equal(SSL_write(client->ssl, text, (int)len), len);
	while (at < len && SSL_read_ex(client->ssl, got + at, sizeof(got) - 1 - at, &n))
		at += n;
	assert_string_equal(got, text);
}

static void expect_common_name(struct client *client, const char *name)
{
	char got[64] = "";
	X509 *certificate = SSL_get0_peer_certificate(client->ssl);
	assert_non_null(certificate);
	X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, got,
	                          sizeof(got));
	assert_string_equal(got, name);
}

/* --- what is spoken -------------------------------------------------------------------------- */

static void octets_go_through(void **state)
{
	(void)state;
	struct client client;
	client_begin(&client, NULL);
	assert_true(shake(&client));
	assert_string_equal(SSL_get_version(client.ssl), "TLSv1.3");
	for (int i = 0; i < 3; i++)
		expect_echo(&client, "what is said comes back");
	client_end(&client);
}

static void much_goes_through(void **state)
{
	(void)state;
	static char sent[100000], got[100000];
	struct client client;
	client_begin(&client, NULL);
	assert_true(shake(&client));
	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (char)(i * 31);
	size_t at = 0, n;
	for (size_t i = 0; i < sizeof(sent); i += 10000) {
		assert_int_equal(SSL_write(client.ssl, sent + i, 10000), 10000);
		for (; at < i + 10000; at += n)
			assert_true(SSL_read_ex(client.ssl, got + at, i + 10000 - at, &n));
	}
	assert_memory_equal(sent, got, sizeof(sent));
	client_end(&client);
}

static void both_versions_and_no_other(void **state)
{
	(void)state;
	static const struct {
		int version;
		bool good;
	} rows[] = {
	    {TLS1_VERSION, false},
	    {TLS1_1_VERSION, false},
	    {TLS1_2_VERSION, true},
	    {TLS1_3_VERSION, true},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct client client;
		client_begin(&client, NULL);
		SSL_set_security_level(client.ssl, 0);
		assert_int_equal(SSL_set_min_proto_version(client.ssl, rows[i].version), 1);
		assert_int_equal(SSL_set_max_proto_version(client.ssl, rows[i].version), 1);
		assert_int_equal(shake(&client), rows[i].good);
		if (rows[i].good)
			expect_echo(&client, "x");
		client_end(&client);
	}
}

/* Of TLS 1.2: forward secrecy, AEAD. */
static void weak_suites_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *suites;
		bool good;
	} rows[] = {
	    {"ECDHE-ECDSA-AES128-GCM-SHA256", true},
	    {"ECDHE-ECDSA-AES256-GCM-SHA384", true},
	    {"ECDHE-ECDSA-CHACHA20-POLY1305", true},
	    {"ECDHE-ECDSA-AES128-SHA256", false},
	    {"ECDHE-ECDSA-AES256-SHA", false},
	    {"AES128-GCM-SHA256", false},
	    {"aNULL", false},
	    {"eNULL", false},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct client client;
		client_begin(&client, NULL);
		SSL_set_security_level(client.ssl, 0);
		assert_int_equal(SSL_set_max_proto_version(client.ssl, TLS1_2_VERSION), 1);
		assert_int_equal(SSL_set_cipher_list(client.ssl, rows[i].suites), 1);
		assert_row(rows[i].suites, shake(&client) == rows[i].good);
		client_end(&client);
	}
}

static void renegotiation_is_refused(void **state)
{
	(void)state;
	struct client client;
	client_begin(&client, NULL);
	assert_int_equal(SSL_set_max_proto_version(client.ssl, TLS1_2_VERSION), 1);
	assert_true(shake(&client));
	expect_echo(&client, "x");
	/* A warning says no; the client does not go on. */
	assert_int_equal(SSL_renegotiate(client.ssl), 1);
	assert_int_not_equal(SSL_do_handshake(client.ssl), 1);
	client_end(&client);
}

static void the_name_chooses_the_certificate(void **state)
{
	(void)state;
	static const struct {
		const char *name, *gets;
	} rows[] = {
	    {NULL, "first"},
	    {"first.example", "first"},
	    {"second.example", "second"},
	    {"SECOND.example", "second"},
	    {"any.second.example", "second"},
	    {"two.any.second.example", "first"},
	    {"unknown.example", "first"},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct client client;
		client_begin(&client, rows[i].name);
		assert_true(shake(&client));
		expect_common_name(&client, rows[i].gets);
		expect_echo(&client, "x");
		client_end(&client);
	}
}

static void alpn_chooses_the_protocol(void **state)
{
	(void)state;
	static const struct {
		const char *offers, *gets;
	} rows[] = {
	    {NULL, ""},
	    {"\x02h2", "h2"},
	    {"\x08http/1.1", "http/1.1"},
	    {"\x08http/1.1\x02h2", "h2"},
	    {"\x03"
	     "foo\x08http/1.1",
	     "http/1.1"},
	    {"\x03"
	     "foo",
	     NULL},
	    {"\x08http/1.0", NULL},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct client client;
		char got[16] = "";
		client_begin(&client, NULL);
		if (rows[i].offers)
			assert_int_equal(SSL_set_alpn_protos(client.ssl,
			                                     (const unsigned char *)rows[i].offers,
			                                     (unsigned)strlen(rows[i].offers)),
			                 0);
		assert_int_equal(shake(&client), rows[i].gets != NULL);
		if (rows[i].gets) {
			assert_int_equal(SSL_write(client.ssl, "protocol", 8), 8);
			if (*rows[i].gets)
				assert_true(SSL_read(client.ssl, got, sizeof(got) - 1) > 0);
			assert_string_equal(got, rows[i].gets);
		}
		client_end(&client);
	}
}

/* --- pieces ---------------------------------------------------------------------------------- */

/* A client through memory, so that the test has its octets. */
static void relay(struct client *client, BIO *from_client, size_t step)
{
	char octets[4096];
	int len = BIO_read(from_client, octets, sizeof(octets));
	for (int at = 0; at < len; at += (int)step) {
		size_t n = (size_t)(len - at) < step ? (size_t)(len - at) : step;
		assert_int_equal(send(client->fd, octets + at, n, MSG_NOSIGNAL), n);
		on_loop(do_nothing);
	}
}

static void every_octet_may_come_alone(void **state)
{
	(void)state;
	struct client client;
	char octets[4096], got[16] = "";
	client_begin(&client, NULL);
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	SSL_set_bio(client.ssl, in, out);
	while (SSL_connect(client.ssl) != 1) {
		relay(&client, out, 1);
		ssize_t len = recv(client.fd, octets, sizeof(octets), 0);
		assert_true(len > 0);
		assert_int_equal(BIO_write(in, octets, (int)len), len);
	}
	assert_int_equal(SSL_write(client.ssl, "alone", 5), 5);
	relay(&client, out, 1);
	while (SSL_read(client.ssl, got, sizeof(got)) <= 0) {
		ssize_t len = recv(client.fd, octets, sizeof(octets), 0);
		assert_true(len > 0);
		assert_int_equal(BIO_write(in, octets, (int)len), len);
	}
	assert_string_equal(got, "alone");
	client_end(&client);
}

/* What has no room waits, and so does what follows it on the wire. */
static void who_has_no_room_is_waited_for(void **state)
{
	(void)state;
	struct client client;
	client_begin(&client, NULL);
	assert_true(shake(&client));
	expect_echo(&client, "stall");
	static char text[10001], got[10001];
	memset(text, 'x', 10000);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(SSL_write(client.ssl, text, 10000), 10000);
		on_loop(do_nothing);
	}
	on_loop(do_wake);
	size_t n;
	for (size_t at = 0; at < 30000; at += n)
		assert_true(SSL_read_ex(client.ssl, got, sizeof(got), &n));
	expect_echo(&client, "on");
	client_end(&client);
}

/* --- how it ends ----------------------------------------------------------------------------- */

static void an_end_is_told(void **state)
{
	(void)state;
	struct client client;
	char got;
	client_begin(&client, NULL);
	assert_true(shake(&client));
	expect_echo(&client, "x");
	assert_int_equal(SSL_shutdown(client.ssl), 0);
	assert_int_equal(SSL_read(client.ssl, &got, 1), 0);
	assert_int_equal(SSL_get_error(client.ssl, 0), SSL_ERROR_ZERO_RETURN);
	client_end(&client);
	while (atomic_load(&closed_n) == 0)
		;
	assert_int_equal(atomic_load(&broken_n), 0);
}

static void what_is_no_tls_is_broken_off(void **state)
{
	(void)state;
	static const char *const texts[] = {"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
	                                    "\x16\x03\x01\xff\xff garbage"};
	for (size_t i = 0; i < COUNT(texts); i++) {
		char got[64];
		int fd = connect_clear();
		assert_true(send(fd, texts[i], strlen(texts[i]), 0) > 0);
		(void)shutdown(fd, SHUT_WR);
		while (recv(fd, got, sizeof(got), 0) > 0)
			; /* an alert */
		(void)close(fd);
	}
	while (atomic_load(&closed_n) < 2)
		;
}

/* The client goes in the midst of the handshake, at each of its octets. */
static void half_a_handshake_leaves_nothing(void **state)
{
	(void)state;
	struct client client;
	char hello[2048];
	client_begin(&client, NULL);
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	SSL_set_bio(client.ssl, in, out);
	assert_int_not_equal(SSL_connect(client.ssl), 1);
	int len = BIO_read(out, hello, sizeof(hello));
	client_end(&client);
	int tried = 0;
	for (int at = 0; at <= len; at += 7, tried++) {
		int fd = connect_clear();
		assert_int_equal(send(fd, hello, (size_t)at, 0), at);
		(void)close(fd);
	}
	while (atomic_load(&closed_n) < tried + 1)
		;
}

/* --- tickets --------------------------------------------------------------------------------- */

static SSL_SESSION *session_kept;

static int on_session(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	SSL_SESSION_free(session_kept);
	session_kept = session;
	return 1;
}

/* One connection that offers the session that was kept; whether the server took it. */
static bool resumes(int version)
{
	struct client client;
	client_begin(&client, "first.example");
	SSL_CTX_set_session_cache_mode(client.context,
	                               SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(client.context, on_session);
	assert_int_equal(SSL_set_max_proto_version(client.ssl, version), 1);
	if (session_kept)
		assert_int_equal(SSL_set_session(client.ssl, session_kept), 1);
	assert_true(shake(&client));
	expect_echo(&client, "x"); /* a ticket of 1.3 comes with the first octets */
	bool resumed = SSL_session_reused(client.ssl);
	(void)SSL_shutdown(client.ssl);
	client_end(&client);
	return resumed;
}

static void tickets_outlive_two_changes_of_keys(void **state)
{
	(void)state;
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	for (size_t i = 0; i < COUNT(versions); i++) {
		for (int changes = 0; changes <= TLS_TICKET_KEYS; changes++) {
			session_kept = NULL;
			assert_false(resumes(versions[i]));
			assert_non_null(session_kept);
			for (int n = 0; n < changes; n++)
				assert_true(tls_tickets_change(tickets));
			assert_int_equal(resumes(versions[i]), changes < TLS_TICKET_KEYS);
			SSL_SESSION_free(session_kept);
		}
	}
	session_kept = NULL;
}

/* --- new files ------------------------------------------------------------------------------- */

static void new_files_are_for_new_connections(void **state)
{
	(void)state;
	struct client old, new;
	session_kept = NULL;
	assert_false(resumes(TLS1_3_VERSION));
	client_begin(&old, NULL);
	assert_true(shake(&old));
	expect_common_name(&old, "first");
	tls_next = tls_of(&third, 1);
	on_loop(do_change);
	expect_echo(&old, "the old one goes on");
	client_begin(&new, NULL);
	assert_true(shake(&new));
	expect_common_name(&new, "third");
	expect_echo(&new, "x");
	client_end(&old);
	client_end(&new);
	/* What was resumed before is resumed after. */
	assert_true(resumes(TLS1_3_VERSION));
	SSL_SESSION_free(session_kept);
	session_kept = NULL;
}

static void wrong_files_are_told(void **state)
{
	(void)state;
	char missing[CERTIFICATE_PATH_MAX], locked[CERTIFICATE_PATH_MAX];
	(void)snprintf(missing, sizeof(missing), "%s/missing.pem", folder);
	(void)snprintf(locked, sizeof(locked), "%s/locked.key", folder);
	FILE *from = fopen(first.key, "r"), *to = fopen(locked, "w");
	assert_true(from && to && chmod(locked, 0600) == 0);
	EVP_PKEY *key = PEM_read_PrivateKey(from, NULL, NULL, NULL);
	assert_int_equal(PEM_write_PrivateKey(to, key, EVP_aes_256_cbc(),
	                                      (const unsigned char *)"pass", 4, NULL, NULL),
	                 1);
	EVP_PKEY_free(key);
	(void)fclose(from);
	(void)fclose(to);
	const struct {
		const char *certificate, *key, *says;
	} rows[] = {
	    {missing, first.key, "missing.pem: No such file"},
	    {first.certificate, missing, "missing.pem: No such file"},
	    {first.key, first.key, "first.key: is no certificate in PEM"},
	    {first.certificate, first.certificate, "first.pem: others may read it; chmod 600"},
	    {first.certificate, second.key, "second.key: is not the key of the certificate"},
	    {first.certificate, locked, "locked.key: is no private key in PEM without a password"},
	    {folder, first.key, ": is no certificate in PEM"},
	    {first.certificate, folder, "others may read it|is not a regular file"},
	};
	assert_int_equal(chmod(first.certificate, 0644), 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct tls_files files = {rows[i].certificate, rows[i].key};
		const struct tls_options options = {&files, 1, tickets, PROTOCOLS};
		struct problem problem = {""};
		assert_null(tls_new(&options, &problem));
		const char *bar = strchr(rows[i].says, '|');
		bool told = bar ? strstr(problem.text, bar + 1) != NULL
		                : strstr(problem.text, rows[i].says) != NULL;
		if (!told)
			fail_msg("wanted \"%s\" in \"%s\"", rows[i].says, problem.text);
	}
	for (mode_t mode = 0601; mode <= 0640; mode += 3) {
		if (!(mode & 077))
			continue;
		const struct tls_files files = {second.certificate, second.key};
		const struct tls_options options = {&files, 1, tickets, PROTOCOLS};
		struct problem problem;
		assert_int_equal(chmod(second.key, mode), 0);
		assert_null(tls_new(&options, &problem));
	}
	assert_int_equal(chmod(second.key, 0600), 0);
}

static int group_set_up(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	certificate_make(folder, "first", "DNS:first.example,IP:127.0.0.1", &first);
	certificate_make(folder, "second", "DNS:second.example,DNS:*.second.example", &second);
	certificate_make(folder, "third", "DNS:third.example", &third);
	return 0;
}

static int group_tear_down(void **state)
{
	(void)state;
	char locked[CERTIFICATE_PATH_MAX];
	const struct certificate *const all[] = {&first, &second, &third};
	for (size_t i = 0; i < COUNT(all); i++) {
		(void)unlink(all[i]->certificate);
		(void)unlink(all[i]->key);
	}
	(void)snprintf(locked, sizeof(locked), "%s/locked.key", folder);
	(void)unlink(locked);
	return rmdir(folder);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(octets_go_through),
	    TEST(much_goes_through),
	    TEST(both_versions_and_no_other),
	    TEST(weak_suites_are_refused),
	    TEST(renegotiation_is_refused),
	    TEST(the_name_chooses_the_certificate),
	    TEST(alpn_chooses_the_protocol),
	    TEST(every_octet_may_come_alone),
	    TEST(who_has_no_room_is_waited_for),
	    TEST(an_end_is_told),
	    TEST(what_is_no_tls_is_broken_off),
	    TEST(half_a_handshake_leaves_nothing),
	    TEST(tickets_outlive_two_changes_of_keys),
	    TEST(new_files_are_for_new_connections),
	    TEST(wrong_files_are_told),
	};
	return cmocka_run_group_tests(tests, group_set_up, group_tear_down);
}
