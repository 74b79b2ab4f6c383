/* SPDX-License-Identifier: Apache-2.0 */
/* One log line for each command that a dialect carried out: what was asked, of which masked number,
 * and what came of it. */
#ifndef API_TRAIL_H
#define API_TRAIL_H

#include "api/request.h"
#include "core/flow.h"

void trail_log(const struct request *request, struct bytes dialect, const struct flow_call *call);

#endif
