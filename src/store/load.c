/* SPDX-License-Identifier: Apache-2.0 */
#include "store/load.h"

#include <assert.h>

struct looking {
	const struct load_source *source;
	void *about;
	struct store_load *load;
};

static void *record_find(struct looking *looking, enum change_kind kind, const void *key)
{
	return looking->source->record(looking->about, looking->load, kind, key);
}

/* --- codes and numbers ----------------------------------------------------------------------- */

static void find_verification(struct looking *looking)
{
	const struct verification key = {.id = looking->load->id};
	looking->load->verification = record_find(looking, CHANGE_VERIFICATION, &key);
}

static struct verification *slot_find(struct looking *looking, enum purpose purpose,
                                      struct bytes slot)
{
	return looking->source->slot(looking->about, looking->load, purpose, slot);
}

static void find_slot(struct looking *looking)
{
	struct store_load *load = looking->load;
	load->verification = slot_find(looking, load->purpose, load->slot);
}

static void find_event(struct looking *looking)
{
	looking->load->event_found = looking->source->event(looking->about, looking->load);
}

/* The number of a load and its tenant; false when the verification that would say them is not
 * there. */
static bool number_of(const struct store_load *load, struct number *ret, struct bytes *ret_tenant)
{
	const struct verification *v = load->verification;
	bool theirs = load->want & WANT_VERIFICATION;
	if (theirs && !v)
		return false;
	*ret = theirs ? v->number : load->number;
	*ret_tenant = theirs ? v->tenant : load->tenant;
	return true;
}

static void find_budget(struct looking *looking)
{
	struct budget key = {0};
	struct bytes ignored;
	if (number_of(looking->load, &key.number, &ignored))
		looking->load->budget = record_find(looking, CHANGE_BUDGET, &key);
}

static void find_failures(struct looking *looking)
{
	struct failures key = {0};
	if (number_of(looking->load, &key.number, &key.tenant))
		looking->load->failures = record_find(looking, CHANGE_FAILURES, &key);
}

static void find_line(struct looking *looking)
{
	struct line key = {0};
	if (number_of(looking->load, &key.number, &key.tenant))
		looking->load->line = record_find(looking, CHANGE_LINE, &key);
}

/* --- those who ask --------------------------------------------------------------------------- */

static void find_tenant(struct looking *looking)
{
	const struct tenant key = {.id = looking->load->tenant};
	looking->load->tenant_record = record_find(looking, CHANGE_TENANT, &key);
}

static void find_client(struct looking *looking)
{
	const struct client key = {.name = looking->load->client_name};
	looking->load->client = record_find(looking, CHANGE_CLIENT, &key);
}

static void find_key(struct looking *looking)
{
	struct key key = {0};
	memcpy(key.hash, looking->load->hash, sizeof(key.hash));
	looking->load->key = record_find(looking, CHANGE_KEY, &key);
}

static void find_session(struct looking *looking)
{
	struct session key = {0};
	memcpy(key.hash, looking->load->hash, sizeof(key.hash));
	looking->load->session = record_find(looking, CHANGE_SESSION, &key);
}

static void find_system(struct looking *looking)
{
	const struct system key = {.tenant = looking->load->tenant, .id = looking->load->system_id};
	looking->load->system = record_find(looking, CHANGE_SYSTEM, &key);
}

/* --- people ---------------------------------------------------------------------------------- */

static struct user *user_find(struct looking *looking, enum user_by by, struct bytes key)
{
	const struct user with_id = {.tenant = looking->load->tenant, .id = key};
	if (by == USER_BY_ID)
		return record_find(looking, CHANGE_USER, &with_id);
	/* What folds the case of text may end at a NUL, and then "ada" and "ada\0x" were one. */
	if (bytes_find(key, '\0') < key.len)
		return NULL;
	return looking->source->user(looking->about, looking->load, by, key);
}

static void find_user(struct looking *looking)
{
	struct store_load *load = looking->load;
	load->user = user_find(looking, load->user_by, load->user_key);
}

static void find_namesake(struct looking *looking)
{
	struct store_load *load = looking->load;
	load->namesake = user_find(looking, USER_BY_NAME, load->user_name);
}

static void find_phone_code(struct looking *looking)
{
	struct store_load *load = looking->load;
	if (load->user)
		load->phone_code = slot_find(looking, PURPOSE_PHONE, load->user->id);
}

static void find_login_code(struct looking *looking)
{
	struct store_load *load = looking->load;
	if (load->user)
		load->login_code = slot_find(looking, PURPOSE_LOGIN, load->user->id);
}

static void find_holders(struct looking *looking)
{
	struct store_load *load = looking->load;
	struct user *users[HOLDERS_MAX];
	size_t n = looking->source->holders(looking->about, load, users, &load->holders_more);
	if (load->err)
		return;
	load->holders = arena_take_array(load->arena, n + 1, sizeof(*load->holders));
	if (!load->holders) {
		load->err = ERR_NO_MEMORY;
		return;
	}
	load->holders_n = n;
	for (size_t i = 0; i < n && !load->err; i++) {
		load->holders[i].user = users[i];
		if (load->holders_code)
			load->holders[i].code =
			    slot_find(looking, load->holders_code, users[i]->id);
	}
}

/* --- all of it ------------------------------------------------------------------------------- */

/* In this order: a later one may depend on what an earlier one found. */
static const struct {
	unsigned want;
	void (*find)(struct looking *looking);
} steps[] = {
    {WANT_VERIFICATION, find_verification},
    {WANT_SLOT, find_slot},
    {WANT_BUDGET, find_budget},
    {WANT_FAILURES, find_failures},
    {WANT_LINE, find_line},
    {WANT_TENANT, find_tenant},
    {WANT_CLIENT, find_client},
    {WANT_EVENT, find_event},
    {WANT_USER, find_user},
    {WANT_NAMESAKE, find_namesake},
    {WANT_PHONE_CODE, find_phone_code},
    {WANT_LOGIN_CODE, find_login_code},
    {WANT_HOLDERS, find_holders},
    {WANT_KEY, find_key},
    {WANT_SESSION, find_session},
    {WANT_SYSTEM, find_system},
};

void load_clear(struct store_load *load, enum err err)
{
	size_t from = offsetof(struct store_load, err);
	memset((char *)load + from, 0, offsetof(struct store_load, task) - from);
	load->err = err;
}

void load_run(const struct load_source *source, void *about, struct store_load *load)
{
	struct looking looking = {source, about, load};
	unsigned one_of = load->want & (WANT_VERIFICATION | WANT_SLOT | WANT_EVENT);
	assert((one_of & (one_of - 1)) == 0);
	assert(load->want & WANT_USER || !(load->want & (WANT_PHONE_CODE | WANT_LOGIN_CODE)));
	load_clear(load, OK);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && !load->err; i++)
		if (load->want & steps[i].want)
			steps[i].find(&looking);
	/* Half an answer is none. */
	if (load->err)
		load_clear(load, load->err);
}
