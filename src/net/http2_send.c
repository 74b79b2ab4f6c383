/* SPDX-License-Identifier: Apache-2.0 */
/* Answers, and all else that the library has to say: gathered into one block a round and written
 * at its end. What the peer has not taken is waited for before more is made. */
#include "base/secret.h"
#include "net/http2_private.h"

/* :status, Date, Content-Length and the answer's own. */
#define FIELDS_SENT_MAX (RESPONSE_FIELDS_MAX + 3)

/* --- answers --------------------------------------------------------------------------------- */

/* The library copies both, and the name to lower case; it does not write through them. */
static nghttp2_nv field_of(struct bytes name, struct bytes value)
{
	return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name.at,
	                    .value = (uint8_t *)(uintptr_t)value.at,
	                    .namelen = name.len,
	                    .valuelen = value.len};
}

static size_t fields_len(const struct http_field *fields, size_t n)
{
	size_t len = 0;
	for (size_t i = 0; i < n; i++)
		len += fields[i].name.len + fields[i].value.len;
	return len;
}

static ssize_t on_body(nghttp2_session *library, int32_t stream_id, uint8_t *to, size_t room,
                       uint32_t *ret_flags, nghttp2_data_source *source, void *data)
{
	(void)data;
	struct call *call = source->ptr;
	const struct response *response = &call->request.response;
	struct bytes rest = bytes_from(response->body, call->sent);
	size_t len = rest.len < room ? rest.len : room;
	if (len)
		memcpy(to, rest.at, len);
	call->sent += len;
	if (len < rest.len)
		return (ssize_t)len;
	*ret_flags |= NGHTTP2_DATA_FLAG_EOF;
	if (response->trailers_n == 0)
		return (ssize_t)len;
	nghttp2_nv trailers[RESPONSE_FIELDS_MAX];
	for (size_t i = 0; i < response->trailers_n; i++)
		trailers[i] = field_of(response->trailers[i].name, response->trailers[i].value);
	*ret_flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
	if (nghttp2_submit_trailer(library, stream_id, trailers, response->trailers_n) != 0)
		return NGHTTP2_ERR_CALLBACK_FAILURE;
	return (ssize_t)len;
}

static size_t fields_make(struct call *call, char digits[DIGITS_MAX], nghttp2_nv *ret)
{
	const struct response *response = &call->request.response;
	char *status = arena_take(&call->arena, 3);
	if (!status)
		return 0;
	size_t n = 0;
	for (int i = 0, rest = response->status; i < 3; i++, rest /= 10)
		status[2 - i] = (char)('0' + rest % 10);
	ret[n++] = field_of(BYTES(":status"), (struct bytes){status, 3});
	ret[n++] = field_of(BYTES("date"), shared_date(call->session->http2->shared));
	if (status_has_body(response->status) && response->trailers_n == 0)
		ret[n++] = field_of(BYTES("content-length"), digits_of(response->body.len, digits));
	for (size_t i = 0; i < response->fields_n; i++)
		ret[n++] = field_of(response->fields[i].name, response->fields[i].value);
	return n;
}

static bool response_has_data(const struct request *request)
{
	const struct response *response = &request->response;
	return status_has_body(response->status) && !bytes_equal(request->method, BYTES("HEAD")) &&
	       (response->body.len || response->trailers_n);
}

bool call_send(struct call *call)
{
	struct session *session = call->session;
	struct response *response = &call->request.response;
	/* Our own fields are short. One that is not has no business here: say so and go on. */
	if (fields_len(response->fields, response->fields_n) +
	        fields_len(response->trailers, response->trailers_n) >
	    session->http2->shared->limits.head_max)
		*response = (struct response){.status = 500};
	nghttp2_nv fields[FIELDS_SENT_MAX];
	char digits[DIGITS_MAX];
	size_t n = fields_make(call, digits, fields);
	nghttp2_data_provider body = {.source.ptr = call, .read_callback = on_body};
	call->sent_since_ms = shared_now(session->http2->shared);
	return n && nghttp2_submit_response(session->library, call->stream_id, fields, n,
	                                    response_has_data(&call->request) ? &body : NULL) == 0;
}

