/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/http2.h"

#include "wire/http_private.h"

/* --- pseudo-fields --------------------------------------------------------------------------- */

static enum err read_method(struct http_head *head, struct bytes value,
                            const struct http_limits *limits, struct http_refusal *reterr)
{
	(void)limits;
	if (value.len == 0 || !http_all(value, HTTP_TOKEN))
		return http_refuse(reterr, 400, "the method is malformed");
	if (value.len > HTTP_METHOD_MAX)
		return http_refuse(reterr, 501, "the method is unknown");
	if (bytes_equal(value, BYTES("CONNECT")))
		return http_refuse(reterr, 501, "CONNECT is not served");
	head->method = value;
	return OK;
}

/* A proxy before us may end TLS: either scheme is good. */
static enum err read_scheme(struct http_head *head, struct bytes value,
                            const struct http_limits *limits, struct http_refusal *reterr)
{
	(void)head;
	(void)limits;
	if (!bytes_equal_fold(value, BYTES("http")) && !bytes_equal_fold(value, BYTES("https")))
		return http_refuse(reterr, 400, "the scheme is neither http nor https");
	return OK;
}

static enum err read_authority(struct http_head *head, struct bytes value,
                               const struct http_limits *limits, struct http_refusal *reterr)
{
	(void)limits;
	if (!http_authority_is_good(value))
		return http_refuse(reterr, 400, "the :authority is malformed");
	head->target_authority = value;
	return OK;
}

static enum err read_target(struct http_head *head, struct bytes value,
                            const struct http_limits *limits, struct http_refusal *reterr)
{
	if (value.len > limits->target_max)
		return http_refuse(reterr, 414, "the target is too long");
	if (bytes_equal(value, BYTES("*"))) {
		head->path = value;
		return OK;
	}
	if (value.len == 0 || value.at[0] != '/')
		return http_refuse(reterr, 400, "the target is not a path");
	return http_path_read(head, value, reterr);
}

static const struct {
	struct bytes name;
	enum err (*read)(struct http_head *head, struct bytes value,
	                 const struct http_limits *limits, struct http_refusal *reterr);
} pseudo_fields[] = {
    {BYTES(":method"), read_method},
    {BYTES(":scheme"), read_scheme},
    {BYTES(":authority"), read_authority},
    {BYTES(":path"), read_target},
};

static enum err pseudo_read(struct http_head *head, struct http_field field,
                            const struct http_limits *limits, struct http_refusal *reterr)
{
	for (size_t i = 0; i < sizeof(pseudo_fields) / sizeof(pseudo_fields[0]); i++)
		if (bytes_equal(field.name, pseudo_fields[i].name))
			return pseudo_fields[i].read(head, field.value, limits, reterr);
	return http_refuse(reterr, 400, "a pseudo-field is unknown");
}

/* --- fields ---------------------------------------------------------------------------------- */

static const struct {
	struct bytes name;
	enum err (*read)(struct http_head *head, struct bytes value, struct http_refusal *reterr);
} meanings[] = {
    {BYTES("host"), http_host_read},
    {BYTES("content-length"), http_length_read},
    {BYTES("expect"), http_expect_read},
};

static enum err meaning_read(struct http_head *head, struct http_field field,
                             struct http_refusal *reterr)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++)
		if (bytes_equal(field.name, meanings[i].name))
			return meanings[i].read(head, field.value, reterr);
	return OK;
}

enum err http2_head_add(struct http_head *head, struct http_field field,
                        const struct http_limits *limits, struct http_refusal *reterr)
{
	head->minor = 1;
	head->at += field.name.len + field.value.len + HTTP2_FIELD_COST;
	if (head->at > limits->head_max)
		return http_refuse(reterr, 431, "the head is too large");
	if (field.name.len && field.name.at[0] == ':')
		return pseudo_read(head, field, limits, reterr);
	if (head->fields_n == limits->fields_max)
		return http_refuse(reterr, 431, "there are too many fields");
	head->fields[head->fields_n++] = field;
	return meaning_read(head, field, reterr);
}

enum err http2_head_end(struct http_head *head, struct http_refusal *reterr)
{
	if (!head->method.at || !head->path.at)
		return http_refuse(reterr, 400, "there is no :method or no :path");
	if (bytes_equal(head->path, BYTES("*")) && !bytes_equal(head->method, BYTES("OPTIONS")))
		return http_refuse(reterr, 400, "the target * is for OPTIONS only");
	if (!head->target_authority.at && !head->has_host)
		return http_refuse(reterr, 400, "there is neither :authority nor Host");
	if (!head->target_authority.at)
		return OK;
	if (head->has_host && !bytes_equal_fold(head->target_authority, head->authority))
		return http_refuse(reterr, 400, "the :authority is not the Host");
	head->authority = head->target_authority;
	return OK;
}

enum err http2_trailer_add(struct http2_trailers *trailers, struct http_field field,
                           struct http_refusal *reterr)
{
	trailers->len += field.name.len + field.value.len + HTTP2_FIELD_COST;
	if (++trailers->n > HTTP_TRAILERS_MAX)
		return http_refuse(reterr, 431, "there are too many trailers");
	if (trailers->len > HTTP_TRAILERS_LEN_MAX)
		return http_refuse(reterr, 431, "the trailers are too large");
	if (field.name.len > HTTP_TRAILER_NAME_MAX)
		return http_refuse(reterr, 431, "a trailer's name is too long");
	if (!http_trailer_is_allowed(field.name))
		return http_refuse(reterr, 400, "a trailer is not allowed there");
	return OK;
}
