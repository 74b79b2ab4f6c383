/* SPDX-License-Identifier: Apache-2.0 */
/* The contract: claiming due messages, forgetting, counting, noting. */
#include "store/contract_private.h"

#define LAPSE_MS (SAMPLE_MS + 60000)

static size_t claim_n(struct desk *desk, int64_t now_ms, int64_t lapse_ms, size_t max)
{
	struct claimed *claimed;
	size_t n;
	assert_int_equal(desk_claim(desk, now_ms, lapse_ms, max, &claimed, &n), OK);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(claimed[i].message->state, MESSAGE_SENDING);
		assert_int_equal(claimed[i].message->next_ms, lapse_ms);
		assert_true(
		    id_equal(&claimed[i].message->verification, &claimed[i].verification->id));
	}
	return n;
}

static struct message message_insert(struct desk *desk, unsigned n, int64_t next_ms)
{
	struct verification v = sample_verification(n);
	struct message message = sample_message(n, &v);
	message.next_ms = next_ms;
	pair_insert(desk, &v, &message);
	message.version = 1;
	return message;
}

static void a_message_is_claimed_from_its_moment_on(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	message_insert(desk, 1, SAMPLE_MS);
	assert_int_equal(claim_n(desk, SAMPLE_MS - 1, LAPSE_MS, 10), 0);
	assert_int_equal(claim_n(desk, SAMPLE_MS, LAPSE_MS, 10), 1);
}

static void a_claim_holds_until_it_lapses(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	message_insert(desk, 1, SAMPLE_MS);
	assert_int_equal(claim_n(desk, SAMPLE_MS, LAPSE_MS, 10), 1);
	assert_int_equal(claim_n(desk, SAMPLE_MS, LAPSE_MS, 10), 0);
	assert_int_equal(claim_n(desk, LAPSE_MS - 1, LAPSE_MS, 10), 0);
	assert_int_equal(claim_n(desk, LAPSE_MS, LAPSE_MS + 60000, 10), 1);
	assert_int_equal(claim_n(desk, LAPSE_MS, LAPSE_MS + 60000, 10), 0);
}

static void a_claim_raises_the_version(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct message message = message_insert(desk, 1, SAMPLE_MS);
	struct claimed *claimed;
	size_t n;
	assert_int_equal(desk_claim(desk, SAMPLE_MS, LAPSE_MS, 1, &claimed, &n), OK);
	assert_int_equal(n, 1);
	assert_int_equal(claimed[0].message->version, 2);
	message.state = MESSAGE_CANCELLED;
	assert_int_equal(desk_change(desk, CHANGE_MESSAGE, &message), ERR_CONFLICT);
	message = *claimed[0].message;
	message.state = MESSAGE_ACCEPTED;
	assert_int_equal(desk_change(desk, CHANGE_MESSAGE, &message), OK);
}

static void an_expired_message_is_not_claimed(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct message message = message_insert(desk, 1, SAMPLE_MS);
	assert_int_equal(claim_n(desk, message.expires_ms, LAPSE_MS, 10), 0);
	/* Nor one whose claim lapsed at its end. */
	int64_t last_ms = message.expires_ms - 1;
	assert_int_equal(claim_n(desk, last_ms, last_ms, 10), 1);
	assert_int_equal(claim_n(desk, message.expires_ms, LAPSE_MS, 10), 0);
	assert_int_equal(claim_n(desk, last_ms, LAPSE_MS, 10), 1);
}

static void a_final_message_is_never_claimed(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	for (unsigned s = MESSAGE_ACCEPTED; s <= MESSAGE_CANCELLED; s++) {
		struct verification v = sample_verification(s);
		struct message message = sample_message(s, &v);
		message.state = (enum message_state)s;
		pair_insert(desk, &v, &message);
		/* One that was queued and became final. */
		struct message other = message_insert(desk, 100 + s, SAMPLE_MS);
		other.state = (enum message_state)s;
		assert_int_equal(desk_change(desk, CHANGE_MESSAGE, &other), OK);
	}
	assert_int_equal(claim_n(desk, SAMPLE_MS + 1000, LAPSE_MS, 100), 0);
}

static void a_message_put_off_is_claimed_later(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	message_insert(desk, 1, SAMPLE_MS);
	struct claimed *claimed;
	size_t n;
	assert_int_equal(desk_claim(desk, SAMPLE_MS, LAPSE_MS, 1, &claimed, &n), OK);
	struct message message = *claimed[0].message;
	message.state = MESSAGE_QUEUED;
	message.attempts++;
	message.next_ms = SAMPLE_MS + 5000;
	assert_int_equal(desk_change(desk, CHANGE_MESSAGE, &message), OK);
	assert_int_equal(claim_n(desk, SAMPLE_MS + 4999, LAPSE_MS, 1), 0);
	assert_int_equal(claim_n(desk, SAMPLE_MS + 5000, LAPSE_MS, 1), 1);
}

