/* SPDX-License-Identifier: Apache-2.0 */
/* What the PostgreSQL prototype promises: one commit in a batch is refused alone, races have one
 * winner, a deadlock is replayed, a doubtful commit is found or not. Runs beside the cluster that
 * tests/postgres/cluster makes. Waiting is seen in the server's own views, never timed. */
#include "cases.h"
#include "pg_commit.h"
#include "support/sample.h"
#include "support/unit.h"

#include <pthread.h>

#define THREADS 4

static struct pg_session *watcher; /* looks on, and makes tables */

/* --- asking the server ----------------------------------------------------------------------- */

static void tell(struct pg_session *session, const char *sql)
{
	PGresult *done = PQexec(pg_session_conn(session), sql);
	if (PQresultStatus(done) != PGRES_COMMAND_OK && PQresultStatus(done) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQresultErrorMessage(done));
	PQclear(done);
}

static long ask(const char *sql)
{
	PGresult *answer = PQexec(pg_session_conn(watcher), sql);
	if (PQresultStatus(answer) != PGRES_TUPLES_OK || PQntuples(answer) != 1)
		fail_msg("%s: %s", sql, PQresultErrorMessage(answer));
	long value = strtol(PQgetvalue(answer, 0, 0), NULL, 10);
	PQclear(answer);
	return value;
}

/* Until the answer is what is wanted; a server that never gets there fails the program by the
 * runner's limit. */
static void ask_until(const char *sql, long wanted)
{
	while (ask(sql) != wanted)
		;
}

#define WAITING "SELECT count(*) FROM pg_locks WHERE NOT granted"
#define ALL_ROWS                                                                                   \
	"SELECT (SELECT count(*) FROM budget WHERE version > 0) + (SELECT count(*) FROM failures)" \
	" + (SELECT count(*) FROM verification) + (SELECT count(*) FROM message)"                  \
	" + (SELECT count(*) FROM event) + (SELECT count(*) FROM line)"

static int tables_empty(void **state)
{
	(void)state;
	tell(watcher, "TRUNCATE budget, failures, verification, message, event, line, tenant,"
	              " client");
	return 0;
}

static int tables_make(void **state)
{
	(void)state;
	char path[512], sql[16384];
	snprintf(path, sizeof(path), "%s/tests/postgres/schema.sql", getenv("VERIFYD_SOURCE"));
	watcher = pg_session_new("", true);
	FILE *file = fopen(path, "r");
	if (!watcher || !file)
		return -1;
	size_t len = fread(sql, 1, sizeof(sql) - 1, file);
	sql[len] = '\0';
	fclose(file);
	tell(watcher, sql);
	return 0;
}

static int watcher_end(void **state)
{
	(void)state;
	pg_session_free(watcher);
	return 0;
}

/* --- commits --------------------------------------------------------------------------------- */

static enum err commit_one(struct pg_session *session, const struct change *changes, size_t n)
{
	struct store_commit commit = {.changes = changes, .changes_n = n};
	pg_commit_batch(session, &(struct store_commit *){&commit}, 1);
	return commit.err;
}

/* A start about one number, as the engine makes it. */
struct start {
	struct budget budget;
	struct verification verification;
	struct message message;
	struct event event;
	struct line line;
	struct failures failures;
	struct change changes[6];
	struct store_commit commit;
};

static void start_fill(struct start *start, unsigned n)
{
	start->budget = sample_budget(n);
	start->verification = sample_verification(n);
	start->message = sample_message(n, &start->verification);
	start->event = sample_event(n);
	start->line = sample_line(n);
	start->failures = sample_failures(n);
	const struct change changes[6] = {
	    {.kind = CHANGE_BUDGET, .budget = &start->budget},
	    {.kind = CHANGE_VERIFICATION, .verification = &start->verification},
	    {.kind = CHANGE_MESSAGE, .message = &start->message},
	    {.kind = CHANGE_EVENT, .event = &start->event},
	    {.kind = GUARD_LINE, .line = &start->line},
	    {.kind = GUARD_FAILURES, .failures = &start->failures},
	};
	memcpy(start->changes, changes, sizeof(changes));
	start->commit = (struct store_commit){.changes = start->changes, .changes_n = 6};
}

#define STARTS 64

