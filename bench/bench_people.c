/* SPDX-License-Identifier: Apache-2.0 */
/* People in the SQLite store: an import's one commit of 100,000 users, and the same once more with
 * changes; then what it costs to find one by each of his identities. In a directory of its own
 * below the working directory. */
#include "base/list.h"
#include "store/sqlite.h"
#include "support/desk.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#define USERS 100000u
#define NOW_MS INT64_C(1790000000000)

static int64_t now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static struct rusage used(void)
{
	struct rusage used;
	getrusage(RUSAGE_SELF, &used);
	return used;
}

static int64_t cpu_us(void)
{
	struct rusage now = used();
	return (now.ru_utime.tv_sec + now.ru_stime.tv_sec) * INT64_C(1000000) +
	       now.ru_utime.tv_usec + now.ru_stime.tv_usec;
}

static void fail(const char *what, enum err err)
{
	fprintf(stderr, "%s: %s\n", what, err_text(err));
	exit(1);
}

/* --- people ---------------------------------------------------------------------------------- */

/* Spread over the tables, as ids and numbers come. */
static unsigned spread(unsigned n)
{
	return n * 2654435761u;
}

static struct number number_of(unsigned n)
{
	struct number number = {""};
	snprintf(number.digits, sizeof(number.digits), "44%010u", spread(n));
	return number;
}

static void hash_of(unsigned n, uint8_t hash[SHA256_LEN])
{
	unsigned at[SHA256_LEN / sizeof(n)];
	for (unsigned i = 0; i < SHA256_LEN / sizeof(n); i++)
		at[i] = spread(n ^ i << 20);
	memcpy(hash, at, SHA256_LEN);
}

struct person {
	struct user user;
	struct key key;
	char uuid[40], name[24], email[40];
};

static void person_fill(struct person *person, unsigned n)
{
	snprintf(person->uuid, sizeof(person->uuid), "%08x-7d0c-4d0e-8a39-1f2f%08x", spread(n), n);
	snprintf(person->name, sizeof(person->name), "Person.%08x", spread(n));
	snprintf(person->email, sizeof(person->email), "Person.%08x@example.com", spread(n));
	person->user = (struct user){
	    .tenant = BYTES("acme"),
	    .id = bytes_from_text(person->uuid),
	    .password_hash = BYTES("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA"
	                           "$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g"),
	    .user_name = bytes_from_text(person->name),
	    .uuid = bytes_from_text(person->uuid),
	    .first_name = BYTES("Ada"),
	    .last_name = BYTES("Lovelace"),
	    .email = bytes_from_text(person->email),
	    .email_verified = true,
	    .country = BYTES("GB"),
	    .roles = BYTES("[\"MobileApp\"]"),
	    .permissions = BYTES("[\"ReadData\"]"),
	    .phone = number_of(n),
	    .phone_verified_ms = NOW_MS,
	    .phone_exclusive = true,
	    .sequence = 1,
	    .created_ms = NOW_MS,
	    .changed_ms = NOW_MS,
	};
	person->key = (struct key){.tenant = BYTES("acme"), .user = person->user.id};
	hash_of(n, person->key.hash);
}

static off_t len_of(const char *directory, const char *name)
{
	struct stat about;
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return stat(path, &about) ? 0 : about.st_size;
}

static void commit_measure(struct desk *desk, const char *what, const struct change *changes,
                           const char *directory)
{
	long rss_kib = used().ru_maxrss;
	int64_t from_us = now_us(), from_cpu_us = cpu_us();
	enum err err = desk_commit(desk, changes, USERS);
	if (err)
		fail(what, err);
	printf("people.%s rows=%u ms=%lld cpu_us_each=%.1f rss_grew_mib=%ld database_mib=%lld "
	       "log_mib=%lld\n",
	       what, USERS, (long long)(now_us() - from_us) / 1000,
	       (double)(cpu_us() - from_cpu_us) / USERS, (used().ru_maxrss - rss_kib) / 1024,
	       (long long)len_of(directory, "verifyd.db") >> 20,
	       (long long)len_of(directory, "verifyd.db-wal") >> 20);
	fflush(stdout);
}

/* --- finding them ---------------------------------------------------------------------------- */

#define AT_ONCE 64
#define ROUNDS 1500

struct finding {
	struct store_load load;
	struct arena arena;
	uint8_t hash[SHA256_LEN];
	size_t *answers;
};

static void on_found(struct store_load *load)
{
	++*CONTAINER_OF(load, struct finding, load)->answers;
	if (load->err || (!load->user && !load->holders_n && !load->key))
		fail("nobody was found", load->err);
}

