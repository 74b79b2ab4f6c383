/* SPDX-License-Identifier: Apache-2.0 */
/* The dotdigital CPaaS / Comapi "Verify" API: POST /webapi/verify makes and sends a code, PUT
 * /webapi/verify/{requestId}/validate checks one. What this folder must answer is written in its
 * README.md. */
#ifndef API_DOTDIGITAL_H
#define API_DOTDIGITAL_H

#include "api/route.h"

#define DOTDIGITAL_BODY_MAX ((size_t)64 << 10)

extern const struct owner dotdigital_owner;

#endif
