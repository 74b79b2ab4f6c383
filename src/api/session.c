/* SPDX-License-Identifier: Apache-2.0 */
#include "api/session.h"

#include "base/base64.h"

#define TOKEN_OCTETS 32

static void done(struct session_call *call, enum err err)
{
	call->err = err;
	if (err)
		principal_done(&call->principal);
	call->on_done(call);
}

static void commit(struct session_call *call, void (*on_done)(struct store_commit *commit))
{
	call->change = (struct change){.kind = CHANGE_SESSION, .session = &call->session};
	call->commit =
	    (struct store_commit){.changes = &call->change, .changes_n = 1, .on_done = on_done};
	store_commit(call->api->store, &call->commit);
}

/* ---- start ----------------------------------------------------------------------------------- */

static enum err token_draw(struct session_call *call)
{
	uint8_t octets[TOKEN_OCTETS];
	char *text = arena_take(call->arena, SESSION_TOKEN_LEN + 1);
	enum err err = text ? rng_fill(call->api->rng, octets, sizeof(octets)) : ERR_NO_MEMORY;
	if (err == OK) {
		base64url_encode(bytes_of(octets, sizeof(octets)), text);
		call->token = (struct bytes){text, SESSION_TOKEN_LEN};
		err = secret_sha256(call->token, call->session.hash);
	}
	secret_wipe(octets, sizeof(octets));
	return err;
}

static void on_started(struct store_commit *commit)
{
	struct session_call *call = CONTAINER_OF(commit, struct session_call, commit);
	call->err = commit->err;
	call->on_done(call);
}

void session_start(struct api *api, struct session_call *call)
{
	const struct principal *principal = &call->principal;
	int64_t now_ms = api_now_ms(api);
	call->api = api;
	call->session = (struct session){
	    .tenant = principal->domain->tenant.id,
	    .user = principal->user ? principal->user->id : BYTES_NONE,
	    .client = principal->user ? BYTES_NONE : principal->account->client.name,
	    .token_epoch = principal->user ? principal->user->token_epoch : 0,
	    .permanent = call->permanent,
	    .created_ms = now_ms,
	    .used_ms = now_ms,
	    .expires_ms = now_ms + call->idle_ms,
	};
	enum err err = token_draw(call);
	if (err) {
		call->err = err;
		call->on_done(call);
		return;
	}
	commit(call, on_started);
}

/* ---- find ------------------------------------------------------------------------------------ */

/* Somebody else may have written down a use, or the end, in between: either is as good. */
static void on_touched(struct store_commit *commit)
{
	done(CONTAINER_OF(commit, struct session_call, commit), OK);
}

static void found(struct session_call *call)
{
	int64_t now_ms = api_now_ms(call->api);
	if (now_ms < call->session.used_ms + SESSION_TOUCH_MS) {
		done(call, OK);
		return;
	}
	call->session.used_ms = now_ms;
	call->session.expires_ms = now_ms + call->idle_ms;
	commit(call, on_touched);
}

static void on_user(struct store_load *load)
{
	struct session_call *call = CONTAINER_OF(load, struct session_call, load);
	const struct user *user = load->user;
	call->principal.user = load->user;
	bool is_his = user && !user->disabled && user->token_epoch == call->session.token_epoch;
	if (load->err || !is_his)
		done(call, load->err ? load->err : ERR_MALFORMED);
	else
		found(call);
}

static void on_whose(struct directory_lookup *lookup)
{
	struct session_call *call = CONTAINER_OF(lookup, struct session_call, lookup);
	struct account *account = lookup->account;
	struct domain *domain = lookup->domain;
	if (account)
		domain = domain_ref(account->domain);
	call->principal = (struct principal){
	    .kind = account ? PRINCIPAL_CLIENT : PRINCIPAL_USER,
	    .domain = domain,
	    .account = account,
	};
	bool is_there = domain && bytes_equal(domain->tenant.id, call->session.tenant) &&
	                !(account && account->client.disabled);
	if (lookup->err || !is_there) {
		done(call, lookup->err ? lookup->err : ERR_MALFORMED);
		return;
	}
	if (account) {
		found(call);
		return;
	}
	call->load = (struct store_load){
	    .want = WANT_USER,
	    .tenant = call->session.tenant,
	    .user_by = USER_BY_ID,
	    .user_key = call->session.user,
	    .arena = call->arena,
	    .on_done = on_user,
	};
	store_load(call->api->store, &call->load);
}

static void on_ended(struct store_commit *commit)
{
	struct session_call *call = CONTAINER_OF(commit, struct session_call, commit);
	done(call, commit->err == ERR_CONFLICT ? OK : commit->err);
}

static void on_session(struct store_load *load)
{
	struct session_call *call = CONTAINER_OF(load, struct session_call, load);
	const struct session *session = load->session;
	if (load->err || !session) {
		done(call, load->err ? load->err : call->ends ? OK : ERR_MALFORMED);
		return;
	}
	call->session = *session;
	if (call->ends) {
		call->session.ended = true;
		commit(call, on_ended);
		return;
	}
	if (api_now_ms(call->api) >= session->expires_ms) {
		done(call, ERR_MALFORMED);
		return;
	}
	call->lookup = (struct directory_lookup){
	    .kind = session->client.at ? DIRECTORY_CLIENT : DIRECTORY_TENANT,
	    .name = session->client.at ? session->client : session->tenant,
	    .arena = call->arena,
	    .on_done = on_whose,
	};
	directory_find(call->api, &call->lookup);
}

static void look_up(struct api *api, struct session_call *call, bool ends)
{
	call->api = api;
	call->ends = ends;
	call->principal = (struct principal){0};
	if (call->token.len != SESSION_TOKEN_LEN) {
		done(call, ends ? OK : ERR_MALFORMED);
		return;
	}
	enum err err = secret_sha256(call->token, call->session.hash);
	if (err) {
		done(call, err);
		return;
	}
	call->load = (struct store_load){
	    .want = WANT_SESSION,
	    .hash = call->session.hash,
	    .arena = call->arena,
	    .on_done = on_session,
	};
	store_load(api->store, &call->load);
}

void session_find(struct api *api, struct session_call *call)
{
	look_up(api, call, false);
}

void session_end(struct api *api, struct session_call *call)
{
	look_up(api, call, true);
}