static void no_more_than_asked_for_are_claimed(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	for (unsigned i = 0; i < CLAIM_MAX + 10; i++)
		message_insert(desk, i, SAMPLE_MS);
	assert_int_equal(claim_n(desk, SAMPLE_MS, LAPSE_MS, 0), 0);
	assert_int_equal(claim_n(desk, SAMPLE_MS, LAPSE_MS, 3), 3);
	assert_int_equal(claim_n(desk, SAMPLE_MS, LAPSE_MS, CLAIM_MAX), CLAIM_MAX);
	assert_int_equal(claim_n(desk, SAMPLE_MS, LAPSE_MS, CLAIM_MAX), 7);
	assert_int_equal(claim_n(desk, SAMPLE_MS, LAPSE_MS, CLAIM_MAX), 0);
}

static void each_message_of_a_verification_is_its_own(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct verification v = sample_verification(1);
	struct message a = sample_message(1, &v), b = sample_message(2, &v);
	pair_insert(desk, &v, &a);
	assert_int_equal(desk_change(desk, CHANGE_MESSAGE, &b), OK);
	assert_int_equal(desk_count(desk).messages, 2);
	a.version = 1;
	a.state = MESSAGE_FAILED;
	assert_int_equal(desk_change(desk, CHANGE_MESSAGE, &a), OK);
	struct claimed *claimed;
	size_t n;
	assert_int_equal(desk_claim(desk, SAMPLE_MS, LAPSE_MS, 10, &claimed, &n), OK);
	assert_int_equal(n, 1);
	assert_true(id_equal(&claimed[0].message->id, &b.id));
}

/* --- purge ----------------------------------------------------------------------------------- */

#define BEFORE_MS (SAMPLE_MS + DAY_MS)
#define DAY_MS INT64_C(86400000)
#define NOW_MS (SAMPLE_MS + 31 * DAY_MS)

static struct verification old_insert(struct desk *desk, unsigned n, int64_t created_ms,
                                      int64_t expires_ms, int64_t finished_ms)
{
	struct verification v = sample_verification(n);
	v.id = sample_id(created_ms, &v.number, n);
	v.created_ms = created_ms;
	v.expires_ms = expires_ms;
	v.finished_ms = finished_ms;
	v.state = finished_ms ? VERIFICATION_APPROVED : VERIFICATION_LIVE;
	assert_int_equal(desk_change(desk, CHANGE_VERIFICATION, &v), OK);
	return v;
}

static void old_verifications_go_others_stay(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	static const struct {
		const char *what;
		int64_t created_ms, expires_ms, finished_ms;
		bool goes;
	} rows[] = {
	    {"finished long ago", SAMPLE_MS, BEFORE_MS + DAY_MS, SAMPLE_MS + 1, true},
	    {"expired long ago", SAMPLE_MS, SAMPLE_MS + 600000, 0, true},
	    {"expired just before", SAMPLE_MS, BEFORE_MS - 1, 0, true},
	    {"expired at that moment", SAMPLE_MS, BEFORE_MS, 0, false},
	    {"finished at that moment", SAMPLE_MS, SAMPLE_MS + 1, BEFORE_MS, false},
	    {"still live", SAMPLE_MS, NOW_MS + 1, 0, false},
	    {"made just before", BEFORE_MS - 1, BEFORE_MS - 1, 0, true},
	    {"made at that moment", BEFORE_MS, SAMPLE_MS, SAMPLE_MS, false},
	    {"made later", BEFORE_MS + DAY_MS, BEFORE_MS + DAY_MS, 0, false},
	};
	struct verification inserted[CASES_N(rows)];
	size_t go = 0;
	for (unsigned i = 0; i < CASES_N(rows); i++) {
		inserted[i] = old_insert(desk, i, rows[i].created_ms, rows[i].expires_ms,
		                         rows[i].finished_ms);
		go += rows[i].goes;
	}
	assert_int_equal(desk_purge_all(desk, NOW_MS, BEFORE_MS), go);
	for (size_t i = 0; i < CASES_N(rows); i++)
		if ((verification_get(desk, &inserted[i]) == NULL) != rows[i].goes)
			fail_msg("%s: should have %s", rows[i].what,
			         rows[i].goes ? "gone" : "stayed");
	assert_int_equal(desk_purge_all(desk, NOW_MS, BEFORE_MS), 0);
}

