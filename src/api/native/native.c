/* SPDX-License-Identifier: Apache-2.0 */
#include "api/native/native.h"

#include "api/native/inbox.h"
#include "api/native/operator.h"
#include "api/native/page.h"

bool native_is_shown(const struct api *api, const struct request *request)
{
	return request->admin || api->shared->operator_pages;
}

static void healthz(struct api *api, struct request *request)
{
	(void)api;
	request_answer(request, 200, TEXT_PLAIN, BYTES("ok"));
}

static const struct route native_routes[] = {
    {{"GET", 3}, {"healthz", 7}, healthz},
    {{"HEAD", 4}, {"healthz", 7}, healthz},
    {{"GET", 3}, {"readyz", 6}, operator_readyz},
    {{"HEAD", 4}, {"readyz", 6}, operator_readyz},
    {{"GET", 3}, {"metrics", 7}, operator_metrics},
    {{"HEAD", 4}, {"metrics", 7}, operator_metrics},
    {{"GET", 3}, {"inbox", 5}, page_html},
    {{"HEAD", 4}, {"inbox", 5}, page_html},
    {{"GET", 3}, {"inbox/inbox.js", 14}, page_script},
    {{"HEAD", 4}, {"inbox/inbox.js", 14}, page_script},
    {{"GET", 3}, {"inbox/inbox.css", 15}, page_style},
    {{"HEAD", 4}, {"inbox/inbox.css", 15}, page_style},
    {{"GET", 3}, {"inbox/inbox.svg", 15}, page_icon},
    {{"HEAD", 4}, {"inbox/inbox.svg", 15}, page_icon},
    {{"GET", 3}, {"inbox/api/messages", 18}, inbox_messages},
    {{"HEAD", 4}, {"inbox/api/messages", 18}, inbox_messages},
    {{"DELETE", 6}, {"inbox/api/messages", 18}, inbox_delete},
    {{"GET", 3}, {"inbox/api/latest", 16}, inbox_latest},
    {{"HEAD", 4}, {"inbox/api/latest", 16}, inbox_latest},
};

const struct owner native_owner = {
    .name = {"operator", 8},
    .counted = METRICS_API_OPERATOR,
    .routes = native_routes,
    .routes_n = sizeof(native_routes) / sizeof(native_routes[0]),
    .misroute = route_misroute_text,
};

/* ---- the house ------------------------------------------------------------------------------- */

static const struct bytes dev_links = BYTES(
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>verifyd</title>"
    "<body style=\"font:16px/1.6 system-ui;margin:3rem auto;max-width:36rem;padding:0 1rem\">"
    "<h1>verifyd</h1><p>This server makes one-time codes, sends them, and checks them.</p>"
    "<ul><li><a href=\"/inbox\">The developer inbox</a>: what would have gone to phones"
    "<li><code>POST /webapi/verify</code>, <code>PUT /webapi/verify/{requestId}/validate</code>: "
    "dotdigital Verify<li><code>POST /manage/v2/user/send/otp</code>, "
    "<code>POST /manage/v2/user/validate/otp</code>: manage<li><a "
    "href=\"/healthz\">/healthz</a>, <a href=\"/readyz\">/readyz</a>, <a "
    "href=\"/metrics\">/metrics</a></ul></body></html>\n");

static void home(struct api *api, struct request *request)
{
	if (!api->shared->dev_page)
		route_misroute_text(api, request, MISROUTE_NOT_FOUND);
	else
		request_answer(request, 200, BYTES("text/html; charset=utf-8"), dev_links);
}

static const struct route house_routes[] = {
    {{"GET", 3}, {"", 0}, home},
};

const struct owner house_owner = {
    .name = {"house", 5},
    .counted = METRICS_API_HOUSE,
    .routes = house_routes,
    .routes_n = 1,
    .misroute = route_misroute_text,
};
