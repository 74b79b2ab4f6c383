/* SPDX-License-Identifier: Apache-2.0 */
/* A server over several loops. */
#include "support/unit.h"

#include "net/server.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOOPS 3

/* --- a server -------------------------------------------------------------------------------- */

struct counting {
	struct request_handler handler;
	_Atomic int served;
};

static bool on_head(struct request_handler *handler, struct request *request)
{
	(void)handler;
	(void)request;
	return true;
}

static void on_request(struct request_handler *handler, struct request *request)
{
	((struct counting *)handler)->served++;
	request_answer(request, 200, BYTES("text/plain"), request->peer);
}

static struct io_loop *loops[LOOPS];
static struct counting counting[LOOPS];
static struct request_handler *handlers[LOOPS];
static struct net_server *server;

static void set_up_loops(void)
{
	for (size_t i = 0; i < LOOPS; i++) {
		loops[i] = io_loop_new();
		assert_non_null(loops[i]);
		counting[i] = (struct counting){.handler = {.on_head = on_head,
		                                            .on_too_large = on_request,
		                                            .on_request = on_request}};
		handlers[i] = &counting[i].handler;
	}
}

static enum err start(const struct net_address *addresses, size_t n, size_t *reterr)
{
	struct net_options options = {
	    .loops = loops,
	    .handlers = handlers,
	    .loops_n = LOOPS,
	    .addresses = addresses,
	    .addresses_n = n,
	    .limits = net_limits_default(),
	};
	return net_server_start(&options, &server, reterr);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool stopped;

static void on_stopped(struct task *task)
{
	(void)task;
	(void)pthread_mutex_lock(&lock);
	stopped = true;
	(void)pthread_cond_signal(&changed);
	(void)pthread_mutex_unlock(&lock);
}

static void stop(void)
{
	static struct task task = {.run = on_stopped};
	stopped = false;
	net_server_stop(server, io_loop_executor(loops[0]), &task);
	(void)pthread_mutex_lock(&lock);
	while (!stopped)
		(void)pthread_cond_wait(&changed, &lock);
	(void)pthread_mutex_unlock(&lock);
}

static void tear_down_loops(void)
{
	for (size_t i = 0; i < LOOPS; i++) {
		io_loop_stop(loops[i]);
		io_loop_join(loops[i]);
	}
	net_server_free(server);
	server = NULL;
	for (size_t i = 0; i < LOOPS; i++)
		io_loop_free(loops[i]);
}

static int client_connect(const struct net_address *address)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)address->port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
	                          .sin6_port = htons((uint16_t)address->port)};
	(void)inet_pton(AF_INET, address->host, &v4.sin_addr);
	(void)inet_pton(AF_INET6, address->host, &v6.sin6_addr);
	int fd = socket(address->ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int failed = address->ipv6 ? connect(fd, (struct sockaddr *)&v6, sizeof(v6))
	                           : connect(fd, (struct sockaddr *)&v4, sizeof(v4));
	if (!failed)
		return fd;
	(void)close(fd);
	return -1;
}

static void client_ask(int fd, const char *peer)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
	char got[1000];
	assert_int_equal(send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL), sizeof(request) - 1);
	ssize_t n = recv(fd, got, sizeof(got) - 1, 0);
	assert_true(n > 0);
	got[n] = '\0';
	assert_non_null(strstr(got, "HTTP/1.1 200 OK\r\n"));
	assert_non_null(strstr(got, "\r\n\r\n"));
	assert_string_equal(strstr(got, "\r\n\r\n") + 4, peer);
}

static bool has_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	bool has = fd >= 0 && bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0;
	(void)close(fd);
	return has;
}

static void every_loop_serves_every_address(void **state)
{
	(void)state;
	static const struct net_address addresses[] = {
	    {.host = "127.0.0.1"}, {.host = "127.0.0.2"}, {.host = "::1", .ipv6 = true}};
	size_t n = has_ipv6() ? 3 : 2, bad;
	set_up_loops();
	assert_int_equal(start(addresses, n, &bad), OK);
	for (size_t i = 0; i < LOOPS; i++)
		assert_int_equal(io_loop_start(loops[i], "loop"), OK);
	int fds[90];
	for (size_t i = 0; i < COUNT(fds); i++) {
		const struct net_address *address = net_server_address(server, i % n);
		assert_true(address->port > 0);
		fds[i] = client_connect(address);
		assert_true(fds[i] >= 0);
		client_ask(fds[i], i % n == 2 ? "::1" : "127.0.0.1");
	}
	struct net_counts counts = net_server_counts(server);
	assert_int_equal(counts.open, COUNT(fds));
	assert_int_equal(counts.accepted, COUNT(fds));
	assert_int_equal(counts.requests, COUNT(fds));
	assert_int_equal(counts.refused + counts.turned_away, 0);
	for (size_t i = 0; i < LOOPS; i++)
		assert_true(counting[i].served > 0);
	struct net_address first = *net_server_address(server, 0);
	stop();
	/* Nobody listens any more, and what was idle is closed. */
	assert_int_equal(client_connect(&first), -1);
	for (size_t i = 0; i < COUNT(fds); i++) {
		char c;
		assert_int_equal(recv(fds[i], &c, 1, 0), 0);
		(void)close(fds[i]);
	}
	assert_int_equal(net_server_counts(server).open, 0);
	tear_down_loops();
}

static void a_port_in_use_is_told(void **state)
{
	(void)state;
	static const struct net_address free_one = {.host = "127.0.0.1"};
	set_up_loops();
	size_t bad;
	assert_int_equal(start(&free_one, 1, &bad), OK);
	struct net_server *first = server;
	struct net_address both[2] = {free_one, *net_server_address(first, 0)};
	/* The same process could share it by SO_REUSEPORT; it must not. */
	assert_int_equal(start(both, 2, &bad), ERR_BUSY);
	assert_int_equal(bad, 1);
	both[1] = (struct net_address){.host = "192.0.2.1", .port = 80};
	assert_int_equal(start(both, 2, &bad), ERR_IO);
	assert_int_equal(bad, 1);
	server = first;
	for (size_t i = 0; i < LOOPS; i++)
		assert_int_equal(io_loop_start(loops[i], "loop"), OK);
	stop();
	tear_down_loops();
}

static void a_server_that_never_ran_is_freed(void **state)
{
	(void)state;
	static const struct net_address address = {.host = "127.0.0.1"};
	set_up_loops();
	size_t bad;
	assert_int_equal(start(&address, 1, &bad), OK);
	tear_down_loops();
	net_server_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_loop_serves_every_address),
	    cmocka_unit_test(a_port_in_use_is_told),
	    cmocka_unit_test(a_server_that_never_ran_is_freed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