static void finding_fill(struct finding *finding, const struct person *person, unsigned want,
                         enum user_by by)
{
	const struct bytes keys[] = {
	    [USER_BY_ID] = person->user.id,
	    [USER_BY_NAME] = person->user.user_name,
	    [USER_BY_UUID] = person->user.uuid,
	    [USER_BY_EMAIL] = person->user.email,
	};
	finding->load = (struct store_load){
	    .want = want,
	    .tenant = BYTES("acme"),
	    .user_by = by,
	    .user_key = keys[by],
	    .number = person->user.phone,
	    .holds = HOLD_VERIFIED | HOLD_UNVERIFIED | HOLD_PENDING,
	    .hash = person->key.hash,
	    .arena = &finding->arena,
	    .on_done = on_found,
	};
}

static double find_measure(struct desk *desk, const struct person *people, const char *what,
                           unsigned want, enum user_by by, double beside)
{
	static struct finding findings[AT_ONCE];
	unsigned random = 1;
	int64_t from_us = cpu_us();
	for (unsigned round = 0; round < ROUNDS; round++) {
		size_t answers = 0;
		for (unsigned i = 0; i < AT_ONCE; i++) {
			random = random * 1664525 + 1013904223;
			arena_reset(&findings[i].arena);
			finding_fill(&findings[i], &people[random % USERS], want, by);
			findings[i].answers = &answers;
			store_load(desk->store, &findings[i].load);
		}
		test_executor_run_count(&desk->executor, &answers, AT_ONCE);
	}
	double us = (double)(cpu_us() - from_us) / (ROUNDS * AT_ONCE);
	printf("people.find by=%s cpu_us=%.2f ratio=%.2f rows=%u\n", what, us,
	       beside > 0 ? us / beside : 1.0, USERS);
	fflush(stdout);
	for (unsigned i = 0; i < AT_ONCE; i++)
		arena_done(&findings[i].arena);
	return us;
}

static void all_find(struct desk *desk, const struct person *people)
{
	double id = find_measure(desk, people, "id", WANT_USER, USER_BY_ID, 0);
	find_measure(desk, people, "name", WANT_USER, USER_BY_NAME, id);
	find_measure(desk, people, "uuid", WANT_USER, USER_BY_UUID, id);
	find_measure(desk, people, "email", WANT_USER, USER_BY_EMAIL, id);
	find_measure(desk, people, "number", WANT_HOLDERS, USER_BY_ID, id);
	find_measure(desk, people, "key", WANT_KEY, USER_BY_ID, id);
	find_measure(desk, people, "id_with_codes", WANT_USER | WANT_PHONE_CODE | WANT_LOGIN_CODE,
	             USER_BY_ID, id);
}

static int on_entry(const char *path, const struct stat *about, int kind, struct FTW *walk)
{
	(void)about;
	(void)kind;
	(void)walk;
	return remove(path);
}

int main(void)
{
	char directory[] = "bench-people-XXXXXX";
	if (!mkdtemp(directory))
		return 1;
	struct desk desk;
	struct sqlite_store *sqlite;
	struct problem problem;
	/* As `import` opens it. */
	const struct sqlite_options options = {.directory = directory};
	if (sqlite_open(&options, &sqlite, &problem)) {
		fprintf(stderr, "%s\n", problem.text);
		return 1;
	}
	desk_init(&desk);
	desk.store = sqlite_attach(sqlite, &desk.executor.executor);
	struct person *people = calloc(USERS, sizeof(*people));
	struct change *changes = calloc(USERS, sizeof(*changes));
	if (!desk.store || !people || !changes)
		return 1;
	for (unsigned i = 0; i < USERS; i++) {
		person_fill(&people[i], i);
		changes[i] = (struct change){CHANGE_USER, .user = &people[i].user};
	}
	commit_measure(&desk, "insert", changes, directory);
	for (unsigned i = 0; i < USERS; i++) {
		people[i].user.version = 1;
		people[i].user.changed_ms++;
	}
	commit_measure(&desk, "change", changes, directory);
	for (unsigned i = 0; i < USERS; i++)
		changes[i] = (struct change){CHANGE_KEY, .key = &people[i].key};
	commit_measure(&desk, "insert_keys", changes, directory);
	all_find(&desk, people);
	desk_done(&desk);
	sqlite_close(sqlite);
	free(changes);
	free(people);
	nftw(directory, on_entry, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}
