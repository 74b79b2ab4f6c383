/* SPDX-License-Identifier: Apache-2.0 */
/* The inbox page as it is served: the files of page/, which the program carries. What it shows it
 * gets from the inbox's API. */
#ifndef API_NATIVE_PAGE_H
#define API_NATIVE_PAGE_H

#include "api/route.h"

void page_html(struct api *api, struct request *request);
void page_script(struct api *api, struct request *request);
void page_style(struct api *api, struct request *request);
void page_icon(struct api *api, struct request *request);

#endif
