/* SPDX-License-Identifier: Apache-2.0 */
#include "support/web.h"

#include "support/unit.h"

#include "io/listener.h"
#include "net/reception.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define LATE_MAX 2048

static struct io_loop *loop;
static struct reception *reception;
static struct listener *listener;
static int listening;
static unsigned port;
static bool secure;
static _Atomic int64_t now_ms;

/* Touched on the loop alone. */
static struct request *late[LATE_MAX];
static size_t late_n, abandoned_n;

/* --- the handler ----------------------------------------------------------------------------- */

static void on_abandoned(struct request *request)
{
	(void)request;
	abandoned_n++;
}

static bool path_is(const struct request *request, const char *path)
{
	return bytes_equal(request->path, bytes_from_text(path));
}

static bool on_head(struct request_handler *handler, struct request *request)
{
	(void)handler;
	request->body_max = path_is(request, "/small") ? WEB_SMALL : WEB_BODY_MAX;
	request->on_abandoned = on_abandoned;
	if (!path_is(request, "/early"))
		return true;
	request_answer(request, 403, BYTES("text/plain"), BYTES("early"));
	return false;
}

static void on_too_large(struct request_handler *handler, struct request *request)
{
	(void)handler;
	request_answer(request, 413, BYTES("text/plain"), BYTES("too large"));
}

static void describe(struct request *request)
{
	struct bytes query = request->query.at ? request->query : BYTES("-");
	struct bytes text = arena_printf(
	    request->arena, "%.*s %.*s %.*s %.*s %zu %zu %.*s", (int)request->method.len,
	    request->method.at, (int)request->path.len, request->path.at, (int)query.len, query.at,
	    (int)request->authority.len, request->authority.at, request->fields_n,
	    request->body.len, (int)request->peer.len, request->peer.at);
	response_field(request, BYTES("X-Made-By"), BYTES("describe"));
	request_answer(request, 200, BYTES("text/plain"), text);
}

static void answer_wide(struct request *request)
{
	char *value = arena_take(request->arena, WEB_LARGE);
	if (!value)
		abort();
	memset(value, 'W', WEB_LARGE);
	response_field(request, BYTES("X-Wide"), (struct bytes){value, WEB_LARGE});
	request_answer(request, 200, BYTES_NONE, BYTES("wide"));
}

static void answer_large(struct request *request)
{
	char *body = arena_take(request->arena, WEB_LARGE);
	if (!body)
		abort();
	memset(body, 'L', WEB_LARGE);
	request_answer(request, 200, BYTES("text/plain"), (struct bytes){body, WEB_LARGE});
}

static void on_request(struct request_handler *handler, struct request *request)
{
	(void)handler;
	if (path_is(request, "/late")) {
		if (late_n == LATE_MAX)
			abort();
		late[late_n++] = request;
		return;
	}
	if (path_is(request, "/describe")) {
		describe(request);
		return;
	}
	if (path_is(request, "/large")) {
		answer_large(request);
		return;
	}
	if (path_is(request, "/wide")) {
		answer_wide(request);
		return;
	}
	if (path_is(request, "/cookie")) {
		request_answer(request, 200, BYTES("text/plain"),
		               request_field(request, BYTES("cookie")));
		return;
	}
	if (path_is(request, "/trailers")) {
		request->response.trailers[0] = (struct http_field){BYTES("X-Sum"), BYTES("17")};
		request->response.trailers_n = 1;
	}
	request->response.close = path_is(request, "/close");
	if (path_is(request, "/no-content"))
		request_answer(request, 204, BYTES_NONE, BYTES_NONE);
	else
		request_answer(request, 200, BYTES("text/plain"), request->body);
}

static struct request_handler handler = {
    .on_head = on_head,
    .on_too_large = on_too_large,
    .on_request = on_request,
};

/* --- calls onto the loop --------------------------------------------------------------------- */

struct call {
	struct task task;
	void (*run)(void);
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool done;
};

