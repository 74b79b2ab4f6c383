/* SPDX-License-Identifier: Apache-2.0 */
#include "api/auth.h"

#include "base/base64.h"
#include "base/password.h"

/* Longest bearer token looked at: ours have 43 characters, an operator's own may be longer. */
#define BEARER_MAX 512

static void auth_done(struct auth *auth, enum auth_result result)
{
	auth->result = result;
	if (result != AUTH_OK)
		principal_done(&auth->principal);
	auth->on_done(auth);
}

/* It is he: may he? */
static void auth_known(struct auth *auth)
{
	const struct principal *principal = &auth->principal;
	if ((principal->account && principal->account->client.disabled) ||
	    (principal->user && principal->user->disabled))
		auth_done(auth, AUTH_DISABLED);
	else
		auth_done(auth, principal_may(principal, auth->right) ? AUTH_OK : AUTH_FORBIDDEN);
}

/* What follows the scheme in the one Authorization field; absent: there is none such. */
static struct bytes credentials_of(const struct request *request, struct bytes scheme)
{
	struct bytes value = request_field(request, BYTES("Authorization"));
	if (request_field_count(request, BYTES("Authorization")) != 1 ||
	    !bytes_equal_fold(bytes_first(value, scheme.len), scheme))
		return BYTES_NONE;
	return bytes_trim(bytes_from(value, scheme.len));
}

static enum auth_result why_unread(const struct request *request)
{
	return request_field_count(request, BYTES("Authorization")) ? AUTH_UNREADABLE : AUTH_ABSENT;
}

/* ---- Basic ----------------------------------------------------------------------------------- */

static void on_checked(struct password_check *check)
{
	struct auth *auth = CONTAINER_OF(check, struct auth, check);
	if (check->err)
		auth_done(auth, AUTH_BUSY);
	else if (!check->matches)
		auth_done(auth, AUTH_WRONG);
	else
		auth_known(auth);
}

static void on_account(struct directory_lookup *lookup)
{
	struct auth *auth = CONTAINER_OF(lookup, struct auth, lookup);
	struct account *account = lookup->account;
	if (lookup->err) {
		auth_done(auth, AUTH_BUSY);
		return;
	}
	if (account)
		auth->principal = (struct principal){
		    .kind = PRINCIPAL_CLIENT,
		    .domain = domain_ref(account->domain),
		    .account = account,
		};
	auth->check = (struct password_check){
	    .hash = account ? account->client.secret_hash : BYTES_NONE,
	    .secret = auth->secret,
	    .on_done = on_checked,
	};
	password_check(auth->api, &auth->check);
}

bool basic_read(const struct request *request, struct bytes *ret_name, struct bytes *ret_secret)
{
	struct bytes encoded = credentials_of(request, BYTES("Basic "));
	size_t len;
	char *pair = arena_take(request->arena, BASE64_DECODED_MAX(encoded.len) + 1);
	if (!encoded.at || !pair || base64_decode(encoded, (uint8_t *)pair, &len) != OK)
		return false;
	struct bytes decoded = {pair, len};
	size_t colon = bytes_find(decoded, ':');
	if (colon == len || !bytes_are_utf8(decoded) || len - colon - 1 > PASSWORD_MAX)
		return false;
	*ret_name = bytes_first(decoded, colon);
	*ret_secret = bytes_from(decoded, colon + 1);
	return true;
}

void auth_basic(struct api *api, struct auth *auth)
{
	auth->api = api;
	auth->principal = (struct principal){0};
	auth->lookup = (struct directory_lookup){
	    .kind = DIRECTORY_CLIENT,
	    .arena = auth->request->arena,
	    .on_done = on_account,
	};
	if (basic_read(auth->request, &auth->lookup.name, &auth->secret))
		directory_find(api, &auth->lookup);
	else
		auth_done(auth, why_unread(auth->request));
}

/* ---- Bearer ---------------------------------------------------------------------------------- */

static void on_user(struct store_load *load)
{
	struct auth *auth = CONTAINER_OF(load, struct auth, load);
	auth->principal.user = load->user;
	if (load->err)
		auth_done(auth, AUTH_BUSY);
	else if (!load->user)
		auth_done(auth, AUTH_WRONG);
	else
		auth_known(auth);
}

/* A key's user is loaded at every call: he may have been disabled by the last one. */
static void load_user(struct auth *auth, const struct key *key)
{
	struct arena *arena = auth->request->arena;
	struct bytes user = arena_copy(arena, key->user);
	if (!user.at) {
		auth_done(auth, AUTH_BUSY);
		return;
	}
	auth->load = (struct store_load){
	    .want = WANT_USER,
	    .tenant = auth->principal.domain->tenant.id,
	    .user_by = USER_BY_ID,
	    .user_key = user,
	    .arena = arena,
	    .on_done = on_user,
	};
	store_load(auth->api->store, &auth->load);
}

static void on_pass(struct directory_lookup *lookup)
{
	struct auth *auth = CONTAINER_OF(lookup, struct auth, lookup);
	struct pass *pass = lookup->pass;
	if (lookup->err || !pass) {
		auth_done(auth, lookup->err ? AUTH_BUSY : AUTH_WRONG);
		return;
	}
	const struct key *key = &pass->key;
	auth->principal = (struct principal){
	    .kind = pass->account ? PRINCIPAL_CLIENT : PRINCIPAL_USER,
	    .domain = domain_ref(pass->domain),
	    .account = pass->account ? account_ref(pass->account) : NULL,
	};
	if (key->revoked)
		auth_done(auth, AUTH_REVOKED);
	else if (key->expires_ms && api_now_ms(auth->api) >= key->expires_ms)
		auth_done(auth, AUTH_EXPIRED);
	else if (pass->account)
		auth_known(auth);
	else
		load_user(auth, key);
	pass_unref(pass);
}

bool bearer_read(const struct request *request, struct bytes *ret)
{
	*ret = credentials_of(request, BYTES("Bearer "));
	return ret->len && ret->len <= BEARER_MAX;
}

void auth_bearer(struct api *api, struct auth *auth)
{
	struct bytes token;
	auth->api = api;
	auth->principal = (struct principal){0};
	if (!bearer_read(auth->request, &token)) {
		auth_done(auth, why_unread(auth->request));
		return;
	}
	if (secret_sha256(token, auth->digest) != OK) {
		auth_done(auth, AUTH_BUSY);
		return;
	}
	auth->lookup = (struct directory_lookup){
	    .kind = DIRECTORY_KEY,
	    .name = {(const char *)auth->digest, SHA256_LEN},
	    .arena = auth->request->arena,
	    .on_done = on_pass,
	};
	directory_find(api, &auth->lookup);
}