/* `STARTS` starts about as many numbers, from `first` on. */
static struct start *starts_new(unsigned first, struct store_commit *ret[STARTS])
{
	struct start *starts = calloc(STARTS, sizeof(*starts));
	for (unsigned i = 0; i < STARTS; i++) {
		start_fill(&starts[i], first + i);
		ret[i] = &starts[i].commit;
	}
	return starts;
}

static void all_but_one(struct store_commit *commits[STARTS], size_t but, enum err err)
{
	for (size_t i = 0; i < STARTS; i++)
		assert_int_equal(commits[i]->err, i == but ? err : OK);
}

/* A thread that carries out one batch on its own session. */
struct batch {
	struct pg_session *session;
	struct store_commit **commits;
	size_t n;
	pthread_t thread;
};

static void *batch_run(void *about)
{
	struct batch *batch = about;
	pg_commit_batch(batch->session, batch->commits, batch->n);
	return NULL;
}

static void batch_start(struct batch *batch, struct pg_session *session,
                        struct store_commit **commits, size_t n)
{
	*batch = (struct batch){.session = session, .commits = commits, .n = n};
	assert_int_equal(pthread_create(&batch->thread, NULL, batch_run, batch), 0);
}

static void batch_end(struct batch *batch)
{
	pthread_join(batch->thread, NULL);
	pg_session_free(batch->session);
}

/* --- a conflict inside a batch --------------------------------------------------------------- */

/* What is stored before, or how the 32nd start of a batch is changed, so that it must be refused.
 */
struct refusal {
	const char *name;
	void (*make)(struct start *start);
	enum err err;
	uint64_t guilty; /* statements that raise */
	long stored;     /* rows before */
};

static void nothing(struct start *start)
{
	(void)start;
}

static void budget_older(struct start *start)
{
	assert_int_equal(commit_one(watcher, start->changes, 1), OK);
	start->budget.version = 1;
	assert_int_equal(commit_one(watcher, start->changes, 1), OK);
}

static void budget_not_absent(struct start *start)
{
	assert_int_equal(commit_one(watcher, start->changes, 1), OK);
}

static void budget_not_there(struct start *start)
{
	start->budget.version = 1;
}

static void line_not_absent(struct start *start)
{
	const struct change change = {.kind = CHANGE_LINE, .line = &start->line};
	assert_int_equal(commit_one(watcher, &change, 1), OK);
}

static void failures_not_absent(struct start *start)
{
	const struct change change = {.kind = CHANGE_FAILURES, .failures = &start->failures};
	assert_int_equal(commit_one(watcher, &change, 1), OK);
}

static void failures_older(struct start *start)
{
	failures_not_absent(start);
	start->failures.version = 2;
	start->changes[5].kind = CHANGE_FAILURES;
}

static void failures_to_delete_gone(struct start *start)
{
	start->failures.version = 1;
	start->failures.count = 0;
	start->changes[5].kind = CHANGE_FAILURES;
}

static void verification_older(struct start *start)
{
	assert_int_equal(commit_one(watcher, &start->changes[1], 1), OK);
	start->verification.version = 7;
}

static void message_older(struct start *start)
{
	assert_int_equal(commit_one(watcher, &start->changes[2], 1), OK);
	start->message.version = 7;
}

static void slot_held(struct start *start)
{
	start->verification.slot = BYTES("user 1");
	struct verification holder = start->verification;
	holder.id.octets[15] ^= 0xff;
	const struct change change = {.kind = CHANGE_VERIFICATION, .verification = &holder};
	assert_int_equal(commit_one(watcher, &change, 1), OK);
}

/* It gives one slot up and takes another: both changes are made before it is known. */
static void other_slot_held(struct start *start)
{
	static struct verification left;
	slot_held(start);
	left = start->verification;
	left.id.octets[15] ^= 0x0f;
	left.slot = BYTES("user 2");
	const struct change change = {.kind = CHANGE_VERIFICATION, .verification = &left};
	assert_int_equal(commit_one(watcher, &change, 1), OK);
	left.version = 1;
	left.state = VERIFICATION_REPLACED;
	start->changes[4] = change;
}

/* Only a twin of 74 random bits does this. */
static void event_there(struct start *start)
{
	assert_int_equal(commit_one(watcher, &start->changes[3], 1), OK);
}

static void text_with_nul(struct start *start)
{
	start->verification.device = BYTES("\xff");
}

