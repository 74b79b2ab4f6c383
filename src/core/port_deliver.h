/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine asks of delivery, in its own words: whether a number can be reached, and to look
 * at a message now that it is on disk. */
#ifndef CORE_PORT_DELIVER_H
#define CORE_PORT_DELIVER_H

#include "core/record.h"

enum delivery_route {
	ROUTE_NONE,    /* no provider is configured: a send is a fault */
	ROUTE_REFUSED, /* providers there are, none takes this destination */
	ROUTE_QUEUED,  /* the message is committed as queued, a provider sends it later */
	ROUTE_AT_ONCE, /* taken and finished in one act: the message is not stored */
};

struct delivery_plan {
	enum delivery_route route;
	struct bytes provider; /* its name; lives as long as the delivery. Absent without a route */
};

struct deliver;

struct deliver_ops {
	/* How a message to that number would leave. Any thread, no waiting. */
	struct delivery_plan (*plan)(struct deliver *deliver, const struct number *number);
	/* The message is on disk; with ROUTE_AT_ONCE its verification is, and the message is here
	 * alone. Copies what it keeps; any thread, no waiting. */
	void (*committed)(struct deliver *deliver, const struct message *message,
	                  const struct verification *verification);
};

struct deliver {
	const struct deliver_ops *ops;
};

#endif
