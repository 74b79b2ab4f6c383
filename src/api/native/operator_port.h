/* SPDX-License-Identifier: Apache-2.0 */
/* What /metrics and /readyz ask of whoever runs the rooms (main). */
#ifndef API_OPERATOR_PORT_H
#define API_OPERATOR_PORT_H

#include "base/task.h"
#include "ops/metrics.h"

/* One look at all counters. Caller's memory until on_done, which runs on the caller's executor. */
struct metrics_query {
	struct executor *executor;
	void (*on_done)(struct metrics_query *query);
	struct metrics metrics; /* the answer */
	/* the port's own */
	struct operator_port *port;
	struct task task;
};

struct operator_port {
	/* Any thread. */
	void (*gather)(struct operator_port *port, struct metrics_query *query);
	/* Whether the store took what was last written. Any thread; a lock held briefly. */
	bool (*store_writes)(struct operator_port *port);
	/* Whether the server was told to stop. Any thread. */
	bool (*is_stopping)(struct operator_port *port);
};

#endif
