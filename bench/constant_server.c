/* SPDX-License-Identifier: Apache-2.0 */
/* The ceiling of the wire: the real loops, connections and parser before a handler that answers
 * every request with the same few octets. bench_http.sh drives it.
 *
 *   constant_server LOOPS PORT       (port 0: the system picks one); ends on SIGTERM or SIGINT */
#include "net/server.h"

#include <signal.h>

#define BODY_MAX ((size_t)64 << 10)

static bool on_head(struct request_handler *handler, struct request *request)
{
	(void)handler;
	request->body_max = BODY_MAX;
	return true;
}

static void on_too_large(struct request_handler *handler, struct request *request)
{
	(void)handler;
	request_answer(request, 413, BYTES("text/plain"), BYTES("too large"));
}

static void on_request(struct request_handler *handler, struct request *request)
{
	(void)handler;
	request_answer(request, 200, BYTES("text/plain"), BYTES("ok"));
}

static struct request_handler handler = {
    .on_head = on_head,
    .on_too_large = on_too_large,
    .on_request = on_request,
};

static struct io_loop *loops[NET_LOOPS_MAX];
static size_t loops_n;
static struct net_server *server;

static void on_stopped(struct task *task)
{
	(void)task;
	for (size_t i = 0; i < loops_n; i++)
		io_loop_stop(loops[i]);
}

static void on_signal(void *data)
{
	(void)data;
	static struct task stopped = {.run = on_stopped};
	static bool asked;
	if (!asked)
		net_server_stop(server, io_loop_executor(loops[0]), &stopped);
	asked = true;
}

static bool loops_make(void)
{
	for (size_t i = 0; i < loops_n; i++)
		if (!(loops[i] = io_loop_new()))
			return false;
	return io_loop_on_signal(loops[0], SIGTERM, on_signal, NULL) == OK &&
	       io_loop_on_signal(loops[0], SIGINT, on_signal, NULL) == OK;
}

static bool serve(unsigned port)
{
	struct request_handler *handlers[NET_LOOPS_MAX];
	for (size_t i = 0; i < loops_n; i++)
		handlers[i] = &handler;
	struct net_address address = {.host = "127.0.0.1", .port = port};
	struct net_options options = {
	    .loops = loops,
	    .handlers = handlers,
	    .loops_n = loops_n,
	    .addresses = &address,
	    .addresses_n = 1,
	    .limits = net_limits_default(),
	};
	size_t bad;
	if (net_server_start(&options, &server, &bad) != OK)
		return false;
	(void)printf("listening on http://127.0.0.1:%u\n", net_server_address(server, 0)->port);
	(void)fflush(stdout);
	return true;
}

int main(int argc, char **argv)
{
	loops_n = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
	unsigned port = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	if (loops_n < 1 || loops_n > NET_LOOPS_MAX || !loops_make() || !serve(port))
		return 1;
	for (size_t i = 1; i < loops_n; i++)
		if (io_loop_start(loops[i], "loop") != OK)
			return 1;
	io_loop_run(loops[0]);
	for (size_t i = 1; i < loops_n; i++)
		io_loop_join(loops[i]);
	net_server_free(server);
	for (size_t i = 0; i < loops_n; i++)
		io_loop_free(loops[i]);
	return 0;
}