static void messages_go_with_their_verification(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct verification old = old_insert(desk, 1, SAMPLE_MS, SAMPLE_MS + 1, 0);
	struct verification live = old_insert(desk, 2, SAMPLE_MS, NOW_MS, 0);
	for (unsigned i = 0; i < 3; i++) {
		struct message of_old = sample_message(10 + i, &old);
		struct message of_live = sample_message(20 + i, &live);
		assert_int_equal(desk_change(desk, CHANGE_MESSAGE, &of_old), OK);
		assert_int_equal(desk_change(desk, CHANGE_MESSAGE, &of_live), OK);
	}
	assert_int_equal(desk_purge_all(desk, NOW_MS, BEFORE_MS), 4);
	assert_int_equal(desk_count(desk).messages, 3);
	assert_int_equal(claim_n(desk, SAMPLE_MS, LAPSE_MS, 10), 3);
}

static void events_go_by_age(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	for (unsigned i = 0; i < 3; i++) {
		struct event event = sample_event(i);
		event.at_ms = BEFORE_MS - 1 + i;
		struct number number = sample_number(i);
		event.id = sample_id(event.at_ms, &number, i);
		assert_int_equal(desk_change(desk, CHANGE_EVENT, &event), OK);
	}
	assert_int_equal(desk_purge_all(desk, NOW_MS, BEFORE_MS), 1);
	assert_int_equal(desk_count(desk).events, 2);
}

static void budgets_go_once_nothing_in_them_counts(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct failures failures = sample_failures(1);
	struct line line = sample_line(1);
	assert_int_equal(desk_change(desk, CHANGE_FAILURES, &failures), OK);
	assert_int_equal(desk_change(desk, CHANGE_LINE, &line), OK);
	for (unsigned i = 0; i < 3; i++) {
		struct budget budget = sample_budget(i);
		budget.keep_until_ms = NOW_MS - 1 + i;
		assert_int_equal(desk_change(desk, CHANGE_BUDGET, &budget), OK);
	}
	assert_int_equal(desk_purge_all(desk, NOW_MS, BEFORE_MS), 1);
	for (unsigned i = 0; i < 3; i++) {
		struct number number = sample_number(i);
		assert_int_equal(budget_get(desk, &number) != NULL, i > 0);
	}
	/* Failures and lines count until somebody says otherwise. */
	assert_non_null(failures_get(desk, &failures));
	assert_non_null(line_get(desk, &line));
}

/* Many of each kind: every step is small, `more` is told until the last, and all go. */
static void a_purge_goes_in_small_steps(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	enum { ROWS = 2 * PURGE_STEP + 50 };
	for (unsigned i = 0; i < ROWS; i++) {
		struct verification v = sample_verification(i);
		struct message messages[] = {sample_message(i, &v), sample_message(ROWS + i, &v)};
		struct budget budget = sample_budget(i);
		struct event event = sample_event(i);
		const struct change changes[] = {
		    {.kind = CHANGE_VERIFICATION, .verification = &v},
		    {.kind = CHANGE_MESSAGE, .message = &messages[0]},
		    {.kind = CHANGE_MESSAGE, .message = &messages[1]},
		    {.kind = CHANGE_BUDGET, .budget = &budget},
		    {.kind = CHANGE_EVENT, .event = &event},
		};
		assert_int_equal(desk_commit(desk, changes, 5), OK);
	}
	size_t all = 0, deleted;
	bool more = true;
	for (int steps = 0; more; steps++) {
		struct store_counts before = desk_count(desk);
		assert_int_equal(desk_purge(desk, NOW_MS, BEFORE_MS, &deleted, &more), OK);
		struct store_counts after = desk_count(desk);
		assert_in_range(before.verifications - after.verifications, 0, PURGE_STEP);
		assert_in_range(before.messages - after.messages, 0, PURGE_STEP);
		assert_in_range(before.budgets - after.budgets, 0, PURGE_STEP);
		assert_in_range(before.events - after.events, 0, PURGE_STEP);
		/* Never a verification without a message that it still has. */
		assert_true(after.messages <= 2 * after.verifications);
		all += deleted;
		assert_in_range(steps, 0, 50);
	}
	assert_int_equal(all, 5 * ROWS);
	struct store_counts counts = desk_count(desk);
	assert_int_equal(counts.verifications + counts.messages + counts.budgets + counts.events,
	                 0);
}