static const struct refusal refusals[] = {
    {"nothing is wrong", nothing, OK, 0, 0},
    {"a budget is newer", budget_older, ERR_CONFLICT, 0, 1},
    {"a budget is there", budget_not_absent, ERR_CONFLICT, 0, 1},
    {"a budget is gone", budget_not_there, ERR_CONFLICT, 0, 0},
    {"a line is there", line_not_absent, ERR_CONFLICT, 0, 1},
    {"failures are there", failures_not_absent, ERR_CONFLICT, 0, 1},
    {"failures have another version", failures_older, ERR_CONFLICT, 0, 1},
    {"failures to delete are gone", failures_to_delete_gone, ERR_CONFLICT, 0, 0},
    {"a verification has another version", verification_older, ERR_CONFLICT, 0, 1},
    {"a message has another version", message_older, ERR_CONFLICT, 0, 1},
    {"a slot is held", slot_held, ERR_CONFLICT, 0, 1},
    {"a slot is held, another was given up", other_slot_held, ERR_CONFLICT, 1, 2},
    {"an id is taken", event_there, ERR_CONFLICT, 1, 1},
    {"a text is not UTF-8", text_with_nul, ERR_STORE, 1, 0},
};

static void one_is_refused_alone(void **state)
{
	const struct refusal *row = ROW_OF(state, struct refusal);
	tables_empty(NULL);
	struct pg_session *session = pg_session_new("", true);
	struct store_commit *commits[STARTS];
	struct start *starts = starts_new(0, commits);
	row->make(&starts[31]);
	assert_int_equal(ask(ALL_ROWS), row->stored);
	pg_commit_batch(session, commits, STARTS);
	all_but_one(commits, 31, row->err);
	/* Four rows each, and nothing of the one. */
	assert_int_equal(ask(ALL_ROWS), row->stored + 4 * (STARTS - (row->err != OK)));
	assert_int_equal(ask("SELECT count(*) FROM verification WHERE state = 5"), 0);
	assert_int_equal(pg_session_stats(session).guilty, row->guilty);
	assert_int_equal(pg_session_stats(session).batches, 1 + row->guilty);
	pg_session_free(session);
	free(starts);
}

static void a_duplicate_in_one_batch_loses(void **state)
{
	(void)state;
	struct pg_session *session = pg_session_new("", false);
	struct store_commit *commits[STARTS];
	struct start *starts = starts_new(0, commits);
	starts[40].budget = starts[3].budget;
	pg_commit_batch(session, commits, STARTS);
	all_but_one(commits, 40, ERR_CONFLICT);
	assert_int_equal(ask(ALL_ROWS), 4 * (STARTS - 1));
	assert_int_equal(ask("SELECT max(version) FROM budget"), 1);
	pg_session_free(session);
	free(starts);
}

static void a_slot_passes_from_one_to_the_next(void **state)
{
	(void)state;
	struct verification old = sample_verification(1), next = sample_verification(2);
	old.slot = next.slot = BYTES("user 1");
	const struct change changes[] = {
	    {.kind = CHANGE_VERIFICATION, .verification = &next},
	    {.kind = CHANGE_VERIFICATION, .verification = &old},
	};
	assert_int_equal(commit_one(watcher, &changes[1], 1), OK);
	old.version = 1;
	old.state = VERIFICATION_REPLACED;
	assert_int_equal(commit_one(watcher, changes, 2), OK);
	assert_int_equal(ask("SELECT count(*) FROM verification WHERE state = 1"), 1);
	assert_int_equal(pg_session_stats(watcher).guilty, 0);
}

static void failures_come_and_go(void **state)
{
	(void)state;
	struct failures failures = sample_failures(1);
	const struct change change = {.kind = CHANGE_FAILURES, .failures = &failures};
	assert_int_equal(commit_one(watcher, &change, 1), OK);
	failures.version = 1;
	assert_int_equal(commit_one(watcher, &change, 1), OK);
	failures.version = 2;
	failures.count = 0;
	assert_int_equal(commit_one(watcher, &change, 1), OK);
	assert_int_equal(ask("SELECT count(*) FROM failures"), 0);
}

static void what_an_operator_writes_is_written_whatever_is_stored(void **state)
{
	(void)state;
	long generation = ask("SELECT generation FROM meta");
	struct tenant tenant = sample_tenant();
	struct client client = sample_client();
	struct line line = sample_line(1);
	tenant.version = client.version = line.version = VERSION_ANY;
	const struct change changes[] = {
	    {.kind = CHANGE_TENANT, .tenant = &tenant},
	    {.kind = CHANGE_CLIENT, .client = &client},
	    {.kind = CHANGE_LINE, .line = &line},
	};
	for (int i = 0; i < 2; i++)
		assert_int_equal(commit_one(watcher, changes, 3), OK);
	assert_int_equal(ask("SELECT version FROM line"), 2);
	assert_int_equal(ask("SELECT version FROM tenant"), 2);
	assert_int_equal(ask("SELECT generation FROM meta"), generation + 2);
}

