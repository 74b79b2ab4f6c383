/* SPDX-License-Identifier: Apache-2.0 */
#include "api/native/page.h"

#include "api/native/inbox.h"

#include <assert.h>

struct embedded_file {
	struct bytes name, tag, content;
};

#include "api_inbox_page.inc"

/* Scripts, styles, pictures and answers of our own and nothing else; no other page around it. */
static const struct bytes policy =
    BYTES("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
          "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");

static const struct embedded_file *file_find(struct bytes name)
{
	for (size_t i = 0; i < sizeof(embedded_files) / sizeof(embedded_files[0]); i++)
		if (bytes_equal(embedded_files[i].name, name))
			return &embedded_files[i];
	return NULL;
}

/* Browsers ask each time and are told in one line that nothing has changed. */
static void file_serve(struct api *api, struct request *request, struct bytes name,
                       struct bytes type)
{
	const struct embedded_file *file = file_find(name);
	assert(file);
	if (!inbox_admits(api, request))
		return;
	response_field(request, BYTES("Cache-Control"), BYTES("no-cache"));
	response_field(request, BYTES("ETag"), file->tag);
	response_field(request, BYTES("Content-Security-Policy"), policy);
	response_field(request, BYTES("Referrer-Policy"), BYTES("no-referrer"));
	if (bytes_equal(request_field(request, BYTES("If-None-Match")), file->tag))
		request_answer(request, 304, BYTES_NONE, BYTES(""));
	else
		request_answer(request, 200, type, file->content);
}

void page_html(struct api *api, struct request *request)
{
	file_serve(api, request, BYTES("inbox.html"), BYTES("text/html; charset=utf-8"));
}

void page_script(struct api *api, struct request *request)
{
	file_serve(api, request, BYTES("inbox.js"), BYTES("text/javascript; charset=utf-8"));
}

void page_style(struct api *api, struct request *request)
{
	file_serve(api, request, BYTES("inbox.css"), BYTES("text/css; charset=utf-8"));
}

void page_icon(struct api *api, struct request *request)
{
	file_serve(api, request, BYTES("inbox.svg"), BYTES("image/svg+xml"));
}