/* Rows that must stay do not hide those behind them. */
static void a_purge_walks_past_what_stays(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	enum { STAY = 5000 };
	for (unsigned i = 0; i < STAY; i += 100) {
		struct verification v[100];
		struct budget budgets[100];
		struct change changes[200];
		for (unsigned j = 0; j < 100; j++) {
			v[j] = sample_verification(i + j);
			v[j].expires_ms = NOW_MS;
			budgets[j] = sample_budget(i + j);
			budgets[j].keep_until_ms = NOW_MS;
			changes[2 * j] =
			    (struct change){.kind = CHANGE_VERIFICATION, .record = &v[j]};
			changes[2 * j + 1] =
			    (struct change){.kind = CHANGE_BUDGET, .record = &budgets[j]};
		}
		assert_int_equal(desk_commit(desk, changes, 200), OK);
	}
	old_insert(desk, STAY + 1, SAMPLE_MS + 1, SAMPLE_MS + 2, 0);
	struct budget budget = sample_budget(STAY + 1);
	budget.keep_until_ms = SAMPLE_MS;
	assert_int_equal(desk_change(desk, CHANGE_BUDGET, &budget), OK);
	assert_int_equal(desk_purge_all(desk, NOW_MS, BEFORE_MS), 2);
	assert_int_equal(desk_purge_all(desk, NOW_MS, BEFORE_MS), 0);
	assert_int_equal(desk_count(desk).verifications, STAY);
	assert_int_equal(desk_count(desk).budgets, STAY);
}

static void a_purged_live_one_leaves_its_slot(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct verification v = sample_verification(1);
	v.slot = BYTES("anna");
	assert_int_equal(desk_change(desk, CHANGE_VERIFICATION, &v), OK);
	assert_int_equal(desk_purge_all(desk, NOW_MS, BEFORE_MS), 1);
	assert_null(slot_get(desk, v.tenant, v.purpose, v.slot));
	assert_int_equal(desk_change(desk, CHANGE_VERIFICATION, &v), OK);
}

/* --- counts and notes ------------------------------------------------------------------------ */

static void counts_are_right(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	struct store_counts none = desk_count(desk);
	assert_memory_equal(&none, &(struct store_counts){0}, sizeof(none));
	struct record_set set;
	record_set_init(&set, 1);
	for (int i = 0; i < SET_KINDS; i++) {
		struct change change = record_set_change(&set, i);
		assert_int_equal(desk_commit(desk, &change, 1), OK);
	}
	struct verification v = sample_verification(2);
	v.state = VERIFICATION_LOCKED;
	assert_int_equal(desk_change(desk, CHANGE_VERIFICATION, &v), OK);
	struct event event = sample_event(1);
	assert_int_equal(desk_change(desk, CHANGE_EVENT, &event), OK);
	struct store_counts counts = desk_count(desk);
	assert_int_equal(counts.tenants, 1);
	assert_int_equal(counts.clients, 1);
	assert_int_equal(counts.users, 1);
	assert_int_equal(counts.keys, 1);
	assert_int_equal(counts.sessions, 1);
	assert_int_equal(counts.systems, 1);
	assert_int_equal(counts.verifications, 2);
	assert_int_equal(counts.live, 1);
	assert_int_equal(counts.budgets, 1);
	assert_int_equal(counts.messages, 1);
	assert_int_equal(counts.events, 1);
}

static void a_note_is_copied_and_gets_written(void **state)
{
	struct desk *desk = &bench_of(state)->desk;
	enum { NOTES = 100 };
	char text[16];
	for (unsigned i = 0; i < NOTES; i++) {
		struct event event = sample_event(i);
		snprintf(text, sizeof(text), "reason %u", i);
		event.reason = bytes_from_text(text);
		desk->store->ops->note(desk->store, &event);
		memset(text, 'x', sizeof(text));
	}
	/* Nobody says when; but it does come. */
	while (desk_count(desk).events < NOTES)
		;
	/* One noted twice is written once and harms nobody. */
	struct event again = sample_event(0), other = sample_event(NOTES);
	desk->store->ops->note(desk->store, &again);
	assert_int_equal(desk_change(desk, CHANGE_EVENT, &other), OK);
	while (desk_count(desk).events < NOTES + 1)
		;
}

const struct CMUnitTest contract_messages[] = {
    CASE(a_message_is_claimed_from_its_moment_on),
    CASE(a_claim_holds_until_it_lapses),
    CASE(a_claim_raises_the_version),
    CASE(an_expired_message_is_not_claimed),
    CASE(a_final_message_is_never_claimed),
    CASE(a_message_put_off_is_claimed_later),
    CASE(no_more_than_asked_for_are_claimed),
    CASE(each_message_of_a_verification_is_its_own),
    CASE(old_verifications_go_others_stay),
    CASE(messages_go_with_their_verification),
    CASE(events_go_by_age),
    CASE(budgets_go_once_nothing_in_them_counts),
    CASE(a_purge_goes_in_small_steps),
    CASE(a_purge_walks_past_what_stays),
    CASE(a_purged_live_one_leaves_its_slot),
    CASE(counts_are_right),
    CASE(a_note_is_copied_and_gets_written),
};
const size_t contract_messages_n = CASES_N(contract_messages);