/* --- waiting --------------------------------------------------------------------------------- */

/* What another session writes, and has not committed yet when the start about the same number is
 * sent: the start waits, then must see it. */
struct waiting {
	const char *name, *sql;
};

static const struct waiting waitings[] = {
    {"for a budget that is made", "UPDATE budget SET version = 1"},
    {"for a line that is made", "INSERT INTO line VALUES ('447900000000001', 'acme', (SELECT "
                                "bucket FROM budget), 1, 1, NULL, 0, NULL)"},
    {"for failures that are made", "INSERT INTO failures VALUES ('447900000000001', 'acme', "
                                   "(SELECT bucket FROM budget), 1, 1, 1)"},
};

static void waits_and_sees(void **state)
{
	const struct waiting *row = ROW_OF(state, struct waiting);
	tables_empty(NULL);
	struct number number = sample_number(1);
	struct pg_session *holder = pg_session_new("", true);
	char *sql = NULL;
	assert_true(asprintf(&sql, "BEGIN; INSERT INTO budget VALUES ('%s', %u, 0, 0, 0, '')",
	                     number.digits, number_bucket(&number)) > 0);
	tell(holder, sql);
	free(sql);
	/* It holds the number; what it does comes after the start has begun to wait. */
	struct start start;
	start_fill(&start, 1);
	struct store_commit *commit = &start.commit;
	struct batch batch;
	batch_start(&batch, pg_session_new("", true), &commit, 1);
	ask_until(WAITING, 1);
	tell(holder, row->sql);
	tell(holder, "COMMIT");
	batch_end(&batch);
	assert_int_equal(start.commit.err, ERR_CONFLICT);
	assert_int_equal(ask("SELECT count(*) FROM verification"), 0);
	pg_session_free(holder);
}

/* No number's lock covers a message: the statement itself waits for the row, and compares the
 * version again with what it has become. */
static void a_row_that_changed_while_waited_for_is_compared_again(void **state)
{
	(void)state;
	struct start start;
	start_fill(&start, 1);
	assert_int_equal(commit_one(watcher, &start.changes[2], 1), OK);
	struct pg_session *holder = pg_session_new("", true);
	tell(holder, "BEGIN; UPDATE message SET version = 2");
	start.message.version = 1;
	const struct change changes[] = {start.changes[2], start.changes[3]};
	struct store_commit commit = {.changes = changes, .changes_n = 2}, *commits = &commit;
	struct batch batch;
	batch_start(&batch, pg_session_new("", true), &commits, 1);
	ask_until(WAITING, 1);
	tell(holder, "COMMIT");
	batch_end(&batch);
	assert_int_equal(commit.err, ERR_CONFLICT);
	assert_int_equal(ask("SELECT count(*) FROM event"), 0);
	pg_session_free(holder);
}

static void a_row_that_did_not_change_while_waited_for_is_taken(void **state)
{
	(void)state;
	struct start start;
	start_fill(&start, 1);
	assert_int_equal(commit_one(watcher, &start.changes[2], 1), OK);
	struct pg_session *holder = pg_session_new("", true);
	tell(holder, "BEGIN; UPDATE message SET version = 2");
	start.message.version = 1;
	struct store_commit commit = {.changes = &start.changes[2], .changes_n = 1};
	struct store_commit *commits = &commit;
	struct batch batch;
	batch_start(&batch, pg_session_new("", true), &commits, 1);
	ask_until(WAITING, 1);
	tell(holder, "ROLLBACK");
	batch_end(&batch);
	assert_int_equal(commit.err, OK);
	assert_int_equal(ask("SELECT version FROM message"), 2);
	pg_session_free(holder);
}

/* --- races ----------------------------------------------------------------------------------- */

#define ROUNDS 60

/* Threads do not use cmocka's assertions; they count, and the main one judges. */
struct racer {
	struct pg_session *session;
	pthread_t thread;
	pthread_barrier_t *together;
	unsigned number;
	size_t won, lost, others;
	uint64_t replayed;
};

