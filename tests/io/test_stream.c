/* SPDX-License-Identifier: Apache-2.0 */
/* Listeners and streams over loopback, both ends in this process. */
#include "support/unit.h"

#include "io/listener.h"
#include "io/stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static struct io_loop *loop;
static struct listener *listener;
static unsigned port;

/* The server's end of one connection, and what was seen of it. */
static struct {
	struct stream *stream;
	char room[64];
	size_t room_len;
	size_t read_n;
	char read[4096];
	int ends, breaks, drains, closes;
	int accepted, starved;
	char peer[LISTENER_PEER_MAX];
} seen;

static struct stream_room on_room(void *data)
{
	(void)data;
	return (struct stream_room){seen.room, seen.room_len};
}

static void on_read(void *data, size_t len)
{
	(void)data;
	assert_true(seen.read_n + len <= sizeof(seen.read));
	memcpy(seen.read + seen.read_n, seen.room, len);
	seen.read_n += len;
	io_loop_stop(loop);
}

static void on_end(void *data)
{
	(void)data;
	seen.ends++;
	io_loop_stop(loop);
}

static void on_broken(void *data)
{
	(void)data;
	seen.breaks++;
	io_loop_stop(loop);
}

static void on_drained(void *data)
{
	(void)data;
	seen.drains++;
	io_loop_stop(loop);
}

static void on_closed(void *data)
{
	(void)data;
	seen.stream = NULL;
	seen.closes++;
	io_loop_stop(loop);
}

static const struct stream_user user = {on_room, on_read, on_end, on_broken, on_drained, on_closed};

static void on_accept(void *data, int fd, const char *peer)
{
	(void)data;
	seen.accepted++;
	(void)snprintf(seen.peer, sizeof(seen.peer), "%s", peer);
	if (seen.stream)
		(void)close(fd);
	else
		seen.stream = stream_new(loop, fd, NULL, &user, NULL);
	io_loop_stop(loop);
}

static void on_starved(void *data)
{
	(void)data;
	seen.starved++;
	io_loop_stop(loop);
}

static const struct listener_user listener_user = {on_accept, on_starved};

static int set_up(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof(seen));
	seen.room_len = sizeof(seen.room);
	loop = io_loop_new();
	int fd;
	if (!loop || listener_bind("127.0.0.1", false, 0, false, &fd, &port) != OK)
		return -1;
	listener = listener_start(loop, fd, &listener_user, NULL);
	return listener ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	if (seen.stream) {
		stream_close(seen.stream);
		while (seen.stream)
			io_loop_run(loop);
	}
	listener_stop(listener);
	io_loop_free(loop);
	return 0;
}

static int client_connect(void)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	                         .sin_port = htons((uint16_t)port),
	                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static int client_accepted(void)
{
	int fd = client_connect();
	while (!seen.stream)
		io_loop_run(loop);
	return fd;
}

static void client_send(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), 0), strlen(text));
}

/* --- streams --------------------------------------------------------------------------------- */

static void octets_arrive_in_the_room_offered(void **state)
{
	(void)state;
	int client = client_accepted();
	assert_string_equal(seen.peer, "127.0.0.1");
	seen.room_len = 3;
	client_send(client, "abcdefgh");
	while (seen.read_n < 8)
		io_loop_run(loop);
	assert_memory_equal(seen.read, "abcdefgh", 8);
	(void)close(client);
	while (!seen.ends)
		io_loop_run(loop);
	assert_int_equal(seen.breaks, 0);
}

static void no_room_pauses_until_resumed(void **state)
{
	(void)state;
	int client = client_accepted();
	seen.room_len = 0;
	client_send(client, "abc");
	for (int i = 0; i < 3; i++) {
		io_loop_stop(loop);
		io_loop_run(loop);
	}
	assert_int_equal(seen.read_n, 0);
	seen.room_len = sizeof(seen.room);
	stream_resume(seen.stream);
	stream_resume(seen.stream);
	while (seen.read_n < 3)
		io_loop_run(loop);
	stream_pause(seen.stream);
	stream_pause(seen.stream);
	client_send(client, "def");
	io_loop_stop(loop);
	io_loop_run(loop);
	assert_int_equal(seen.read_n, 3);
	stream_resume(seen.stream);
	while (seen.read_n < 6)
		io_loop_run(loop);
	(void)close(client);
}

