/* SPDX-License-Identifier: Apache-2.0 */
/* The developer inbox: whom it answers, and the API that tests wait on. Its page: page.h. */
#ifndef API_NATIVE_INBOX_H
#define API_NATIVE_INBOX_H

#include "api/native/inbox_port.h"
#include "api/route.h"

/* False: there is no inbox here, or not for this request, which is answered. */
bool inbox_admits(struct api *api, struct request *request);

/* ?to=&since=&wait=, and sms=1: each message with a member `sms`, the size of its text as a short
 * message, which nobody who did not ask is shown. */
void inbox_messages(struct api *api, struct request *request);
void inbox_latest(struct api *api, struct request *request);
void inbox_delete(struct api *api, struct request *request);

#endif
