/* SPDX-License-Identifier: Apache-2.0 */
/* /readyz and /metrics: whether to send requests here, and what came of them. Nothing in them is
 * secret, but /metrics is answered only where api_shared.operator_pages says so. */
#ifndef API_OPERATOR_H
#define API_OPERATOR_H

#include "api/api.h"

/* 200 `ok`, or 503 with a line for each reason. */
void operator_readyz(struct api *api, struct request *request);
void operator_metrics(struct api *api, struct request *request);

#endif