static void parts_are_written_as_one(void **state)
{
	(void)state;
	int client = client_accepted();
	const struct bytes parts[] = {BYTES("ab"), BYTES(""), BYTES("cde"), BYTES_NONE};
	assert_true(stream_write(seen.stream, parts, 4));
	assert_true(stream_write(seen.stream, parts, 0));
	assert_int_equal(stream_queued(seen.stream), 0);
	char got[8];
	assert_int_equal(recv(client, got, sizeof(got), 0), 5);
	assert_memory_equal(got, "abcde", 5);
	(void)close(client);
}

/* What the socket does not take is copied and sent in order, then the end. */
static void the_rest_is_queued(void **state)
{
	(void)state;
	int client = client_accepted();
	size_t len = STREAM_QUEUE_MAX / 2;
	char *octets = malloc(len), *got = malloc(len);
	assert_true(octets && got);
	for (size_t i = 0; i < len; i++)
		octets[i] = (char)(i * 7 + i / 256);
	size_t written = 0;
	while (!stream_queued(seen.stream)) {
		const struct bytes parts[] = {{octets, 1000}, {octets + 1000, len - 1000}};
		assert_true(stream_write(seen.stream, parts, 2));
		written += len;
	}
	const struct bytes last = {octets, 100};
	assert_true(stream_write(seen.stream, &last, 1));
	written += 100;
	stream_shutdown(seen.stream);
	size_t at = 0;
	assert_int_equal(fcntl(client, F_SETFL, O_NONBLOCK), 0);
	for (;;) {
		ssize_t n = recv(client, got, len, 0);
		if (n == 0)
			break;
		for (ssize_t i = 0; i < n; i++)
			assert_true(got[i] == octets[(at + (size_t)i) % len]);
		if (n > 0) {
			at += (size_t)n;
			continue;
		}
		io_loop_stop(loop);
		io_loop_run(loop);
	}
	assert_int_equal(at, written);
	assert_int_equal(stream_queued(seen.stream), 0);
	assert_int_equal(seen.drains, 1);
	free(octets);
	free(got);
	(void)close(client);
}

static void the_queue_has_a_limit(void **state)
{
	(void)state;
	int client = client_accepted();
	char *octets = calloc(1, STREAM_QUEUE_MAX);
	assert_non_null(octets);
	const struct bytes much = {octets, STREAM_QUEUE_MAX};
	while (!stream_queued(seen.stream))
		assert_true(stream_write(seen.stream, &much, 1));
	size_t room = STREAM_QUEUE_MAX - stream_queued(seen.stream);
	const struct bytes fits = {octets, room}, over = {octets, 1};
	assert_true(stream_write(seen.stream, &fits, 1));
	assert_int_equal(stream_queued(seen.stream), STREAM_QUEUE_MAX);
	assert_false(stream_write(seen.stream, &over, 1));
	/* Closing drops it all. */
	stream_close(seen.stream);
	while (!seen.closes)
		io_loop_run(loop);
	assert_int_equal(seen.drains, 0);
	free(octets);
	(void)close(client);
}

