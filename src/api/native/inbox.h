/* SPDX-License-Identifier: Apache-2.0 */
/* The developer inbox: its page, and the API that tests wait on. */
#ifndef API_NATIVE_INBOX_H
#define API_NATIVE_INBOX_H

#include "api/native/inbox_port.h"
#include "api/route.h"

void inbox_page(struct api *api, struct request *request);
void inbox_script(struct api *api, struct request *request);
void inbox_style(struct api *api, struct request *request);
/* ?to=&since=&wait= */
void inbox_messages(struct api *api, struct request *request);
void inbox_latest(struct api *api, struct request *request);
void inbox_delete(struct api *api, struct request *request);

#endif