static void call_run(struct task *task)
{
	struct call *call = CONTAINER_OF(task, struct call, task);
	call->run();
	(void)pthread_mutex_lock(&call->lock);
	call->done = true;
	(void)pthread_cond_signal(&call->ended);
	(void)pthread_mutex_unlock(&call->lock);
}

/* Runs it on the loop and waits for it. */
static void on_loop(void (*run)(void))
{
	struct call call = {.task.run = call_run,
	                    .run = run,
	                    .lock = PTHREAD_MUTEX_INITIALIZER,
	                    .ended = PTHREAD_COND_INITIALIZER};
	executor_post(io_loop_executor(loop), &call.task);
	(void)pthread_mutex_lock(&call.lock);
	while (!call.done)
		(void)pthread_cond_wait(&call.ended, &call.lock);
	(void)pthread_mutex_unlock(&call.lock);
}

static void do_tick(void)
{
	reception_tick(reception);
}

static struct net_limits retime_limits;

static void do_retime(void)
{
	reception_retime(reception, &retime_limits);
}

void web_retime(const struct net_limits *limits)
{
	retime_limits = *limits;
	on_loop(do_retime);
}

static void do_nothing(void)
{
}

void web_settle(void)
{
	/* Each is a round of its own: what the first left to the next one is done by the last. */
	for (int i = 0; i < 4; i++)
		on_loop(do_nothing);
}

void web_pass_ms(int64_t ms)
{
	web_settle();
	atomic_fetch_add(&now_ms, ms);
	on_loop(do_tick);
	web_settle();
}

static pthread_mutex_t hold_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t hold_changed = PTHREAD_COND_INITIALIZER;
static bool held, holding;

static void hold_run(struct task *task)
{
	(void)task;
	(void)pthread_mutex_lock(&hold_lock);
	holding = true;
	(void)pthread_cond_broadcast(&hold_changed);
	while (held)
		(void)pthread_cond_wait(&hold_changed, &hold_lock);
	holding = false;
	(void)pthread_mutex_unlock(&hold_lock);
}

void web_hold(void)
{
	static struct task task = {.run = hold_run};
	(void)pthread_mutex_lock(&hold_lock);
	held = true;
	executor_post(io_loop_executor(loop), &task);
	while (!holding)
		(void)pthread_cond_wait(&hold_changed, &hold_lock);
	(void)pthread_mutex_unlock(&hold_lock);
}

void web_let_go(void)
{
	(void)pthread_mutex_lock(&hold_lock);
	held = false;
	(void)pthread_cond_broadcast(&hold_changed);
	(void)pthread_mutex_unlock(&hold_lock);
}

static size_t noted;

static void do_note_late(void)
{
	noted = late_n;
}

size_t web_late(void)
{
	on_loop(do_note_late);
	return noted;
}

static void do_note_abandoned(void)
{
	noted = abandoned_n;
}

size_t web_abandoned(void)
{
	web_settle();
	on_loop(do_note_abandoned);
	return noted;
}

static void do_answer_late(void)
{
	size_t n = late_n;
	late_n = 0;
	for (size_t i = 0; i < n; i++) {
		struct request *request = late[i];
		request_answer(request, 200, BYTES("text/plain"), request->body);
	}
}

void web_answer_late(void)
{
	on_loop(do_answer_late);
}

struct net_counts web_counts(void)
{
	web_settle();
	struct shared_counts *counts = reception_counts(reception);
	return (struct net_counts){.accepted = counts->accepted,
	                           .turned_away = counts->turned_away,
	                           .open = counts->open,
	                           .requests = counts->requests,
	                           .refused = counts->refused,
	                           .floods = counts->floods};
}

size_t web_open(void)
{
	return (size_t)web_counts().open;
}

/* --- life ------------------------------------------------------------------------------------ */

static int64_t test_clock(void)
{
	return atomic_load(&now_ms);
}

