/* SPDX-License-Identifier: Apache-2.0 */
/* Answers as octets. Head and body go into one block, which is written at the end of the round, so
 * that pipelined answers share a system call; a body too large for a block is written beside it,
 * uncopied. */
#include "net/http1_private.h"

#include <assert.h>

/* --- head ------------------------------------------------------------------------------------ */

/* What the head says beside the fields of the answer. */
struct plan {
	struct bytes reason;
	struct bytes date;
	struct bytes length; /* digits; absent: no Content-Length */
	bool close;
	char digits[DIGITS_MAX];
};

static void plan_make(struct conn *conn, struct plan *plan)
{
	const struct response *response = &conn->exchange->request.response;
	plan->reason = http_reason(response->status);
	plan->date = shared_date(conn->http1->shared);
	plan->length = status_has_body(response->status)
	                   ? digits_of(response->body.len, plan->digits)
	                   : BYTES_NONE;
	plan->close = response->close || conn->exchange->head.close ||
	              conn->http1->shared->stopping || body_is_not_worth_draining(conn);
}

static void put(char **to, struct bytes from)
{
	if (from.len)
		memcpy(*to, from.at, from.len);
	*to += from.len;
}

static void put_status(char **to, int status)
{
	const char digits[3] = {(char)('0' + status / 100), (char)('0' + status / 10 % 10),
	                        (char)('0' + status % 10)};
	put(to, (struct bytes){digits, sizeof(digits)});
}

#define VERSION BYTES("HTTP/1.1 ")
#define DATE_NAME BYTES("Date: ")
#define LENGTH_NAME BYTES("Content-Length: ")
#define CLOSE_FIELD BYTES("Connection: close\r\n")
#define LINE_END BYTES("\r\n")

static size_t head_len(const struct response *response, const struct plan *plan)
{
	size_t len = VERSION.len + 3 + 1 + plan->reason.len + LINE_END.len + DATE_NAME.len +
	             plan->date.len + LINE_END.len;
	if (plan->length.at)
		len += LENGTH_NAME.len + plan->length.len + LINE_END.len;
	if (plan->close)
		len += CLOSE_FIELD.len;
	for (size_t i = 0; i < response->fields_n; i++)
		len +=
		    response->fields[i].name.len + 2 + response->fields[i].value.len + LINE_END.len;
	return len + LINE_END.len;
}

static void head_put(char *to, const struct response *response, const struct plan *plan)
{
	put(&to, VERSION);
	put_status(&to, response->status);
	put(&to, BYTES(" "));
	put(&to, plan->reason);
	put(&to, LINE_END);
	put(&to, DATE_NAME);
	put(&to, plan->date);
	put(&to, LINE_END);
	if (plan->length.at) {
		put(&to, LENGTH_NAME);
		put(&to, plan->length);
		put(&to, LINE_END);
	}
	if (plan->close)
		put(&to, CLOSE_FIELD);
	for (size_t i = 0; i < response->fields_n; i++) {
		put(&to, response->fields[i].name);
		put(&to, BYTES(": "));
		put(&to, response->fields[i].value);
		put(&to, LINE_END);
	}
	put(&to, LINE_END);
}

/* --- out ------------------------------------------------------------------------------------- */

/* Writes what is in `out` and these octets beside it. False: the connection is lost. */
static bool write_now(struct conn *conn, struct bytes more)
{
	struct bytes parts[2] = {BYTES_NONE, more};
	if (conn->out)
		parts[0] = block_bytes(conn->out);
	bool written = stream_write(conn->stream, parts, 2);
	block_give(&conn->http1->shared->blocks, conn->out);
	conn->out = NULL;
	list_remove(&conn->dirty_link);
	if (!written)
		conn_close(conn);
	return written;
}

/* `len` octets at the end of `out`, or NULL: the connection is lost. */
static char *out_reserve(struct conn *conn, size_t len)
{
	struct http1 *http1 = conn->http1;
	if (conn->out && conn->out->size - conn->out->end < len && !write_now(conn, BYTES_NONE))
		return NULL;
	if (!conn->out) {
		conn->out = block_take(&http1->shared->blocks, len);
		if (!conn->out) {
			conn_close(conn);
			return NULL;
		}
		list_append(&http1->dirty, &conn->dirty_link);
	}
	char *at = conn->out->data + conn->out->end;
	conn->out->end += len;
	return at;
}

void conn_flush(struct conn *conn)
{
	if (conn->out && !write_now(conn, BYTES_NONE))
		return;
	if (conn->shutdown) {
		stream_shutdown(conn->stream);
		if (conn->ended && !stream_queued(conn->stream))
			conn_close(conn);
	} else if (conn->state == CONN_IDLE && stream_queued(conn->stream)) {
		conn_enter(conn, CONN_WRITE);
	}
}

void conn_send_continue(struct conn *conn)
{
	const struct bytes line = BYTES("HTTP/1.1 100 Continue\r\n\r\n");
	char *to = out_reserve(conn, line.len);
	if (to)
		put(&to, line);
}

static bool response_write(struct conn *conn, const struct plan *plan)
{
	const struct request *request = &conn->exchange->request;
	const struct response *response = &request->response;
	bool has_body = plan->length.at && !bytes_equal(request->method, BYTES("HEAD"));
	struct bytes body = has_body ? response->body : BYTES_NONE;
	size_t len = head_len(response, plan);
	bool together = body.len <= conn->http1->shared->blocks.large - len;
	char *to = out_reserve(conn, together ? len + body.len : len);
	if (!to)
		return false;
	head_put(to, response, plan);
	to += len;
	if (together)
		put(&to, body);
	return together || write_now(conn, body);
}

void conn_send(struct conn *conn)
{
	struct response *response = &conn->exchange->request.response;
	struct plan plan;
	plan_make(conn, &plan);
	/* Our own fields are short. One that is not has no business here: say so and go on. */
	if (head_len(response, &plan) > conn->http1->shared->blocks.large) {
		*response = (struct response){.status = 500, .close = true};
		plan_make(conn, &plan);
	}
	bool close = plan.close;
	if (!response_write(conn, &plan))
		return;
	if (!close) {
		conn_enter(conn, CONN_DRAIN);
		return;
	}
	conn->shutdown = true;
	conn_enter(conn, CONN_LINGER);
	if (!conn->out)
		conn_flush(conn);
}
