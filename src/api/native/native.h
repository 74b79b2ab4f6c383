/* SPDX-License-Identifier: Apache-2.0 */
/* The addresses beside the APIs: /healthz, /readyz, /metrics and the developer inbox for operators,
 * and the house itself, who answers for what nobody owns. */
#ifndef API_NATIVE_H
#define API_NATIVE_H

#include "api/route.h"

extern const struct owner native_owner;
extern const struct owner house_owner;

/* Whether the operator's pages are for this request: it came by the operator's listener, or the
 * others show them, too. */
bool native_is_shown(const struct api *api, const struct request *request);

#endif