static void on_accept(void *data, int fd, const char *peer)
{
	(void)data;
	reception_accept(reception, fd, peer, (struct net_door){.secure = secure});
}

static void on_starved(void *data)
{
	(void)data;
	reception_starved(reception);
}

static const struct listener_user listener_user = {on_accept, on_starved};
static pthread_mutex_t stop_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t stop_ended = PTHREAD_COND_INITIALIZER;
static bool stop_begun, stopped;

void web_start(const struct net_limits *limits)
{
	late_n = abandoned_n = 0;
	stop_begun = stopped = false;
	atomic_store(&now_ms, 1000000);
	loop = io_loop_new();
	assert_non_null(loop);
	struct reception_options options = {
	    .loop = loop,
	    .handler = &handler,
	    .limits = limits ? *limits : net_limits_default(),
	    .mono_ms = test_clock,
	};
	reception = reception_new(&options);
	assert_non_null(reception);
	assert_int_equal(listener_bind("127.0.0.1", false, 0, false, &listening, &port), OK);
	listener = listener_start(loop, listening, &listener_user, NULL);
	assert_non_null(listener);
	assert_int_equal(io_loop_start(loop, "web"), OK);
}

void web_narrow(void)
{
	int least = 1; /* the system makes it as little as it can */
	assert_int_equal(setsockopt(listening, SOL_SOCKET, SO_SNDBUF, &least, sizeof(least)), 0);
}

bool web_stopped(void)
{
	(void)pthread_mutex_lock(&stop_lock);
	bool is = stopped;
	(void)pthread_mutex_unlock(&stop_lock);
	return is;
}

static void on_stopped(void *data)
{
	(void)data;
	(void)pthread_mutex_lock(&stop_lock);
	stopped = true;
	(void)pthread_cond_signal(&stop_ended);
	(void)pthread_mutex_unlock(&stop_lock);
}

static void do_stop(void)
{
	listener_stop(listener);
	listener = NULL;
	reception_stop(reception, on_stopped, NULL);
}

void web_stop_begin(void)
{
	assert_false(stop_begun);
	stop_begun = true;
	on_loop(do_stop);
}

void web_stop_await(void)
{
	(void)pthread_mutex_lock(&stop_lock);
	while (!stopped)
		(void)pthread_cond_wait(&stop_ended, &stop_lock);
	(void)pthread_mutex_unlock(&stop_lock);
}

void web_stop_gracefully(void)
{
	web_stop_begin();
	web_stop_await();
}

void web_stop(void)
{
	if (!stop_begun)
		web_stop_begin();
	web_pass_ms(NET_STOP_MS);
	web_stop_await();
	io_loop_stop(loop);
	io_loop_join(loop);
	reception_free(reception);
	io_loop_free(loop);
}

/* --- clients --------------------------------------------------------------------------------- */