static void racer_count(struct racer *racer, enum err err)
{
	racer->won += err == OK;
	racer->lost += err == ERR_CONFLICT;
	racer->others += err != OK && err != ERR_CONFLICT;
}

static size_t race(void *(*run)(void *), struct racer racers[THREADS])
{
	pthread_barrier_t together;
	pthread_barrier_init(&together, NULL, THREADS);
	size_t won = 0;
	for (unsigned i = 0; i < THREADS; i++)
		racers[i] = (struct racer){
		    .session = pg_session_new("", true), .together = &together, .number = i};
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&racers[i].thread, NULL, run, &racers[i]), 0);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(racers[i].thread, NULL);
		racers[i].replayed = pg_session_stats(racers[i].session).replayed;
		pg_session_free(racers[i].session);
		assert_int_equal(racers[i].others, 0);
		won += racers[i].won;
	}
	pthread_barrier_destroy(&together);
	return won;
}

/* Every round all of them have read the same version of one budget. */
static void *budget_race(void *about)
{
	struct racer *racer = about;
	struct budget budget = sample_budget(1);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct event event = sample_event(racer->number * ROUNDS + i);
		const struct change changes[] = {
		    {.kind = CHANGE_EVENT, .event = &event},
		    {.kind = CHANGE_BUDGET, .budget = &budget},
		};
		budget.version = i;
		pthread_barrier_wait(racer->together);
		racer_count(racer, commit_one(racer->session, changes, 2));
	}
	return NULL;
}

static void of_those_who_read_the_same_budget_one_wins(void **state)
{
	(void)state;
	struct racer racers[THREADS];
	assert_int_equal(race(budget_race, racers), ROUNDS);
	assert_int_equal(ask("SELECT version FROM budget"), ROUNDS);
	assert_int_equal(ask("SELECT count(*) FROM event"), ROUNDS);
}

/* Every round a number of which nothing is stored; each racer would write another set of rows. */
static void *absent_race(void *about)
{
	struct racer *racer = about;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct start start;
		start_fill(&start, i);
		start.verification.id.octets[10] = (uint8_t)racer->number;
		start.message.verification = start.verification.id;
		start.event.id.octets[10] = (uint8_t)racer->number;
		start.changes[5].kind = CHANGE_FAILURES;
		pthread_barrier_wait(racer->together);
		racer_count(racer, commit_one(racer->session, start.changes, 6));
	}
	return NULL;
}

static void of_those_who_found_no_budget_one_wins(void **state)
{
	(void)state;
	struct racer racers[THREADS];
	assert_int_equal(race(absent_race, racers), ROUNDS);
	assert_int_equal(ask(ALL_ROWS), 5 * ROUNDS);
}

/* Every round the same absent failures, whose budget nobody names. */
static void *failures_race(void *about)
{
	struct racer *racer = about;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct failures failures = sample_failures(i);
		struct event event = sample_event(racer->number * ROUNDS + i);
		const struct change changes[] = {
		    {.kind = CHANGE_EVENT, .event = &event},
		    {.kind = CHANGE_FAILURES, .failures = &failures},
		};
		pthread_barrier_wait(racer->together);
		racer_count(racer, commit_one(racer->session, changes, 2));
	}
	return NULL;
}

static void of_those_who_found_no_failures_one_wins(void **state)
{
	(void)state;
	struct racer racers[THREADS];
	assert_int_equal(race(failures_race, racers), ROUNDS);
	assert_int_equal(ask("SELECT count(*) FROM event"), ROUNDS);
}

/* Every round one slot, wanted by four numbers. */
static void *slot_race(void *about)
{
	struct racer *racer = about;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct start start;
		char slot[16];
		start_fill(&start, racer->number * ROUNDS + i);
		snprintf(slot, sizeof(slot), "user %u", i);
		start.verification.slot = bytes_from_text(slot);
		pthread_barrier_wait(racer->together);
		racer_count(racer, commit_one(racer->session, start.changes, 6));
	}
	return NULL;
}

static void of_those_who_want_a_slot_one_wins(void **state)
{
	(void)state;
	struct racer racers[THREADS];
	assert_int_equal(race(slot_race, racers), ROUNDS);
	assert_int_equal(ask(ALL_ROWS), 4 * ROUNDS);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(racers[i].lost, ROUNDS - racers[i].won);
}

#define IN_BATCH 16
#define FEW 24 /* numbers */