bool call_send_continue(struct call *call)
{
	const nghttp2_nv status = field_of(BYTES(":status"), BYTES("100"));
	return nghttp2_submit_headers(call->session->library, NGHTTP2_FLAG_NONE, call->stream_id,
	                              NULL, &status, 1, NULL) == 0;
}

/* --- what was sent --------------------------------------------------------------------------- */

/* The answer is out before the request was: the rest is not wanted (RFC 9113 section 8.1). */
static int answer_end(struct session *session, int32_t stream_id)
{
	struct call *call = nghttp2_session_get_stream_user_data(session->library, stream_id);
	if (!call || call->body_done)
		return 0;
	return nghttp2_submit_rst_stream(session->library, NGHTTP2_FLAG_NONE, stream_id,
	                                 NGHTTP2_NO_ERROR);
}

int on_frame_sent(nghttp2_session *library, const nghttp2_frame *frame, void *data)
{
	(void)library;
	struct session *session = data;
	bool is_last = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
	if (frame->hd.type == NGHTTP2_RST_STREAM) {
		uint32_t code = frame->rst_stream.error_code;
		if (code != NGHTTP2_NO_ERROR && code != NGHTTP2_REFUSED_STREAM) {
			count_one(&session->http2->shared->counts.refused);
			flood_refund(&session->flood, -HTTP2_PROVOKED_COST);
		}
		return 0;
	}
	if (frame->hd.type == NGHTTP2_DATA && (is_last || frame->hd.length >= HTTP2_SENT_TINY))
		flood_refund(&session->flood, HTTP2_SENT_WORTH);
	if (is_last && (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS))
		return answer_end(session, frame->hd.stream_id);
	return 0;
}

/* --- writing --------------------------------------------------------------------------------- */

/* The next connection's frames are gathered there, too. */
static void out_clear(struct block *out)
{
	secret_wipe(out->data, out->end);
	out->end = 0;
}

/* Writes what is in the block and a frame beside it. */
static bool write_out(struct session *session, struct block *out, struct bytes frame)
{
	const struct bytes parts[2] = {block_bytes(out), frame};
	bool written = stream_write(session->stream, parts, 2);
	out_clear(out);
	return written;
}

/* False: the connection is lost. */
static bool write_all(struct session *session, struct block *out)
{
	while (!stream_queued(session->stream)) {
		const uint8_t *at;
		ssize_t len = nghttp2_session_mem_send(session->library, &at);
		if (len < 0) {
			out_clear(out);
			return false;
		}
		if (len == 0)
			break;
		const struct bytes frame = {(const char *)at, (size_t)len};
		if (frame.len > HTTP2_COPY_MAX || frame.len > out->size - out->end) {
			if (!write_out(session, out, frame))
				return false;
			continue;
		}
		memcpy(out->data + out->end, frame.at, frame.len);
		out->end += frame.len;
	}
	return write_out(session, out, BYTES_NONE);
}

void session_flush(struct session *session)
{
	if (session->cut) {
		session_cut(session, session->cut);
		return;
	}
	bool written = write_all(session, session->http2->out);
	/* Streams that we had to reset cost, too. */
	if (flood_is_too_much(&session->flood, shared_now(session->http2->shared)))
		session->cut = NGHTTP2_ENHANCE_YOUR_CALM;
	if (!written)
		session_close(session);
	else if (session->cut)
		session_cut(session, session->cut);
	else if (!nghttp2_session_want_read(session->library) &&
	         !nghttp2_session_want_write(session->library) &&
	         (!session->noticed || session->last_said))
		session_linger(session);
	else
		session_settle(session);
}