static void peer_connect(struct web_peer *peer, int buffer)
{
	peer->at = peer->len = 0;
	peer->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(peer->fd >= 0);
	/* What is sent is there when the call returns. */
	int yes = 1;
	(void)setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	struct timeval wait = {.tv_sec = WEB_WAIT_S};
	(void)setsockopt(peer->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	(void)setsockopt(peer->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if (buffer) {
		(void)setsockopt(peer->fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
		(void)setsockopt(peer->fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	}
	struct sockaddr_in to = {.sin_family = AF_INET,
	                         .sin_port = htons((uint16_t)port),
	                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	assert_int_equal(connect(peer->fd, (struct sockaddr *)&to, sizeof(to)), 0);
}

void web_connect(struct web_peer *peer)
{
	peer_connect(peer, 0);
}

void web_connect_small(struct web_peer *peer, int buffer)
{
	peer_connect(peer, buffer);
}

void web_close(struct web_peer *peer)
{
	(void)close(peer->fd);
	peer->fd = -1;
}

void web_abort(struct web_peer *peer)
{
	struct linger linger = {.l_onoff = 1, .l_linger = 0};
	(void)setsockopt(peer->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	web_close(peer);
}

void web_end(struct web_peer *peer)
{
	(void)shutdown(peer->fd, SHUT_WR);
}

bool web_try_send(struct web_peer *peer, struct bytes octets)
{
	while (octets.len) {
		ssize_t sent = send(peer->fd, octets.at, octets.len, MSG_NOSIGNAL);
		if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
			return false;
		assert_true(sent > 0);
		octets = bytes_from(octets, (size_t)sent);
	}
	return true;
}

void web_send(struct web_peer *peer, struct bytes octets)
{
	assert_true(web_try_send(peer, octets));
}

void web_send_text(struct web_peer *peer, const char *text)
{
	web_send(peer, bytes_from_text(text));
}

/* False at the end of the stream. A reset is an end too: the server closed with octets unread. */
static bool peer_fill(struct web_peer *peer)
{
	if (peer->at < peer->len)
		return true;
	ssize_t got = recv(peer->fd, peer->buf, sizeof(peer->buf), 0);
	if (got < 0 && errno != ECONNRESET)
		fail_msg("the server hangs: %s", strerror(errno));
	peer->at = 0;
	peer->len = got > 0 ? (size_t)got : 0;
	return got > 0;
}

bool web_ended(struct web_peer *peer)
{
	return !peer_fill(peer);
}

static bool head_read(struct web_peer *peer, struct web_answer *ret)
{
	size_t len = 0;
	while (len < 4 || memcmp(ret->head + len - 4, "\r\n\r\n", 4) != 0) {
		if (!peer_fill(peer)) {
			assert_int_equal(len, 0);
			return false;
		}
		assert_true(len < sizeof(ret->head) - 1);
		ret->head[len++] = peer->buf[peer->at++];
	}
	ret->head[len] = '\0';
	return true;
}

static void body_read(struct web_peer *peer, struct web_answer *ret)
{
	size_t len = 0;
	while (len < ret->body_len) {
		assert_true(peer_fill(peer));
		size_t here = peer->len - peer->at;
		size_t more = here < ret->body_len - len ? here : ret->body_len - len;
		memcpy(ret->body + len, peer->buf + peer->at, more);
		peer->at += more;
		len += more;
	}
}

bool web_next(struct web_peer *peer, bool head, struct web_answer *ret)
{
	*ret = (struct web_answer){0};
	if (!head_read(peer, ret))
		return false;
	assert_int_equal(strncmp(ret->head, "HTTP/1.1 ", 9), 0);
	ret->status = (int)strtol(ret->head + 9, NULL, 10);
	ret->close = strstr(ret->head, "\r\nConnection: close\r\n") != NULL;
	const char *length = strstr(ret->head, "\r\nContent-Length: ");
	ret->has_length = length != NULL;
	ret->body_len = length && !head ? strtoul(length + 18, NULL, 10) : 0;
	ret->body = calloc(1, ret->body_len + 1);
	assert_non_null(ret->body);
	body_read(peer, ret);
	return true;
}

void web_answer_done(struct web_answer *answer)
{
	free(answer->body);
	answer->body = NULL;
}

bool web_expect(struct web_peer *peer, int status)
{
	return web_expect_body(peer, status, NULL);
}

bool web_expect_body(struct web_peer *peer, int status, const char *body)
{
	struct web_answer answer;
	assert_true(web_next(peer, false, &answer));
	assert_int_equal(answer.status, status);
	if (body)
		assert_string_equal(answer.body, body);
	web_answer_done(&answer);
	return answer.close;
}

void web_expect_alive(struct web_peer *peer)
{
	web_send_text(peer, "POST /alive HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nalive");
	assert_false(web_expect_body(peer, 200, "alive"));
}

int web_set_up(void **state)
{
	(void)state;
	web_start(NULL);
	return 0;
}

int web_tear_down(void **state)
{
	(void)state;
	web_stop();
	return 0;
}