/* Batches about few numbers, in any order: each adds one to the version it last saw. */
static void *batches_race(void *about)
{
	struct racer *racer = about;
	struct budget budgets[IN_BATCH];
	struct event events[IN_BATCH];
	struct change changes[IN_BATCH][2];
	struct store_commit commits[IN_BATCH], *pointers[IN_BATCH];
	uint64_t versions[FEW] = {0};
	unsigned random = racer->number, event = racer->number << 20;
	for (unsigned i = 0; i < ROUNDS; i++) {
		for (int j = 0; j < IN_BATCH; j++) {
			random = random * 1664525 + 1013904223;
			unsigned which = (random >> 16) % FEW;
			budgets[j] = sample_budget(which);
			budgets[j].version = versions[which];
			events[j] = sample_event(event++);
			changes[j][0] = (struct change){CHANGE_EVENT, .event = &events[j]};
			changes[j][1] = (struct change){CHANGE_BUDGET, .budget = &budgets[j]};
			commits[j] = (struct store_commit){.changes = changes[j], .changes_n = 2};
			pointers[j] = &commits[j];
			/* A guess: that nobody else was faster. */
			versions[which]++;
		}
		pg_commit_batch(racer->session, pointers, IN_BATCH);
		for (int j = 0; j < IN_BATCH; j++)
			racer_count(racer, commits[j].err);
	}
	return NULL;
}

static void batches_that_cross_add_up(void **state)
{
	(void)state;
	struct racer racers[THREADS];
	long won = (long)race(batches_race, racers);
	assert_true(won > 0);
	/* Numbers are locked in their order: no deadlock. */
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(racers[i].replayed, 0);
	assert_int_equal(ask("SELECT sum(version) FROM budget"), won);
	assert_int_equal(ask("SELECT count(*) FROM event"), won);
}

/* --- deadlock -------------------------------------------------------------------------------- */

static void slot_commit(struct start *start, unsigned n, const char *slot,
                        struct store_commit **ret)
{
	start_fill(start, n);
	start->verification.slot = bytes_from_text(slot);
	*ret = &start->commit;
}

/* Numbers are locked in their order, so that only slots can cross: each batch takes one, waits for
 * the holder, and then wants the other's. */
static void a_deadlock_is_replayed(void **state)
{
	(void)state;
	struct pg_session *holder = pg_session_new("", true);
	struct start starts[6], held;
	struct store_commit *one[3], *two[3], *third;
	slot_commit(&held, 9, "c", &third);
	assert_int_equal(commit_one(holder, &held.changes[1], 1), OK);
	tell(holder, "BEGIN; UPDATE verification SET state = 5, version = 2");
	slot_commit(&starts[0], 1, "a", &one[0]);
	slot_commit(&starts[1], 2, "c", &one[1]);
	slot_commit(&starts[2], 3, "b", &one[2]);
	slot_commit(&starts[3], 4, "b", &two[0]);
	slot_commit(&starts[4], 5, "c", &two[1]);
	slot_commit(&starts[5], 6, "a", &two[2]);
	struct batch batches[2];
	batch_start(&batches[0], pg_session_new("", true), one, 3);
	batch_start(&batches[1], pg_session_new("", true), two, 3);
	ask_until(WAITING, 2);
	tell(holder, "COMMIT");
	for (int i = 0; i < 2; i++)
		pthread_join(batches[i].thread, NULL);
	uint64_t replayed = 0, won = 0;
	for (int i = 0; i < 2; i++) {
		replayed += pg_session_stats(batches[i].session).replayed;
		pg_session_free(batches[i].session);
	}
	for (int i = 0; i < 6; i++) {
		assert_true(starts[i].commit.err == OK || starts[i].commit.err == ERR_CONFLICT);
		won += starts[i].commit.err == OK;
	}
	assert_int_equal(replayed, 1);
	assert_int_equal(won, 3);
	assert_int_equal(ask("SELECT count(DISTINCT slot) FROM verification WHERE state = 1"), 3);
	assert_int_equal(ask("SELECT count(*) FROM event"), 3);
	pg_session_free(holder);
}

/* --- doubtful commits ------------------------------------------------------------------------ */

#define STANDBY "options='-c synchronous_commit=on'"
#define IN_COMMIT "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"

