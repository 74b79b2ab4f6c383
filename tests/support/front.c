/* SPDX-License-Identifier: Apache-2.0 */
#include "support/front.h"

#include "api/directory.h"
#include "base/base64.h"
#include "base/password.h"

/* ---- the store ------------------------------------------------------------------------------- */

static struct front *front_of(struct store *store)
{
	return CONTAINER_OF(store, struct front, store);
}

static void answer_run(struct task *task)
{
	struct store_load *load = CONTAINER_OF(task, struct store_load, task);
	load->on_done(load);
}

static void load_pass(struct front *front, struct store_load *load)
{
	if (!front->load_err) {
		store_load(front->inner, load);
		return;
	}
	load->err = front->load_err;
	load->task.run = answer_run;
	executor_post(&front->desk.executor.executor, &load->task);
}

static void on_load(struct store *store, struct store_load *load)
{
	struct front *front = front_of(store);
	front->loads_n++;
	if (front->held)
		task_list_add(&front->loads, &load->task);
	else
		load_pass(front, load);
}

static void tally_run(struct task *task)
{
	struct store_tally *tally = CONTAINER_OF(task, struct store_tally, task);
	tally->on_done(tally);
}

static void on_tally(struct store *store, struct store_tally *tally)
{
	struct front *front = front_of(store);
	front->tallies_n++;
	if (!front->tally_err) {
		front->inner->ops->tally(front->inner, tally);
		return;
	}
	tally->err = front->tally_err;
	tally->task.run = tally_run;
	executor_post(&front->desk.executor.executor, &tally->task);
}

static void on_commit(struct store *store, struct store_commit *commit)
{
	store_commit(front_of(store)->inner, commit);
}

static void on_note(struct store *store, const struct event *event)
{
	struct front *front = front_of(store);
	front->inner->ops->note(front->inner, event);
}

static enum err on_generation(struct store *store, uint64_t *ret)
{
	struct front *front = front_of(store);
	return front->generation_err ? front->generation_err
	                             : front->inner->ops->generation(front->inner, ret);
}

static const struct store_ops store_ops = {
    .load = on_load,
    .commit = on_commit,
    .note = on_note,
    .tally = on_tally,
    .generation = on_generation,
};

void front_settle(struct front *front)
{
	test_executor_run_all(&front->desk.executor);
}

void front_load(struct front *front)
{
	struct task *task = task_list_pop(&front->loads);
	assert_non_null(task);
	load_pass(front, CONTAINER_OF(task, struct store_load, task));
	front_settle(front);
}

/* ---- the workers ----------------------------------------------------------------------------- */

static bool on_submit(struct worker_pool *pool, struct task *job)
{
	struct front *front = CONTAINER_OF(pool, struct front, workers);
	if (front->waiting == front->room)
		return false;
	task_list_add(&front->jobs, job);
	front->waiting++;
	front->jobs_n++;
	return true;
}

bool front_work(struct front *front)
{
	struct task *job = task_list_pop(&front->jobs);
	if (!job)
		return false;
	front->waiting--;
	job->run(job);
	front_settle(front);
	return true;
}

/* ---- the front ------------------------------------------------------------------------------- */

int front_setup(void **state)
{
	struct front *front = calloc(1, sizeof(*front));
	assert_non_null(front);
	front->memory = memory_new(1);
	assert_non_null(front->memory);
	desk_init(&front->desk);
	struct executor *executor = &front->desk.executor.executor;
	front->desk.store = memory_attach(front->memory, executor);
	front->inner = memory_attach(front->memory, executor);
	assert_true(front->desk.store && front->inner);
	front->store.ops = &store_ops;
	front->workers.submit = on_submit;
	front->room = 64;
	front->clock.now_ms = TEST_START_MS;
	test_rng_init(&front->rng, 1);
	test_deliver_init(&front->deliver, ROUTE_AT_ONCE);
	front->keyring = test_keyring();
	front->shared = (struct api_shared){
	    .settings = &front->server,
	    .workers = &front->workers,
	    .manage_prefix = BYTES("/manage"),
	};
	const struct flow_ports ports = {
	    .store = &front->store,
	    .deliver = &front->deliver.deliver,
	    .keyring = front->keyring,
	    .rng = &front->rng.rng,
	    .now_ms = test_clock_now,
	    .clock = &front->clock,
	};
	assert_int_equal(api_init(&front->api, &front->shared, &ports, executor), OK);
	*state = front;
	return 0;
}

