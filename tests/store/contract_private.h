/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the contract share. */
#ifndef TESTS_STORE_CONTRACT_PRIVATE_H
#define TESTS_STORE_CONTRACT_PRIVATE_H

#include "store/contract.h"
#include "support/desk.h"
#include "support/sample.h"

/* An open store with one desk at it: what cmocka hands to each case. */
struct bench {
	const struct contract_kind *kind;
	void *about;
	struct desk desk;
};

static inline struct bench *bench_of(void **state)
{
	return *state;
}

/* Another desk at the same store. */
void desk_join(struct bench *bench, struct desk *desk);

/* What is stored, or NULL. */
struct verification *verification_get(struct desk *desk, const struct verification *like);
struct budget *budget_get(struct desk *desk, const struct number *number);
struct failures *failures_get(struct desk *desk, const struct failures *like);
struct line *line_get(struct desk *desk, const struct line *like);
struct tenant *tenant_get(struct desk *desk, struct bytes id);
struct client *client_get(struct desk *desk, struct bytes name);
struct verification *slot_get(struct desk *desk, struct bytes tenant, enum purpose purpose,
                              struct bytes slot);
struct user *user_get(struct desk *desk, struct bytes tenant, enum user_by by, struct bytes key);
struct user *user_stored(struct desk *desk, const struct user *like);
struct key *key_get(struct desk *desk, const struct key *like);
struct session *session_get(struct desk *desk, const struct session *like);
struct system *system_get(struct desk *desk, const struct system *like);
/* All fields but the version. */
void users_equal(const struct user *a, const struct user *b);
/* Absent and empty differ. */
void texts_equal(struct bytes a, struct bytes b);
/* Inserts a verification and a message for it. */
void pair_insert(struct desk *desk, const struct verification *v, const struct message *message);

/* One of each kind of record that has a version. */
struct record_set {
	struct verification verification;
	struct budget budget;
	struct failures failures;
	struct message message;
	struct tenant tenant;
	struct client client;
	struct line line;
	struct key key;
	struct system system;
	struct user user;
	struct session session;
};
#define SET_KINDS 11
void record_set_init(struct record_set *set, unsigned n);
struct change record_set_change(const struct record_set *set, int i);
/* The version that the record at `i` says it was read with. */
void record_set_version(struct record_set *set, int i, uint64_t version);

extern const struct CMUnitTest contract_records[], contract_commits[], contract_slots[],
    contract_messages[], contract_races[], contract_people[], contract_finds[], contract_walks[],
    contract_tallies[];
extern const size_t contract_records_n, contract_commits_n, contract_slots_n, contract_messages_n,
    contract_races_n, contract_people_n, contract_finds_n, contract_walks_n, contract_tallies_n;

int case_set_up(void **state);
int case_tear_down(void **state);
#define CASE(function) cmocka_unit_test_setup_teardown(function, case_set_up, case_tear_down)
#define CASES_N(cases) (sizeof(cases) / sizeof((cases)[0]))

#endif
