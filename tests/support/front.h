/* SPDX-License-Identifier: Apache-2.0 */
/* An api as one loop thread has it, over the memory store, with requests made by hand. Nothing runs
 * by itself: the test lets the store answer, a worker work and the clock move. */
#ifndef TESTS_SUPPORT_FRONT_H
#define TESTS_SUPPORT_FRONT_H

#include "api/api.h"
#include "store/memory.h"
#include "support/desk.h"
#include "support/engine.h"

#define FRONT_FIELDS_MAX 4

struct front {
	struct memory_store *memory;
	struct desk desk; /* the executor of all, and a handle of the test's own */
	/* The api's handle of the store. */
	struct store store;
	struct store *inner;
	bool held;              /* loads wait for front_load */
	struct task_list loads; /* those that wait */
	size_t loads_n;         /* ever asked */
	enum err load_err, generation_err, tally_err;
	size_t tallies_n; /* ever asked */
	/* The workers: jobs wait for front_work. */
	struct worker_pool workers;
	struct task_list jobs;
	size_t jobs_n;        /* ever taken */
	size_t waiting, room; /* jobs that wait, and how many may */
	struct settings_layers server;
	struct api_shared shared;
	struct test_clock clock;
	struct test_rng rng;
	struct test_deliver deliver;
	struct keyring *keyring;
	struct api api;
};

/* cmocka's setup and teardown; *state is the front. The store is empty, the queue of the workers
 * has room for 64. */
int front_setup(void **state);
int front_teardown(void **state);

/* A tenant and its client as they stand in the store from now on. `secret` NULL: none. */
void front_tenant(struct front *front, const char *id, const char *settings);
void front_client(struct front *front, const char *name, const char *tenant, const char *secret,
                  unsigned scopes, bool disabled);

/* A user, with this phone (NULL: none), and a key: of the client, or of the user when `client` is
 * NULL. */
void front_user(struct front *front, const char *tenant, const char *id, const char *phone,
                bool disabled);
void front_key(struct front *front, const char *value, const char *tenant, const char *client,
               const char *user, int64_t expires_ms, bool revoked);

/* Lets the store answer all that is not held. */
void front_settle(struct front *front);
/* Lets the oldest load that is held go, and be answered. */
void front_load(struct front *front);
/* Does the oldest job of the workers, and lets its answer come back; false: there is none. */
bool front_work(struct front *front);

/* A request by hand, and the answer it got. */
struct front_request {
	struct request request;
	struct arena arena;
	struct http_field fields[FRONT_FIELDS_MAX];
	size_t sent; /* how often it was answered */
};
void front_request_init(struct front_request *made, const char *method, const char *path);
void front_request_done(struct front_request *made);
void front_request_field(struct front_request *made, const char *name, const char *value);
/* "Basic " and the base64 of the pair, in the request's arena. */
const char *front_basic(struct front_request *made, struct bytes pair);
/* The field of the answer, absent when there is none. */
struct bytes front_answer_field(const struct front_request *made, const char *name);

#endif
