/* SPDX-License-Identifier: Apache-2.0 */
/* The head of a request. Lines are found first (that is where CR, LF and NUL are judged) and each
 * is read as soon as it is whole; what needs the whole head is judged at the empty line. */
#include "wire/http_private.h"

#include <arpa/inet.h>
#include <assert.h>

#define VERSION_LEN 8 /* HTTP/1.1 */
#define PORT_DIGITS_MAX 5
#define PORT_MAX 65535

/* The longest request line but for its target: method, two spaces, version, line end. */
#define LINE_BESIDE_TARGET (HTTP_METHOD_MAX + 2 + VERSION_LEN + 2)

void http_head_init(struct http_head *head, struct http_field *fields)
{
	*head = (struct http_head){.fields = fields};
}

enum err http_refuse(struct http_refusal *reterr, int status, const char *why)
{
	*reterr = (struct http_refusal){status, why};
	return ERR_MALFORMED;
}

/* --- authority ------------------------------------------------------------------------------- */

static bool port_is_good(struct bytes in)
{
	if (in.len == 0 || in.len > PORT_DIGITS_MAX)
		return false;
	unsigned value = 0;
	for (size_t i = 0; i < in.len; i++) {
		if (!ascii_is_digit(in.at[i]))
			return false;
		value = value * 10 + (unsigned)(in.at[i] - '0');
	}
	return value <= PORT_MAX;
}

static bool ipv6_is_good(struct bytes in)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr address;
	if (in.len == 0 || in.len >= sizeof(text))
		return false;
	memcpy(text, in.at, in.len);
	text[in.len] = '\0';
	return inet_pton(AF_INET6, text, &address) == 1;
}

/* RFC 3986 section 3.2.2 without escapes, sub-delims, IPvFuture and user information: a name of
 * letters, digits and -._~, an IPv4 address or an [IPv6] one; then nothing, or a port. */
bool http_authority_is_good(struct bytes in)
{
	bool bracket = in.len && in.at[0] == '[';
	size_t end = bytes_find(in, bracket ? ']' : ':');
	struct bytes host = bytes_first(in, end);
	if (bracket) {
		if (end == in.len || !ipv6_is_good(bytes_from(host, 1)))
			return false;
		end++;
	} else if (host.len == 0 || !http_all(host, HTTP_HOST)) {
		return false;
	}
	struct bytes rest = bytes_from(in, end);
	return rest.len == 0 || (rest.at[0] == ':' && port_is_good(bytes_from(rest, 1)));
}

/* --- request line ---------------------------------------------------------------------------- */

