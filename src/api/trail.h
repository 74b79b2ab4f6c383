/* SPDX-License-Identifier: Apache-2.0 */
/* One log line for each command that a dialect carried out: what was asked, of which masked number,
 * and what came of it; and the count of it. */
#ifndef API_TRAIL_H
#define API_TRAIL_H

#include "api/route.h"
#include "core/flow.h"

void trail_log(struct api *api, const struct request *request, const struct owner *dialect,
               const struct flow_call *call);

#endif