int front_teardown(void **state)
{
	struct front *front = *state;
	assert_null(front->loads.first);
	assert_null(front->jobs.first);
	api_done(&front->api);
	front->inner->ops->close(front->inner);
	desk_done(&front->desk);
	memory_free(front->memory);
	keyring_free(front->keyring);
	free(front);
	return 0;
}

void front_tenant(struct front *front, const char *id, const char *settings)
{
	const struct tenant tenant = {
	    .id = bytes_from_text(id),
	    .version = VERSION_ANY,
	    .settings = bytes_from_text(settings),
	};
	assert_int_equal(desk_change(&front->desk, CHANGE_TENANT, &tenant), OK);
}

void front_client(struct front *front, const char *name, const char *tenant, const char *secret,
                  unsigned scopes, bool disabled)
{
	char hash[PASSWORD_HASH_MAX];
	if (secret)
		assert_int_equal(password_hash(bytes_from_text(secret), hash), OK);
	const struct client client = {
	    .name = bytes_from_text(name),
	    .version = VERSION_ANY,
	    .tenant = bytes_from_text(tenant),
	    .secret_hash = secret ? bytes_from_text(hash) : BYTES_NONE,
	    .scopes = scopes,
	    .disabled = disabled,
	};
	assert_int_equal(desk_change(&front->desk, CHANGE_CLIENT, &client), OK);
}

void front_user(struct front *front, const char *tenant, const char *id, const char *phone,
                bool disabled)
{
	struct user user = {
	    .tenant = bytes_from_text(tenant),
	    .id = bytes_from_text(id),
	    .version = VERSION_ANY,
	    .user_name = bytes_from_text(id),
	    .sequence = 1,
	    .disabled = disabled,
	};
	if (phone)
		user.phone = test_number(phone);
	assert_int_equal(desk_change(&front->desk, CHANGE_USER, &user), OK);
}

void front_key(struct front *front, const char *value, const char *tenant, const char *client,
               const char *user, int64_t expires_ms, bool revoked)
{
	struct key key = {
	    .version = VERSION_ANY,
	    .tenant = bytes_from_text(tenant),
	    .client = bytes_from_text(client),
	    .user = bytes_from_text(user),
	    .expires_ms = expires_ms,
	    .revoked = revoked,
	};
	assert_int_equal(secret_sha256(bytes_from_text(value), key.hash), OK);
	assert_int_equal(desk_change(&front->desk, CHANGE_KEY, &key), OK);
}

/* ---- requests -------------------------------------------------------------------------------- */

static void on_send(struct request *request)
{
	CONTAINER_OF(request, struct front_request, request)->sent++;
}

void front_request_init(struct front_request *made, const char *method, const char *path)
{
	*made = (struct front_request){0};
	arena_init(&made->arena);
	made->request = (struct request){
	    .protocol = PROTOCOL_HTTP_1_1,
	    .method = bytes_from_text(method),
	    .path = bytes_from_text(path),
	    .authority = BYTES("127.0.0.1"),
	    .fields = made->fields,
	    .received_ms = TEST_START_MS,
	    .arena = &made->arena,
	    .transport_send = on_send,
	};
}

void front_request_done(struct front_request *made)
{
	arena_done(&made->arena);
}

void front_request_field(struct front_request *made, const char *name, const char *value)
{
	assert_true(made->request.fields_n < FRONT_FIELDS_MAX);
	made->fields[made->request.fields_n++] =
	    (struct http_field){bytes_from_text(name), bytes_from_text(value)};
}

const char *front_basic(struct front_request *made, struct bytes pair)
{
	static const char scheme[] = "Basic ";
	char *text = arena_take(&made->arena, sizeof(scheme) + BASE64_LEN(pair.len));
	assert_non_null(text);
	memcpy(text, scheme, sizeof(scheme) - 1);
	base64_encode(pair, text + sizeof(scheme) - 1);
	return text;
}

struct bytes front_answer_field(const struct front_request *made, const char *name)
{
	const struct response *response = &made->request.response;
	for (size_t i = 0; i < response->fields_n; i++)
		if (bytes_equal_fold(response->fields[i].name, bytes_from_text(name)))
			return response->fields[i].value;
	return BYTES_NONE;
}
