/* SPDX-License-Identifier: Apache-2.0 */
/* The "manage" API of user log-in by one-time code: POST /manage/v2/user/validate/otp checks a code
 * and returns its user, /send/otp sends one, /list/rolloutStage moves users between stages. What
 * this folder must answer is written in its README.md. */
#ifndef API_MANAGE_H
#define API_MANAGE_H

#include "api/route.h"

#define MANAGE_BODY_MAX ((size_t)16 << 10)

extern const struct owner manage_owner;

#endif
