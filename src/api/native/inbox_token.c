/* SPDX-License-Identifier: Apache-2.0 */
#include "api/native/inbox_token.h"

#include "api/auth.h"
#include "api/route.h"

/* Of one length, whatever was shown. */
static bool texts_equal(struct bytes a, struct bytes b)
{
	uint8_t digest_a[SHA256_LEN], digest_b[SHA256_LEN];
	return secret_sha256(a, digest_a) == OK && secret_sha256(b, digest_b) == OK &&
	       secret_equal(digest_a, digest_b, SHA256_LEN);
}

bool inbox_token_is_shown(struct api *api, struct request *request)
{
	struct bytes token = api->shared->inbox_token, name, shown;
	if (!token.len)
		return true;
	if ((basic_read(request, &name, &shown) || bearer_read(request, &shown)) &&
	    texts_equal(shown, token))
		return true;
	response_field(request, BYTES("WWW-Authenticate"), BYTES("Basic realm=\"inbox\""));
	request_answer(request, 401, TEXT_PLAIN,
	               BYTES("the inbox wants inbox.token, as the password of any name\n"));
	return false;
}
