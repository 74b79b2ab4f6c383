/* SPDX-License-Identifier: Apache-2.0 */
#include "api/auth.h"

#include "base/base64.h"
#include "base/password.h"

#include <stdlib.h>

/* A comparison on a worker: its own copies, since the request's memory is another thread's. */
struct job {
	struct task task;
	struct api *api;
	struct account *account; /* a reference; NULL: nobody of that name, the work is for show */
	struct auth *auth;       /* without account: the one who waits */
	char hash[PASSWORD_HASH_MAX];
	uint8_t mac[SHA256_LEN];
	bool matches;
	size_t secret_len;
	char secret[];
};

/* What an unknown name is compared with, so that it costs what a known one costs. Of no password:
 * its hash part was drawn at random. */
static const char nobodys_hash[] = "$argon2id$v=19$m=19456,t=2,p=1$"
				   "u2K1zq7Yx0cM9hVdR3sTfw$"
				   "3v0m6Jp2nXb8QkLr5tYwZc1aGhEiUoSdFgHjKlMnOpQ";

static void auth_done(struct auth *auth, enum auth_result result)
{
	auth->result = result;
	if (result != AUTH_OK) {
		account_unref(auth->account);
		auth->account = NULL;
	}
	auth->on_done(auth);
}

static void auth_right(struct auth *auth)
{
	const struct client *client = &auth->account->client;
	bool allowed = !client->disabled && (client->scopes & auth->scopes) == auth->scopes;
	auth_done(auth, allowed ? AUTH_OK : AUTH_REFUSED);
}

/* ---- on a worker and back -------------------------------------------------------------------- */

static void job_free(struct job *job)
{
	account_unref(job->account);
	secret_wipe(job->secret, job->secret_len);
	free(job);
}

/* Everybody who waits with the same secret hears the answer; a wrong one says nothing of others. */
static void job_tell(struct job *job)
{
	struct account *account = job->account;
	struct list told, *member;
	list_init(&told);
	for (struct list *at = account->waiters.next; at != &account->waiters;) {
		struct auth *auth = CONTAINER_OF(at, struct auth, waiter);
		at = at->next;
		if (secret_equal(auth->mac, job->mac, SHA256_LEN)) {
			list_remove(&auth->waiter);
			list_append(&told, &auth->waiter);
		}
	}
	while ((member = list_pop(&told))) {
		struct auth *auth = CONTAINER_OF(member, struct auth, waiter);
		if (job->matches)
			auth_right(auth);
		else
			auth_done(auth, AUTH_REFUSED);
	}
}

static void job_answer(struct task *task)
{
	struct job *job = CONTAINER_OF(task, struct job, task);
	struct account *account = job->account;
	if (!account) {
		auth_done(job->auth, AUTH_REFUSED);
	} else {
		if (job->matches) {
			memcpy(account->secret_mac, job->mac, SHA256_LEN);
			account->secret_until_ms = api_now_ms(job->api) + AUTH_KEPT_MS;
		}
		job_tell(job);
	}
	job_free(job);
}

static void job_run(struct task *task)
{
	struct job *job = CONTAINER_OF(task, struct job, task);
	job->matches = password_matches(bytes_from_text(job->hash),
	                                (struct bytes){job->secret, job->secret_len});
	task->run = job_answer;
	executor_post(job->api->executor, task);
}

static bool job_start(struct auth *auth)
{
	struct account *account = auth->account;
	struct bytes hash = account && account->client.secret_hash.at
	                        ? account->client.secret_hash
	                        : bytes_from_text(nobodys_hash);
	struct job *job = calloc(1, sizeof(*job) + auth->secret.len);
	if (!job)
		return false;
	job->task.run = job_run;
	job->api = auth->api;
	job->auth = auth;
	job->account = account;
	if (account)
		account->refs++;
	if (hash.len < sizeof(job->hash))
		memcpy(job->hash, hash.at, hash.len);
	memcpy(job->mac, auth->mac, SHA256_LEN);
	job->secret_len = auth->secret.len;
	if (auth->secret.len)
		memcpy(job->secret, auth->secret.at, auth->secret.len);
	if (!auth->api->shared->workers->submit(auth->api->shared->workers, &job->task)) {
		job_free(job);
		return false;
	}
	return true;
}

/* ---- the request's side ---------------------------------------------------------------------- */

static bool somebody_asks_the_same(const struct auth *auth)
{
	struct list *waiters = &auth->account->waiters;
	for (struct list *at = waiters->next; at != waiters; at = at->next) {
		const struct auth *other = CONTAINER_OF(at, struct auth, waiter);
		if (secret_equal(other->mac, auth->mac, SHA256_LEN))
			return true;
	}
	return false;
}

static void compare_by_argon2(struct auth *auth)
{
	if (!auth->account) {
		if (!job_start(auth))
			auth_done(auth, AUTH_BUSY);
		return;
	}
	/* A burst of one client's first calls costs one comparison, not one each. */
	if (!somebody_asks_the_same(auth) && !job_start(auth)) {
		auth_done(auth, AUTH_BUSY);
		return;
	}
	list_append(&auth->account->waiters, &auth->waiter);
}

static bool mac_is_kept(const struct auth *auth)
{
	const struct account *account = auth->account;
	return account && api_now_ms(auth->api) < account->secret_until_ms &&
	       secret_equal(account->secret_mac, auth->mac, SHA256_LEN);
}

static void on_account(struct directory_lookup *lookup)
{
	struct auth *auth = CONTAINER_OF(lookup, struct auth, lookup);
	const struct bytes parts[] = {lookup->name, BYTES("\0"), auth->secret};
	auth->account = lookup->account;
	if (lookup->err || hmac_compute(auth->api->password_mac, parts, 3, auth->mac) != OK)
		auth_done(auth, AUTH_BUSY);
	else if (mac_is_kept(auth))
		auth_right(auth);
	else
		compare_by_argon2(auth);
}

bool basic_read(const struct request *request, struct bytes *ret_name, struct bytes *ret_secret)
{
	static const struct bytes scheme = {"Basic ", 6};
	struct bytes value = request_field(request, BYTES("Authorization"));
	if (request_field_count(request, BYTES("Authorization")) != 1 ||
	    !bytes_equal_fold(bytes_first(value, scheme.len), scheme))
		return false;
	struct bytes encoded = bytes_trim(bytes_from(value, scheme.len));
	size_t len;
	char *pair = arena_take(request->arena, BASE64_DECODED_MAX(encoded.len) + 1);
	if (!pair || base64_decode(encoded, (uint8_t *)pair, &len) != OK)
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
	auth->account = NULL;
	list_init(&auth->waiter);
	if (!basic_read(auth->request, &auth->lookup.name, &auth->secret)) {
		auth_done(auth, AUTH_REFUSED);
		return;
	}
	auth->lookup.arena = auth->request->arena;
	auth->lookup.on_done = on_account;
	directory_find(api, &auth->lookup);
}
