/* SPDX-License-Identifier: Apache-2.0 */
/* What core/flow and core/flow_user have in common. Only for core/. */
#ifndef CORE_FLOW_PRIVATE_H
#define CORE_FLOW_PRIVATE_H

#include "core/flow_user.h"

int64_t flow_now(const struct flow *flow);

/* A call begins: false, and it was answered, when there are too many. */
bool flow_call_admit(struct flow *flow, struct flow_call *call);
/* It waits for its turn at the bucket, then flow_user_load (or its like) begins. */
void flow_call_enter(struct flow_call *call, unsigned bucket);
/* It leaves the bucket to the next one, and goes on without a turn. */
void flow_call_leave(struct flow_call *call);
/* The step was taken: commits what it changed, or notes why nothing did; then the call ends. */
void flow_call_stepped(struct flow_call *call, enum err err);
/* The call ends, with or without a turn. */
void flow_call_finish(struct flow_call *call, enum err err);

/* Loads all that a command about a user needs, then steps. */
void flow_user_load(struct flow_call *call);

#endif
