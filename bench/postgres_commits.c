/* SPDX-License-Identifier: Apache-2.0 */
/* Commits a second of the PostgreSQL prototype (tests/postgres) with so many in a batch, beside the
 * SQLite store with as many under way, on the same disk: each commit is a start about a new number
 * (budget, verification, message, event). Then with one in a hundred refused, and without prepared
 * statements. bench_postgres.sh makes the cluster it runs beside. */
#include "base/list.h"
#include "pg_commit.h"
#include "store/sqlite.h"
#include "support/executor.h"
#include "support/sample.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#define SECONDS 2

static int64_t now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

/* What the CPU did for a process so far: the first figure of its schedstat, in nanoseconds. */
static double cpu_us(int process)
{
	char path[64];
	unsigned long long ns = 0;
	snprintf(path, sizeof(path), "/proc/%d/schedstat", process);
	FILE *file = fopen(path, "r");
	if (file && fscanf(file, "%llu", &ns) != 1)
		ns = 0;
	if (file)
		fclose(file);
	return (double)ns / 1000;
}

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "postgres_commits: %s\n", what);
	exit(1);
}

/* --- starts ---------------------------------------------------------------------------------- */

struct side;

struct start {
	struct side *side;
	struct store_commit commit;
	struct change changes[4];
	struct budget budget;
	struct verification verification;
	struct message message;
	struct event event;
};

/* One of the two that are compared. */
struct side {
	struct test_executor executor;
	struct store *store;
	unsigned made; /* starts so far; each has a number of its own */
	int64_t until_us;
	size_t done, under_way_done;
	double cpu_us; /* of PostgreSQL's process, a commit */
};

static void start_fill(struct start *start, bool refused)
{
	unsigned n = start->side->made++;
	struct number number = sample_number(n * 2654435761u);
	struct id id = sample_id(SAMPLE_MS + n / 16, &number, n);
	start->verification = sample_verification(0);
	start->verification.number = number;
	start->verification.id = id;
	start->budget = sample_budget(0);
	start->budget.number = number;
	start->budget.version = refused;
	start->message = sample_message(0, &start->verification);
	start->message.id = id;
	start->message.state = MESSAGE_ACCEPTED;
	start->event = sample_event(0);
	start->event.id = id;
	start->changes[0] = (struct change){.kind = CHANGE_BUDGET, .budget = &start->budget};
	start->changes[1] =
	    (struct change){.kind = CHANGE_VERIFICATION, .verification = &start->verification};
	start->changes[2] = (struct change){.kind = CHANGE_MESSAGE, .message = &start->message};
	start->changes[3] = (struct change){.kind = CHANGE_EVENT, .event = &start->event};
	start->commit.changes = start->changes;
	start->commit.changes_n = 4;
}

/* --- SQLite ---------------------------------------------------------------------------------- */

static void on_commit(struct store_commit *commit)
{
	struct start *start = CONTAINER_OF(commit, struct start, commit);
	struct side *side = start->side;
	if (commit->err)
		give_up(err_text(commit->err));
	side->done++;
	if (now_us() >= side->until_us) {
		side->under_way_done++;
		return;
	}
	start_fill(start, false);
	store_commit(side->store, commit);
}

static double sqlite_measure(struct side *side, unsigned n)
{
	struct start *starts = calloc(n, sizeof(*starts));
	int64_t from_us = now_us();
	side->done = side->under_way_done = 0;
	side->until_us = from_us + SECONDS * 1000000;
	for (unsigned i = 0; i < n; i++) {
		starts[i].side = side;
		starts[i].commit.on_done = on_commit;
		start_fill(&starts[i], false);
		store_commit(side->store, &starts[i].commit);
	}
	test_executor_run_count(&side->executor, &side->under_way_done, n);
	free(starts);
	return (double)side->done * 1e6 / (double)(now_us() - from_us);
}

/* --- PostgreSQL ------------------------------------------------------------------------------ */

