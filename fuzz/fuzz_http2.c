/* SPDX-License-Identifier: Apache-2.0 */
/* A whole connection as the server sees it, over a socket: whatever a client of HTTP/2 (or of
 * HTTP/1.1, when the input is not its preface) writes, what comes back is whole frames, the handler
 * is asked by the rules, and in the end the connection is gone and everything given back.
 *
 * The first octet: bit 0 puts preface and SETTINGS before the rest, bit 1 lets the client end its
 * side, bits 2 to 7 are the length of the pieces it writes, 0 for one. */
#include "fuzz.h"

#include "net/reception.h"
#include "wire/http2.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define ROUNDS_MAX 16
#define LATE_MAX 128
#define HOUR_MS 3600000

static struct io_loop *loop;
static struct reception *reception;
static int64_t now_ms = 1;
static struct request *late[LATE_MAX];
static size_t late_n;
static bool is_http2;

/* --- the handler ----------------------------------------------------------------------------- */

static bool on_head(struct request_handler *handler, struct request *request)
{
	(void)handler;
	if (!request->method.len || !request->path.len ||
	    (request->protocol == PROTOCOL_HTTP_2) != is_http2)
		abort();
	request->body_max = 100;
	if (!bytes_start_with(request->path, BYTES("/e")))
		return true;
	request_answer(request, 403, BYTES("text/plain"), BYTES("early"));
	return false;
}

static void on_too_large(struct request_handler *handler, struct request *request)
{
	(void)handler;
	request_answer(request, 413, BYTES_NONE, BYTES("too large"));
}

static void on_request(struct request_handler *handler, struct request *request)
{
	(void)handler;
	if (request->body.len > request->body_max)
		abort();
	if (bytes_start_with(request->path, BYTES("/l")) && late_n < LATE_MAX) {
		late[late_n++] = request;
		return;
	}
	if (bytes_start_with(request->path, BYTES("/t"))) {
		request->response.trailers[0] = (struct http_field){BYTES("X"), BYTES("y")};
		request->response.trailers_n = 1;
	}
	request_answer(request, 200, BYTES("text/plain"), request->body);
}

static struct request_handler handler = {
    .on_head = on_head,
    .on_too_large = on_too_large,
    .on_request = on_request,
};

/* --- the client ------------------------------------------------------------------------------ */

/* What came back: frames, as far as they have come. */
struct back {
	uint8_t head[9];
	size_t head_n, skip;
};

static void frames_check(struct back *back, const uint8_t *at, size_t len)
{
	while (len) {
		size_t n = back->skip < len ? back->skip : len;
		back->skip -= n;
		at += n;
		len -= n;
		if (!len)
			return;
		back->head[back->head_n++] = *at++;
		len--;
		if (back->head_n < sizeof(back->head))
			continue;
		back->head_n = 0;
		back->skip =
		    (size_t)back->head[0] << 16 | (size_t)back->head[1] << 8 | back->head[2];
		if (back->skip > 16384 || back->head[3] > 9)
			abort();
	}
}

static bool answers_late, ticks; /* in the next round */

static void round_over(struct task *task)
{
	(void)task;
	if (ticks)
		reception_tick(reception);
	while (answers_late && late_n)
		request_answer(late[--late_n], 200, BYTES_NONE, BYTES("late"));
	answers_late = ticks = false;
	io_loop_stop(loop);
}

/* Lets the loop do what there is to do, and reads what it writes. False: it has closed. */
static bool rounds_run(int fd, struct back *back)
{
	static uint8_t got[65536];
	bool open = true;
	for (int i = 0; i < 3; i++) {
		struct task task = {.run = round_over};
		executor_post(io_loop_executor(loop), &task);
		io_loop_run(loop);
		ssize_t len = recv(fd, got, sizeof(got), MSG_DONTWAIT);
		if (len > 0 && is_http2)
			frames_check(back, got, (size_t)len);
		open = len != 0;
	}
	return open;
}

static bool octets_send(int fd, const char *at, size_t len)
{
	return len == 0 || send(fd, at, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static int64_t clock_now(void)
{
	return now_ms;
}

static void start(void)
{
	const struct reception_options options = {
	    .handler = &handler,
	    .limits = net_limits_default(),
	    .mono_ms = clock_now,
	    .loop = loop = io_loop_new(),
	};
	if (!loop || !(reception = reception_new(&options)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t len)
{
	static const char beginning[] = HTTP2_PREFACE "\0\0\0\4\0\0\0\0";
	int fds[2];
	struct back back = {0};
	if (!loop)
		start();
	if (len == 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
		return 0;
	struct bytes in = bytes_from(fuzz_input(at, len), 1);
	size_t step = at[0] >> 2 ? at[0] >> 2 : in.len;
	is_http2 = at[0] & 1 || bytes_start_with(in, BYTES(HTTP2_PREFACE));
	reception_accept(reception, fds[0], "fuzz", (struct net_door){0});
	bool open = !(at[0] & 1) || octets_send(fds[1], beginning, sizeof(beginning));
	for (int i = 0; open && in.len && i < ROUNDS_MAX; i++) {
		struct bytes piece = bytes_first(in, i + 1 < ROUNDS_MAX ? step : in.len);
		in = bytes_from(in, piece.len);
		answers_late = i % 2;
		open = octets_send(fds[1], piece.at, piece.len) && rounds_run(fds[1], &back);
	}
	if (at[0] & 2)
		(void)shutdown(fds[1], SHUT_WR);
	(void)rounds_run(fds[1], &back);
	/* Whatever it waits for does not come. */
	for (int i = 0; reception_counts(reception)->open && i < 4; i++) {
		now_ms += HOUR_MS;
		answers_late = ticks = true;
		(void)rounds_run(fds[1], &back);
	}
	(void)close(fds[1]);
	answers_late = true;
	(void)rounds_run(fds[1], &back);
	if (reception_counts(reception)->open)
		abort();
	return 0;
}