/* Starts one whose COMMIT waits for a standby that does not exist. */
static void doubtful_start(struct batch *batch, struct start *start, struct store_commit **commit)
{
	tell(watcher, "SET synchronous_commit = local");
	tell(watcher, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
	tell(watcher, "SELECT pg_reload_conf()");
	ask_until("SELECT count(*) FROM pg_settings WHERE name = 'synchronous_standby_names'"
	          " AND setting = 'nobody'",
	          1);
	start_fill(start, 1);
	*commit = &start->commit;
	batch_start(batch, pg_session_new(STANDBY, true), commit, 1);
	ask_until(IN_COMMIT, 1);
}

static bool event_is_there(const struct id *id)
{
	bool there = false;
	struct pg_session *fresh = pg_session_new("", true);
	assert_non_null(fresh);
	assert_int_equal(pg_event_find(fresh, id, &there), OK);
	pg_session_free(fresh);
	return there;
}

static int standby_forget(void **state)
{
	(void)state;
	tell(watcher, "ALTER SYSTEM RESET synchronous_standby_names");
	tell(watcher, "SELECT pg_reload_conf()");
	return 0;
}

static void lost_during_commit_and_done(void **state)
{
	(void)state;
	struct start start;
	struct store_commit *commit;
	struct batch batch;
	doubtful_start(&batch, &start, &commit);
	tell(watcher, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
	              " WHERE wait_event = 'SyncRep'");
	batch_end(&batch);
	assert_int_equal(start.commit.err, ERR_UNKNOWN);
	assert_true(event_is_there(&start.event.id));
}

/* PostgreSQL answers success with a warning: not acknowledged by the standby, so not by us. */
static void wait_for_the_standby_cancelled(void **state)
{
	(void)state;
	struct start start;
	struct store_commit *commit;
	struct batch batch;
	doubtful_start(&batch, &start, &commit);
	tell(watcher, "SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
	              " WHERE wait_event = 'SyncRep'");
	batch_end(&batch);
	assert_int_equal(start.commit.err, ERR_UNKNOWN);
	assert_true(event_is_there(&start.event.id));
}

/* COMMIT was sent, but the server never came to it. */
static void lost_before_commit_and_not_done(void **state)
{
	(void)state;
	struct pg_session *holder = pg_session_new("", true);
	struct start start;
	start_fill(&start, 1);
	assert_int_equal(commit_one(holder, &start.changes[0], 1), OK);
	tell(holder, "BEGIN; UPDATE budget SET version = 2");
	start.budget.version = 1;
	struct store_commit *commit = &start.commit;
	struct batch batch;
	batch_start(&batch, pg_session_new("", true), &commit, 1);
	ask_until(WAITING, 1);
	tell(watcher, "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted");
	batch_end(&batch);
	assert_int_equal(start.commit.err, ERR_UNKNOWN);
	tell(holder, "ROLLBACK");
	assert_false(event_is_there(&start.event.id));
	pg_session_free(holder);
}

#define CASE(name) cmocka_unit_test_setup(name, tables_empty)
#define STANDBY_CASE(name) cmocka_unit_test_setup_teardown(name, tables_empty, standby_forget)

int main(void)
{
	static struct cases cases;
	const struct CMUnitTest tests[] = {
	    CASE(a_duplicate_in_one_batch_loses),
	    CASE(a_slot_passes_from_one_to_the_next),
	    CASE(failures_come_and_go),
	    CASE(what_an_operator_writes_is_written_whatever_is_stored),
	    CASE(a_row_that_changed_while_waited_for_is_compared_again),
	    CASE(a_row_that_did_not_change_while_waited_for_is_taken),
	    CASE(of_those_who_read_the_same_budget_one_wins),
	    CASE(of_those_who_found_no_budget_one_wins),
	    CASE(of_those_who_found_no_failures_one_wins),
	    CASE(of_those_who_want_a_slot_one_wins),
	    CASE(batches_that_cross_add_up),
	    CASE(a_deadlock_is_replayed),
	    STANDBY_CASE(lost_during_commit_and_done),
	    STANDBY_CASE(wait_for_the_standby_cancelled),
	    CASE(lost_before_commit_and_not_done),
	};
	CASES_ADD_ROWS(&cases, "one refused alone", refusals, one_is_refused_alone);
	CASES_ADD_ROWS(&cases, "waits", waitings, waits_and_sees);
	CASES_ADD(&cases, tests);
	return _cmocka_run_group_tests("pg_commit", cases.at, cases.n, tables_make, watcher_end);
}
