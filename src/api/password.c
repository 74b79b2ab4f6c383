/* SPDX-License-Identifier: Apache-2.0 */
#include "api/password.h"

#include "base/password.h"

#include <stdlib.h>

/* A comparison on a worker: its own copies, since the request's memory is another thread's. */
struct job {
	struct task task;
	struct api *api;
	struct list member;  /* in passwords->jobs */
	struct list waiters; /* of the loop: checks that hear the answer */
	uint8_t mac[SHA256_LEN];
	bool matches;
	char hash[PASSWORD_HASH_MAX];
	size_t secret_len;
	char secret[];
};

/* A secret that was right. */
struct known {
	uint8_t mac[SHA256_LEN]; /* its key in the map */
	int64_t until_ms;
};

/* What nobody's secret is compared with, so that it costs what a known one costs. Of no password:
 * its hash part was drawn at random. */
static const char nobodys_hash[] = "$argon2id$v=19$m=19456,t=2,p=1$"
				   "u2K1zq7Yx0cM9hVdR3sTfw$"
				   "3v0m6Jp2nXb8QkLr5tYwZc1aGhEiUoSdFgHjKlMnOpQ";

/* ---- what is known --------------------------------------------------------------------------- */

static struct bytes mac_bytes(const uint8_t mac[SHA256_LEN])
{
	return (struct bytes){(const char *)mac, SHA256_LEN};
}

static void known_free(struct known *known)
{
	secret_wipe(known->mac, sizeof(known->mac));
	free(known);
}

enum err passwords_init(struct passwords *passwords)
{
	uint8_t key[SECRET_KEY_LEN];
	*passwords = (struct passwords){0};
	list_init(&passwords->jobs);
	enum err err = secret_random(key, sizeof(key));
	if (err == OK)
		err = map_init(&passwords->known);
	if (err)
		return err;
	passwords->mac = hmac_new((struct bytes){(const char *)key, sizeof(key)});
	secret_wipe(key, sizeof(key));
	return passwords->mac ? OK : ERR_NO_MEMORY;
}

void passwords_forget(struct passwords *passwords)
{
	for (size_t i = 0; i < passwords->known.cap; i++)
		if (passwords->known.slots[i].value)
			known_free(passwords->known.slots[i].value);
	map_clear(&passwords->known);
}

void passwords_done(struct passwords *passwords)
{
	passwords_forget(passwords);
	hmac_free(passwords->mac);
	passwords->mac = NULL;
}

static bool is_known(const struct api *api, const struct password_check *check)
{
	const struct known *known = map_get(&api->passwords.known, mac_bytes(check->mac));
	return known && api_now_ms(api) < known->until_ms;
}

/* What cannot be kept is compared again. */
static void keep(struct api *api, const uint8_t mac[SHA256_LEN])
{
	struct map *map = &api->passwords.known;
	struct known *known = map_get(map, mac_bytes(mac));
	if (known) {
		known->until_ms = api_now_ms(api) + PASSWORD_KEPT_MS;
		return;
	}
	if (map->n >= PASSWORDS_MAX)
		passwords_forget(&api->passwords);
	known = calloc(1, sizeof(*known));
	if (!known)
		return;
	memcpy(known->mac, mac, SHA256_LEN);
	known->until_ms = api_now_ms(api) + PASSWORD_KEPT_MS;
	if (map_put(map, mac_bytes(known->mac), known) != OK)
		known_free(known);
}

/* ---- on a worker and back -------------------------------------------------------------------- */

static void check_done(struct password_check *check, enum err err, bool matches)
{
	check->err = err;
	check->matches = matches;
	check->on_done(check);
}

static void job_free(struct job *job)
{
	secret_wipe(job->secret, job->secret_len);
	free(job);
}

static void job_answer(struct task *task)
{
	struct job *job = CONTAINER_OF(task, struct job, task);
	struct list *member;
	list_remove(&job->member);
	if (job->matches)
		keep(job->api, job->mac);
	while ((member = list_pop(&job->waiters)))
		check_done(CONTAINER_OF(member, struct password_check, waiter), OK, job->matches);
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

static struct job *job_new(const struct password_check *check)
{
	struct job *job = calloc(1, sizeof(*job) + check->secret.len);
	if (!job)
		return NULL;
	job->task.run = job_run;
	job->api = check->api;
	list_init(&job->member);
	list_init(&job->waiters);
	if (check->hash.len < sizeof(job->hash))
		memcpy(job->hash, check->hash.at, check->hash.len);
	memcpy(job->mac, check->mac, SHA256_LEN);
	job->secret_len = check->secret.len;
	if (check->secret.len)
		memcpy(job->secret, check->secret.at, check->secret.len);
	return job;
}

static struct job *job_find(const struct passwords *passwords, const uint8_t mac[SHA256_LEN])
{
	for (struct list *at = passwords->jobs.next; at != &passwords->jobs; at = at->next) {
		struct job *job = CONTAINER_OF(at, struct job, member);
		if (secret_equal(job->mac, mac, SHA256_LEN))
			return job;
	}
	return NULL;
}

static enum err compare(struct password_check *check)
{
	struct api *api = check->api;
	struct job *job = job_find(&api->passwords, check->mac);
	if (!job) {
		job = job_new(check);
		if (!job)
			return ERR_NO_MEMORY;
		if (!api->shared->workers->submit(api->shared->workers, &job->task)) {
			job_free(job);
			return ERR_OVERLOAD;
		}
		list_append(&api->passwords.jobs, &job->member);
	}
	list_append(&job->waiters, &check->waiter);
	return OK;
}

void password_check(struct api *api, struct password_check *check)
{
	check->api = api;
	list_init(&check->waiter);
	if (!check->hash.at)
		check->hash = bytes_from_text(nobodys_hash);
	const struct bytes parts[] = {check->hash, BYTES("\0"), check->secret};
	enum err err = hmac_compute(api->passwords.mac, parts, 3, check->mac);
	if (err == OK && is_known(api, check)) {
		check_done(check, OK, true);
		return;
	}
	if (err == OK)
		err = compare(check);
	if (err)
		check_done(check, err, false);
}
