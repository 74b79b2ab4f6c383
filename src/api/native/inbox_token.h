/* SPDX-License-Identifier: Apache-2.0 */
/* `inbox.token`: with it the inbox is for who shows it, from wherever he asks. Browsers show it as
 * the password of HTTP Basic, under any name; programs that way or as Bearer. */
#ifndef API_INBOX_TOKEN_H
#define API_INBOX_TOKEN_H

#include "api/api.h"

/* True: there is no token, or the request shows it. Else it was answered. */
bool inbox_token_is_shown(struct api *api, struct request *request);

#endif