static enum err read_version(struct http_head *head, struct bytes in, struct http_refusal *reterr)
{
	if (in.len != VERSION_LEN || !bytes_start_with(in, BYTES("HTTP/")) ||
	    !ascii_is_digit(in.at[5]) || in.at[6] != '.' || !ascii_is_digit(in.at[7]))
		return http_refuse(reterr, 400, "the request line does not end in a version");
	if (in.at[5] != '1' || in.at[7] > '1')
		return http_refuse(reterr, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
	head->minor = in.at[7] - '0';
	head->close = head->minor == 0;
	return OK;
}

/* The target from its path on. */
enum err http_path_read(struct http_head *head, struct bytes in, struct http_refusal *reterr)
{
	size_t mark = bytes_find(in, '?');
	head->path = bytes_first(in, mark);
	head->query = mark < in.len ? bytes_from(in, mark + 1) : BYTES_NONE;
	if (head->path.len == 0)
		head->path = BYTES("/");
	if (!http_all(head->path, HTTP_PATH) || !http_all(head->query, HTTP_QUERY))
		return http_refuse(reterr, 400, "the target holds a character it may not");
	return OK;
}

static size_t scheme_len(struct bytes in)
{
	if (bytes_equal_fold(bytes_first(in, 7), BYTES("http://")))
		return 7;
	return bytes_equal_fold(bytes_first(in, 8), BYTES("https://")) ? 8 : 0;
}

/* RFC 9112 section 3.2. */
static enum err read_target(struct http_head *head, struct bytes in, struct http_refusal *reterr)
{
	if (bytes_equal(head->method, BYTES("CONNECT")))
		return http_refuse(reterr, 501, "CONNECT is not served");
	if (in.len && in.at[0] == '/')
		return http_path_read(head, in, reterr);
	if (bytes_equal(in, BYTES("*"))) {
		if (!bytes_equal(head->method, BYTES("OPTIONS")))
			return http_refuse(reterr, 400, "the target * is for OPTIONS only");
		head->path = in;
		return OK;
	}
	size_t scheme = scheme_len(in);
	if (!scheme)
		return http_refuse(reterr, 400, "the target is neither a path nor a URL");
	struct bytes rest = bytes_from(in, scheme);
	size_t end = 0;
	while (end < rest.len && rest.at[end] != '/' && rest.at[end] != '?')
		end++;
	head->target_authority = bytes_first(rest, end);
	if (!http_authority_is_good(head->target_authority))
		return http_refuse(reterr, 400, "the target's host is malformed");
	return http_path_read(head, bytes_from(rest, end), reterr);
}

static enum err read_request_line(struct http_head *head, struct bytes line,
                                  const struct http_limits *limits, struct http_refusal *reterr)
{
	if (line.len == 0)
		return http_refuse(reterr, 400, "an empty line stands before the request");
	size_t end = bytes_find(line, ' ');
	head->method = bytes_first(line, end);
	if (end == 0 || end == line.len || !http_all(head->method, HTTP_TOKEN))
		return http_refuse(reterr, 400, "the request line does not begin with a method");
	if (head->method.len > HTTP_METHOD_MAX)
		return http_refuse(reterr, 501, "the method is unknown");
	struct bytes rest = bytes_from(line, end + 1);
	struct bytes target = bytes_first(rest, bytes_find(rest, ' '));
	if (target.len > limits->target_max)
		return http_refuse(reterr, 414, "the target is too long");
	enum err err = read_version(head, bytes_from(rest, target.len + 1), reterr);
	return err == OK ? read_target(head, target, reterr) : err;
}

/* Called once there is more of a request line than any good one has: why it will be refused. */
static enum err refuse_long_line(struct bytes line, struct http_refusal *reterr)
{
	size_t end = bytes_find(bytes_first(line, HTTP_METHOD_MAX + 1), ' ');
	if (end > HTTP_METHOD_MAX)
		return http_all(bytes_first(line, HTTP_METHOD_MAX), HTTP_TOKEN)
		           ? http_refuse(reterr, 501, "the method is unknown")
		           : http_refuse(reterr, 400,
		                         "the request line does not begin with a method");
	return http_refuse(reterr, 414, "the target is too long");
}

/* --- fields ---------------------------------------------------------------------------------- */

enum err http_host_read(struct http_head *head, struct bytes value, struct http_refusal *reterr)
{
	if (head->has_host)
		return http_refuse(reterr, 400, "there is more than one Host");
	head->has_host = true;
	if (!http_authority_is_good(value))
		return http_refuse(reterr, 400, "the Host is malformed");
	head->authority = value;
	return OK;
}

/* RFC 9110 section 8.6, without leading zeros: some read those as octal. */
enum err http_length_read(struct http_head *head, struct bytes value, struct http_refusal *reterr)
{
	if (head->has_length)
		return http_refuse(reterr, 400, "there is more than one Content-Length");
	head->has_length = true;
	if (value.len == 0 || value.len > HTTP_LENGTH_DIGITS_MAX ||
	    (value.len > 1 && value.at[0] == '0'))
		return http_refuse(reterr, 400, "the Content-Length is malformed");
	for (size_t i = 0; i < value.len; i++) {
		if (!ascii_is_digit(value.at[i]))
			return http_refuse(reterr, 400, "the Content-Length is malformed");
		head->length = head->length * 10 + (uint64_t)(value.at[i] - '0');
	}
	return OK;
}

static enum err read_encoding(struct http_head *head, struct bytes value,
                              struct http_refusal *reterr)
{
	if (head->has_encoding)
		return http_refuse(reterr, 400, "there is more than one Transfer-Encoding");
	head->has_encoding = true;
	if (value.len == 0)
		return http_refuse(reterr, 400, "the Transfer-Encoding is empty");
	if (!bytes_equal_fold(value, BYTES("chunked")))
		return http_refuse(reterr, 501, "only the transfer coding chunked is known");
	head->chunked = true;
	return OK;
}

/* A connection option must not make a recipient drop a field that every recipient needs
 * (RFC 9110 section 7.6.1). */
static bool option_is_good(struct bytes option)
{
	return !bytes_equal_fold(option, BYTES("host")) &&
	       !bytes_equal_fold(option, BYTES("content-length")) &&
	       !bytes_equal_fold(option, BYTES("transfer-encoding"));
}

static enum err read_connection(struct http_head *head, struct bytes value,
                                struct http_refusal *reterr)
{
	while (value.len) {
		size_t end = bytes_find(value, ',');
		struct bytes option = bytes_trim(bytes_first(value, end));
		if (!http_all(option, HTTP_TOKEN) || !option_is_good(option))
			return http_refuse(reterr, 400, "the Connection field is malformed");
		if (bytes_equal_fold(option, BYTES("close")))
			head->close = true;
		value = bytes_from(value, end + 1);
	}
	return OK;
}

enum err http_expect_read(struct http_head *head, struct bytes value, struct http_refusal *reterr)
{
	(void)reterr;
	bool is_continue =
	    head->expect == HTTP_EXPECT_NOTHING && bytes_equal_fold(value, BYTES("100-continue"));
	head->expect = is_continue ? HTTP_EXPECT_CONTINUE : HTTP_EXPECT_OTHER;
	return OK;
}

/* The fields that frame or route a request, and who reads them. */
static const struct {
	struct bytes name;
	enum err (*read)(struct http_head *head, struct bytes value, struct http_refusal *reterr);
} meanings[] = {
    {BYTES("Host"), http_host_read},
    {BYTES("Content-Length"), http_length_read},
    {BYTES("Transfer-Encoding"), read_encoding},
    {BYTES("Connection"), read_connection},
    {BYTES("Expect"), http_expect_read},
};

static enum err read_meaning(struct http_head *head, const struct http_field *field,
                             struct http_refusal *reterr)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (bytes_equal_fold(field->name, meanings[i].name))
			return meanings[i].read(head, field->value, reterr);
	return OK;
}

