/* SPDX-License-Identifier: Apache-2.0 */
#include "api/request.h"

#include <assert.h>

struct bytes request_field(const struct request *request, struct bytes name)
{
	for (size_t i = 0; i < request->fields_n; i++)
		if (bytes_equal_fold(request->fields[i].name, name))
			return request->fields[i].value;
	return BYTES_NONE;
}

size_t request_field_count(const struct request *request, struct bytes name)
{
	size_t count = 0;
	for (size_t i = 0; i < request->fields_n; i++)
		count += bytes_equal_fold(request->fields[i].name, name);
	return count;
}

/* Nothing we write as a field may end it early: that would be response splitting. */
static bool is_one_line(struct bytes value)
{
	return bytes_find(value, '\r') == value.len && bytes_find(value, '\n') == value.len &&
	       bytes_find(value, '\0') == value.len;
}

struct bytes request_media_type(const struct request *request, struct bytes *ret_parameters)
{
	size_t count = request_field_count(request, BYTES("Content-Type"));
	struct bytes type = request_field(request, BYTES("Content-Type"));
	size_t end = bytes_find(type, ';');
	if (ret_parameters)
		*ret_parameters = bytes_from(type, end + 1);
	return count == 0 ? BYTES_NONE : count > 1 ? BYTES("") : bytes_trim(bytes_first(type, end));
}

void response_field(struct request *request, struct bytes name, struct bytes value)
{
	struct response *response = &request->response;
	assert(response->fields_n < RESPONSE_FIELDS_MAX && is_one_line(value));
	response->fields[response->fields_n++] = (struct http_field){name, value};
}

void request_answer(struct request *request, int status, struct bytes content_type,
                    struct bytes body)
{
	assert(!request->answered && status >= 200 && status <= 599);
	request->answered = true;
	if (content_type.at)
		response_field(request, BYTES("Content-Type"), content_type);
	request->response.status = status;
	request->response.body = body;
	request->transport_send(request);
}

void response_retry_after(struct request *request, int64_t wait_ms)
{
	struct bytes seconds =
	    arena_printf(request->arena, "%lld", (long long)((wait_ms + 999) / 1000));
	if (seconds.at)
		response_field(request, BYTES("Retry-After"), seconds);
}