/* `refused_each`: every so many-th is refused; 0: none. */
static double postgres_measure(struct side *side, struct pg_session *session, unsigned n,
                               unsigned refused_each)
{
	struct start *starts = calloc(n, sizeof(*starts));
	struct store_commit *commits[PG_BATCH_MAX];
	int process = PQbackendPID(pg_session_conn(session));
	double from_cpu_us = cpu_us(process);
	int64_t from_us = now_us();
	side->done = 0;
	while (now_us() < from_us + SECONDS * 1000000) {
		for (unsigned i = 0; i < n; i++) {
			starts[i].side = side;
			bool refused = refused_each && (side->done + i) % refused_each == 0;
			start_fill(&starts[i], refused);
			commits[i] = &starts[i].commit;
		}
		pg_commit_batch(session, commits, n);
		for (unsigned i = 0; i < n; i++)
			if (commits[i]->err != (starts[i].budget.version ? ERR_CONFLICT : OK))
				give_up(err_text(commits[i]->err));
		side->done += n;
	}
	free(starts);
	side->cpu_us = (cpu_us(process) - from_cpu_us) / (double)side->done;
	return (double)side->done * 1e6 / (double)(now_us() - from_us);
}

static void schema_make(struct pg_session *session, const char *path)
{
	char sql[16384];
	FILE *file = fopen(path, "r");
	if (!file)
		give_up(path);
	sql[fread(sql, 1, sizeof(sql) - 1, file)] = '\0';
	fclose(file);
	PGresult *done = PQexec(pg_session_conn(session), sql);
	if (PQresultStatus(done) != PGRES_COMMAND_OK)
		give_up(PQresultErrorMessage(done));
	PQclear(done);
}

/* --- both ------------------------------------------------------------------------------------ */

static int on_entry(const char *path, const struct stat *about, int kind, struct FTW *walk)
{
	(void)about;
	(void)kind;
	(void)walk;
	return remove(path);
}

int main(int argc, char **argv)
{
	static const unsigned sizes[] = {1, 8, 64, 512};
	if (argc != 2)
		give_up("which schema?");
	char directory[128];
	snprintf(directory, sizeof(directory), "%s/sqlite-XXXXXX", getenv("PGHOST"));
	struct pg_session *prepared = pg_session_new("", true), *plain = pg_session_new("", false);
	if (!prepared || !plain || !mkdtemp(directory))
		give_up("no cluster");
	schema_make(prepared, argv[1]);
	struct side sqlite = {0}, postgres = {0};
	test_executor_init(&sqlite.executor);
	const struct sqlite_options options = {.directory = directory, .serve = true};
	struct problem problem;
	struct sqlite_store *store;
	if (sqlite_open(&options, &store, &problem))
		give_up(problem.text);
	sqlite.store = sqlite_attach(store, &sqlite.executor.executor);
	/* Until the logs have their size. */
	sqlite_measure(&sqlite, 256);
	postgres_measure(&postgres, prepared, 256, 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		double beside = sqlite_measure(&sqlite, sizes[i]);
		double rate = postgres_measure(&postgres, prepared, sizes[i], 0);
		double server_cpu_us = postgres.cpu_us;
		double refused = postgres_measure(&postgres, prepared, sizes[i], 100);
		double unprepared = postgres_measure(&postgres, plain, sizes[i], 0);
		printf("postgres.commits batch=%u a_second=%.0f sqlite=%.0f ratio=%.2f"
		       " refused_1_percent=%.2f unprepared=%.2f server_cpu_us=%.0f\n",
		       sizes[i], rate, beside, rate / beside, refused / rate, unprepared / rate,
		       server_cpu_us);
		fflush(stdout);
	}
	sqlite.store->ops->close(sqlite.store);
	sqlite_close(store);
	test_executor_done(&sqlite.executor);
	nftw(directory, on_entry, 8, FTW_DEPTH | FTW_PHYS);
	pg_session_free(prepared);
	pg_session_free(plain);
	return 0;
}