static enum err read_field(struct http_head *head, struct bytes line,
                           const struct http_limits *limits, struct http_refusal *reterr)
{
	if (line.at[0] == ' ' || line.at[0] == '\t')
		return http_refuse(reterr, 400, "a line begins with white space");
	size_t end = 0;
	while (end < line.len && http_is(line.at[end], HTTP_TOKEN))
		end++;
	if (end == 0 || end == line.len || line.at[end] != ':')
		return http_refuse(reterr, 400, "a field's name is malformed");
	if (head->fields_n == limits->fields_max)
		return http_refuse(reterr, 431, "there are too many fields");
	struct http_field *field = &head->fields[head->fields_n++];
	field->name = bytes_first(line, end);
	field->value = bytes_trim(bytes_from(line, end + 1));
	return read_meaning(head, field, reterr);
}

/* --- the whole head -------------------------------------------------------------------------- */

static enum err judge(struct http_head *head, struct http_refusal *reterr)
{
	if (!head->has_host && head->minor == 1)
		return http_refuse(reterr, 400, "there is no Host");
	if (head->has_encoding && head->minor == 0)
		return http_refuse(reterr, 400, "HTTP/1.0 has no Transfer-Encoding");
	if (head->has_encoding && head->has_length)
		return http_refuse(reterr, 400,
		                   "there are both Content-Length and Transfer-Encoding");
	if (!head->target_authority.at)
		return OK;
	if (head->has_host && !bytes_equal_fold(head->target_authority, head->authority))
		return http_refuse(reterr, 400, "the target's host is not the Host");
	head->authority = head->target_authority;
	return OK;
}

/* Goes on to the end of the line. OK: *ret is the line without its end, head->at follows it. */
static enum err read_line(struct http_head *head, struct bytes in, struct bytes *ret,
                          struct http_refusal *reterr)
{
	size_t at = head->at;
	while (at < in.len && http_is(in.at[at], HTTP_VALUE))
		at++;
	head->at = at;
	if (at == in.len)
		return ERR_MORE;
	switch (in.at[at]) {
	case '\r':
		break;
	case '\n':
		return http_refuse(reterr, 400, "a line ends in LF without CR");
	case '\0':
		return http_refuse(reterr, 400, "there is a NUL");
	default:
		return http_refuse(reterr, 400, "there is a control character");
	}
	if (at + 1 == in.len)
		return ERR_MORE;
	if (in.at[at + 1] != '\n')
		return http_refuse(reterr, 400, "there is a CR without LF");
	*ret = (struct bytes){in.at + head->line, at - head->line};
	head->at = head->line = at + 2;
	return OK;
}

/* What may be looked at now: no octet beyond a limit is, so that a refusal does not depend on the
 * pieces in which the head came. */
static size_t allowed_len(const struct http_head *head, const struct http_limits *limits)
{
	size_t line_max = limits->target_max + LINE_BESIDE_TARGET;
	return head->method.at || line_max > limits->head_max ? limits->head_max : line_max;
}

static enum err refuse_long(const struct http_head *head, struct bytes in,
                            const struct http_limits *limits, struct http_refusal *reterr)
{
	size_t allowed = allowed_len(head, limits);
	if (in.len < allowed)
		return ERR_MORE;
	if (allowed < limits->head_max)
		return refuse_long_line(bytes_first(in, allowed), reterr);
	return http_refuse(reterr, 431, "the head is too large");
}

enum err http_head_decode(struct http_head *head, struct bytes in, const struct http_limits *limits,
                          size_t *ret_used, struct http_refusal *reterr)
{
	assert(head->at <= in.len);
	for (;;) {
		struct bytes line;
		struct bytes allowed = bytes_first(in, allowed_len(head, limits));
		enum err err = read_line(head, allowed, &line, reterr);
		if (err == ERR_MORE)
			return refuse_long(head, in, limits, reterr);
		if (err == OK && !head->method.at) {
			err = read_request_line(head, line, limits, reterr);
		} else if (err == OK && line.len) {
			err = read_field(head, line, limits, reterr);
		} else if (err == OK) {
			*ret_used = head->at;
			return judge(head, reterr);
		}
		if (err != OK)
			return err;
	}
}