static void a_reset_breaks_the_stream(void **state)
{
	(void)state;
	int client = client_accepted();
	struct linger linger = {.l_onoff = 1, .l_linger = 0};
	assert_int_equal(setsockopt(client, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	(void)close(client);
	while (!seen.breaks)
		io_loop_run(loop);
	const struct bytes octets = BYTES("x");
	assert_false(stream_write(seen.stream, &octets, 1));
}

static void end_reaches_the_peer_and_reading_goes_on(void **state)
{
	(void)state;
	int client = client_accepted();
	stream_shutdown(seen.stream);
	char c;
	assert_int_equal(recv(client, &c, 1, 0), 0);
	client_send(client, "still");
	while (seen.read_n < 5)
		io_loop_run(loop);
	(void)close(client);
	while (!seen.ends)
		io_loop_run(loop);
}

/* --- listeners ------------------------------------------------------------------------------- */

static void a_port_in_use_is_busy(void **state)
{
	(void)state;
	int fd;
	unsigned got;
	assert_int_equal(listener_bind("127.0.0.1", false, port, false, &fd, &got), ERR_BUSY);
	assert_int_equal(listener_bind("192.0.2.1", false, 0, false, &fd, &got), ERR_IO);
	assert_int_equal(listener_bind("no address", false, 0, false, &fd, &got), ERR_IO);
	assert_int_equal(listener_bind("::x", true, 0, false, &fd, &got), ERR_IO);
}

static void shared_ports_are_shared(void **state)
{
	(void)state;
	int first, second, third;
	unsigned got, again;
	assert_int_equal(listener_bind("127.0.0.1", false, 0, true, &first, &got), OK);
	assert_int_equal(listener_bind("127.0.0.1", false, got, true, &second, &again), OK);
	assert_int_equal(got, again);
	assert_int_equal(listener_bind("127.0.0.1", false, got, false, &third, &again), ERR_BUSY);
	(void)close(first);
	(void)close(second);
}

static void starved_clients_are_turned_away_without_spinning(void **state)
{
	(void)state;
	int client = client_connect();
	struct rlimit before, now;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	/* As many as are open: the next one is one too many. */
	int next = dup(0);
	assert_true(next >= 0);
	(void)close(next);
	now = (struct rlimit){.rlim_cur = (rlim_t)next, .rlim_max = before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
	while (!seen.starved)
		io_loop_run(loop);
	assert_int_equal(seen.starved, 1);
	assert_int_equal(seen.accepted, 0);
	char c;
	assert_int_equal(recv(client, &c, 1, 0), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	(void)close(client);
	/* And accepts again at once. */
	client = client_accepted();
	assert_int_equal(seen.accepted, 1);
	(void)close(client);
}

static int rounds;

static void count_round(struct io_hook *hook)
{
	(void)hook;
	rounds++;
}

static void stop_loop(void *data)
{
	(void)data;
	io_loop_stop(loop);
}

/* Somebody else took the reserve: it waits instead of spinning, and comes back. */
static void without_a_reserve_it_backs_off(void **state)
{
	(void)state;
	int client = client_connect();
	struct rlimit before, now;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	/* Nothing at all can be opened, so once the reserve is given up it is gone. */
	now = (struct rlimit){.rlim_cur = 3, .rlim_max = before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
	struct io_hook hook = {.run = count_round};
	struct io_timer *timer;
	rounds = 0;
	io_loop_on_round_end(loop, &hook);
	assert_int_equal(io_loop_after(loop, LISTENER_BACKOFF_MS / 2, stop_loop, NULL, &timer), OK);
	io_loop_run(loop);
	io_timer_stop(timer);
	assert_true(rounds < 10);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	list_remove(&hook.link);
	while (!seen.accepted)
		io_loop_run(loop);
	(void)close(client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(octets_arrive_in_the_room_offered),
	    TEST(no_room_pauses_until_resumed),
	    TEST(parts_are_written_as_one),
	    TEST(the_rest_is_queued),
	    TEST(the_queue_has_a_limit),
	    TEST(a_reset_breaks_the_stream),
	    TEST(end_reaches_the_peer_and_reading_goes_on),
	    TEST(a_port_in_use_is_busy),
	    TEST(shared_ports_are_shared),
	    TEST(starved_clients_are_turned_away_without_spinning),
	    TEST(without_a_reserve_it_backs_off),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
