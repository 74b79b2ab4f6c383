/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the SQLite store share:
 *
 *      sqlite.c          open and close, handles, rounds, answers
 *      sqlite_file.c     the database file: made whole, then named
 *      sqlite_backup.c   a copy of it
 *      sqlite_log_check.c  whether the log lost what it had
 *      sqlite_conn.c     one connection: opening it, its statements, what went wrong
 *      sqlite_vfs.c      the log's writes are gathered, one for a batch
 *      sqlite_scrub.c    what is written to the file has nothing in its gaps
 *      sqlite_schema.c   whose database it is, migrations
 *      sqlite_record.c   records to rows and back
 *      sqlite_person.c   likewise of people; finding users
 *      sqlite_line.c     which numbers have no line
 *      sqlite_read.c     loads
 *      sqlite_write.c    one commit, claim or purge inside the writer's transaction
 *      sqlite_erase.c    erasing a number, likewise
 *      sqlite_tally.c    what is counted per anybody who is no number
 *      sqlite_writer.c   the writer thread: batches, faults, cutting the log
 *      sqlite_keeper.c   the keeper thread: checkpoints, jobs
 *      sqlite_walk.c     its jobs: counts, pages, where a number is */
#ifndef STORE_SQLITE_PRIVATE_H
#define STORE_SQLITE_PRIVATE_H

#include "base/buf.h"
#include "base/list.h"
#include "core/history.h"
#include "store/shape.h"
#include "store/sqlite.h"

#include <limits.h>
#include <pthread.h>
#include <sqlite3.h>

/* --- a connection (sqlite_conn.c) ------------------------------------------------------------ */

/* What one does to the row of a record; the statements are made from the table's columns. */
enum verb {
	VERB_LOAD,   /* the whole row, by key */
	VERB_FIRST,  /* the first WALK_MAX whole rows in the order of keys */
	VERB_NEXT,   /* likewise behind a key */
	VERB_CHECK,  /* its version, by key */
	VERB_INSERT, /* does nothing when there is one */
	VERB_UPDATE, /* does nothing unless the version is the one before the new one */
	VERB_UPSERT, /* whatever there is */
	VERB_DELETE, /* does nothing unless the version is the one before the new one */
	VERB_ERASE,  /* whatever there is */
	VERBS,
};

/* The other statements. */
enum statement {
#define STATEMENT(name, sql) STATEMENT_##name,
#include "store/sqlite_statement.def"
#undef STATEMENT
	STATEMENTS,
};

/* Which buckets of numbers have lines (sqlite_line.c). */
struct line_buckets {
	bool known;          /* and still so in this transaction */
	uint64_t generation; /* of meta, when they were read */
	uint8_t some[BUCKETS / 8];
};

/* Belongs to one thread at a time. */
struct sqlite_conn {
	sqlite3 *db; /* owned; NULL: not open */
	sqlite3_stmt *records[RECORD_KINDS][VERBS];
	sqlite3_stmt *others[STATEMENTS];
	uint8_t history[2 * HISTORY_PACKED_MAX]; /* bound to a statement under way */
	struct line_buckets lines;
};

/* How long the database may be locked by another process before we give up. The writer waits while
 * an import commits; a reader only while another process recovers the log. */
#define BUSY_WRITE_MS 10000
#define BUSY_READ_MS 1000

enum conn_use {
	CONN_WRITE,
	CONN_IMPORT, /* writes, for a tool beside the server */
	CONN_KEEP,
	CONN_READ,
};

/* On failure nothing is open and *reterr says why, as db_fault does. */
MUST_CHECK enum err db_open(struct sqlite_conn *conn, const char *path, enum conn_use use,
                            struct problem *reterr);
/* What an SQLite result code means to an operator: ERR_STORE (not a database, damaged), ERR_BUSY,
 * ERR_NO_MEMORY, ERR_IO. */
enum err db_fault(struct sqlite_conn *conn, int rc, const char *path, struct problem *reterr);
void db_close(struct sqlite_conn *conn);
/* Prepared at first use; NULL when that fails (db_rc says why). */
sqlite3_stmt *db_record_statement(struct sqlite_conn *conn, enum change_kind kind, enum verb verb);
sqlite3_stmt *db_statement(struct sqlite_conn *conn, enum statement which);
/* Runs a statement that returns no row: SQLITE_DONE or what went wrong. */
int db_run(struct sqlite_conn *conn, enum statement which);
/* Runs SQL that is not prepared: SQLITE_OK or what went wrong. */
int db_exec(struct sqlite_conn *conn, const char *sql);
/* The one integer that `sql` answers. */
int db_integer(struct sqlite_conn *conn, const char *sql, int64_t *ret);
/* What the last call on this connection came to. */
int db_rc(struct sqlite_conn *conn);
/* Steps once and resets: SQLITE_DONE, SQLITE_ROW, or what went wrong. */
int statement_finish(sqlite3_stmt *statement);
/* The SQL of a record's statement, for those who prepare it. */
void record_sql(enum change_kind kind, enum verb verb, struct buf *ret);

/* Names the file system layer to open the database with; NULL: SQLite's own. */
const char *vfs_name(void);
/* Writes by the methods of `plain`, a page of a b-tree without what stands in its gap. */
int scrub_write(const sqlite3_io_methods *plain, sqlite3_file *file, const void *octets, int len,
                sqlite3_int64 at);

/* --- schema (sqlite_schema.c) ---------------------------------------------------------------- */

/* Lays the schema into a new database. */
MUST_CHECK enum err schema_make(struct sqlite_conn *conn, const char *path, struct problem *reterr);
/* Looks whose database it is and migrates it. Before that nothing of it is changed. */
MUST_CHECK enum err schema_prepare(struct sqlite_conn *conn, const char *path,
                                   struct problem *reterr);

/* Looks whose database it is, and whether this program knows its schema. Changes nothing. */
MUST_CHECK enum err schema_is_ours(struct sqlite_conn *conn, const char *path,
                                   struct problem *reterr);

MUST_CHECK enum err schema_version(struct sqlite_conn *conn, const char *path, unsigned *ret,
                                   struct problem *reterr);
/* This program's. */
extern const unsigned schema_newest;

/* --- files (sqlite_file.c) ------------------------------------------------------------------- */

/* A new database at `path` when there is none: made aside, and named when it is whole and on disk.
 * One that is there is not touched, nor opened: closing it would drop the locks that this process
 * may hold on it. ERR_STORE: it is empty, or only its log is there. */
MUST_CHECK enum err database_make(const char *path, struct problem *reterr);
/* Always ERR_STORE. */
enum err file_empty_refuse(const char *path, struct problem *reterr);
/* Makes an empty file in the folder of `path`, for its owner alone, to be published there. */
MUST_CHECK enum err file_aside_make(const char *path, char ret_aside[PATH_MAX],
                                    struct problem *reterr);
/* Syncs it, and gives it the name `path`, and the folder to disk. Another file of that name is
 * left alone: then *ret_taken. The old name goes in any case. */
MUST_CHECK enum err file_publish(const char *aside, const char *path, bool *ret_taken,
                                 struct problem *reterr);

/* --- the log as a file (sqlite_log_check.c) -------------------------------------------------- */

/* ERR_STORE: frames of the log of the database `path` are damaged, and commits that were on disk
 * stand behind them. Before anybody opens the database; beside those who have it open. */
MUST_CHECK enum err log_check(const char *path, struct problem *reterr);

/* --- records (sqlite_record.c, sqlite_person.c) ---------------------------------------------- */

/* The parameters of a statement, in order. */
struct binder {
	sqlite3_stmt *statement;
	int at;                   /* the last one bound */
	struct sqlite_conn *conn; /* of a whole record: whose scratch memory there is */
};
void bind_integer(struct binder *binder, int64_t value);
void bind_blob(struct binder *binder, const void *at, size_t len);
void bind_blob_if(struct binder *binder, bool given, const void *at, size_t len);
void bind_text(struct binder *binder, struct bytes text); /* absent: NULL */
/* For columns that are never NULL: absent is empty. */
void bind_text_given(struct binder *binder, struct bytes text);
void bind_id(struct binder *binder, const struct id *id);
void bind_place(struct binder *binder, const struct id *id);
void bind_number(struct binder *binder, const struct number *number);
void bind_number_if(struct binder *binder, const struct number *number); /* none: NULL */
void bind_moment_if(struct binder *binder, int64_t moment_ms);           /* 0: NULL */

/* The columns of a row, in order. Remembers the first thing that went wrong. */
struct columns {
	sqlite3_stmt *statement;
	int at; /* the next one */
	struct arena *arena;
	enum err err;
};
int64_t column_integer(struct columns *columns); /* NULL: 0 */
/* Borrowed from the statement until it steps. */
struct bytes column_peek(struct columns *columns);
struct bytes column_text(struct columns *columns);
/* Exactly `len` octets, or NULL (false). */
bool column_octets(struct columns *columns, void *ret, size_t len);
struct number column_number(struct columns *columns); /* NULL: none */

#define TABLE_COLUMNS_MAX 40

/* The table of a kind of record. Three things stand in the same order: its columns (the key first,
 * then the version if there is one), what binds them, what reads them. */
struct record_table {
	const char *name;
	int keys;
	int unique; /* so many of the keys tell rows apart; the others only say which one it is */
	const char *columns[TABLE_COLUMNS_MAX + 1];
	void (*bind_key)(struct binder *binder, const void *record);
	void (*bind)(struct binder *binder, const void *record); /* what follows the version */
	void (*read)(struct columns *columns, void *record);     /* all of it, into zeroed memory */
};
/* Of CHANGE_USER and the kinds behind it. */
const struct record_table *person_table(enum change_kind kind);

/* Binds the key of a record, and returns how many parameters that was. */
int record_bind_key(sqlite3_stmt *statement, enum change_kind kind, const void *record);
/* Binds all columns; the row's version becomes `version`. */
void record_bind(struct sqlite_conn *conn, sqlite3_stmt *statement, enum change_kind kind,
                 const void *record, uint64_t version);
/* The record of the row that `statement` (VERB_LOAD) stands on. ERR_NO_MEMORY; ERR_STORE when the
 * row makes no sense. */
MUST_CHECK enum err record_read(sqlite3_stmt *statement, enum change_kind kind, struct arena *arena,
                                void **ret);
/* The record with that key; *ret is NULL when there is none. */
MUST_CHECK enum err record_load(struct sqlite_conn *conn, enum change_kind kind, const void *key,
                                struct arena *arena, void **ret);
struct id statement_id(sqlite3_stmt *statement, int column);

/* --- handles --------------------------------------------------------------------------------- */

/* How far a purge has walked; a handle's own, so that each caller's walk is a whole one. */
struct purge_walk {
	int64_t before_ms, now_ms;
	int64_t place;  /* of the next verification */
	int64_t number; /* of the last budget */
	bool verifications_done, budgets_done;
};

struct sqlite_handle {
	struct store store;
	struct sqlite_store *sqlite; /* borrowed */
	struct executor *executor;   /* borrowed */
	struct list member;          /* in sqlite->handles */
	/* the owner's alone */
	struct sqlite_conn reader;
	struct task round;
	bool round_posted;
	struct task_list loads;   /* of this round */
	struct task_list writes;  /* of this round */
	struct task_list refused; /* answered at the end of this round */
	size_t writes_under_way;
	size_t under_way; /* calls of any kind not yet answered */
	/* under sqlite->lock */
	struct task_list queued;   /* for the writer */
	struct task_list answered; /* by the writer or the keeper */
	bool answer_posted;
	struct task answer;
	/* the writer's alone */
	struct purge_walk walk, walk_after;
};

/* A claim on its way: what was found waits here, in memory of its own, because the caller's arena
 * is for the caller's thread. */
struct sqlite_claim {
	struct task task;
	struct sqlite_handle *handle;
	struct store_claim *claim;
	struct arena arena;
	struct claimed claimed[CLAIM_MAX];
	size_t claimed_n;
	enum err err;
};

#define COUNT_KEYS 2

struct sqlite_count {
	struct task task;
	struct sqlite_handle *handle;
	struct store_count *count;
	unsigned table;                  /* which is being walked */
	sqlite3_value *last[COUNT_KEYS]; /* key of the last row counted; NULL: none yet */
};

/* Records wait here for the caller's thread, as those of a claim do. */
struct sqlite_walk {
	struct task task;
	struct sqlite_handle *handle;
	struct store_walk *walk;
	struct arena arena;
	void *found[WALK_MAX];
	size_t found_n;
	enum err err;
};

/* First the keeper's, then the writer's. */
struct sqlite_erase {
	struct task task;
	struct sqlite_handle *handle;
	struct store_erase *erase;
	struct arena arena;
	struct buf ids;   /* of verifications: ID_LEN octets each */
	size_t ids_found; /* by the keeper */
	int64_t next;     /* the next place it looks at */
	enum err err;
};

/* An event that was noted; its texts stand behind it. */
struct sqlite_note {
	struct task task;
	_Alignas(max_align_t) char event[];
};

/* How a call is answered, on its handle's thread; also says what kind of call a task is. */
void on_commit_answer(struct task *task);
void on_claim_answer(struct task *task);
void on_purge_answer(struct task *task);
void on_tally_answer(struct task *task);
void on_count_answer(struct task *task);
void on_walk_answer(struct task *task);
void on_erase_answer(struct task *task);

/* --- the store ------------------------------------------------------------------------------- */

struct batch_entry {
	struct sqlite_handle *handle;
	struct task *task;
};

struct sqlite_writer {
	struct sqlite_conn conn;
	pthread_t thread;
	bool started;
	struct batch_entry batch[SQLITE_BATCH_MAX];
	size_t batch_n;
	struct task_list notes; /* of this batch */
	int wal_frames;         /* after the last commit, as the hook tells */
	bool purged;            /* rows with numbers were deleted since the log was cut */
	bool doubtful;          /* a commit failed: open the database again first */
	bool told;              /* the log says that nothing can be written */
	struct problem fault;   /* why the last batch failed */
	bool full;              /* the disk was: make room first */
	int64_t retry_at_ms;    /* not opened again before */
	int64_t cut_at_ms;      /* the log is not cut before */
	int hard_frames;        /* where the writer checkpoints itself */
};

struct sqlite_keeper {
	struct sqlite_conn conn;
	pthread_t thread;
	bool started;
};

struct sqlite_store {
	char *directory; /* owned */
	char *path;      /* owned */
	int lock_fd;     /* -1: none */
	bool serve;
	_Atomic int64_t tell_at_ms; /* faults are not told before */
	unsigned schema_was;        /* when it was opened */
	int wal_pages;
	int64_t truncate_every_ms;
	struct sqlite_writer writer; /* the writer thread's, once it runs */
	struct sqlite_keeper keeper; /* the keeper thread's */

	pthread_mutex_t lock; /* for what follows */
	pthread_cond_t writer_wake;
	pthread_cond_t keeper_wake;
	struct list handles;
	struct problem fault; /* the last one */
	bool stopping;
	size_t queued_n; /* in all handles */
	struct task_list notes;
	size_t notes_n;
	struct task_list jobs; /* for the keeper */
	bool writer_busy;      /* inside a batch */
	bool keeper_busy;      /* moving the log */
	bool hold;             /* the keeper asks the writer to take no batch */
	int wal_frames;        /* in the log now */
	int wal_trigger;       /* from here on the keeper works */
	struct sqlite_stats stats;
};

static inline enum conn_use writer_use(const struct sqlite_store *sqlite)
{
	return sqlite->serve ? CONN_WRITE : CONN_IMPORT;
}

/* Moments of the monotonic clock. */
int64_t monotonic_us(void);
int64_t monotonic_ms(void);

/* sqlite.c: keeps what is wrong with the database, and tells the server's log, at most once a
 * second: whether it did. Takes the lock. */
bool fault_tell(struct sqlite_store *sqlite, const struct problem *problem);

/* sqlite.c: hands an answer to its handle's thread. Takes the lock. */
void handle_answer(struct sqlite_handle *handle, struct task *task);
/* Hands a call that was the keeper's to the writer. Takes the lock. */
void handle_write(struct sqlite_handle *handle, struct task *task);

/* sqlite_person.c: users by anything but their id, as struct load_source asks for them. */
struct user *person_find(struct sqlite_conn *conn, struct store_load *load, enum user_by by,
                         struct bytes key);
size_t person_holders(struct sqlite_conn *conn, struct store_load *load,
                      struct user *ret[HOLDERS_MAX], bool *ret_more);

/* sqlite_line.c */
/* At the beginning of each transaction. */
void lines_remember(struct sqlite_conn *conn);
/* When a line was written, or may have been, in this transaction. */
void lines_forget(struct sqlite_conn *conn);
/* False: there is no row with this key. */
bool line_may_be(const struct sqlite_conn *conn, const struct line *line);

/* sqlite_read.c */
/* The live verification of a slot. ERR_STORE. */
MUST_CHECK enum err slot_holder(struct sqlite_conn *conn, struct bytes tenant, enum purpose purpose,
                                struct bytes slot, struct id *ret, bool *ret_found);
void read_round(struct sqlite_handle *handle, struct task_list *loads);
MUST_CHECK enum err read_generation(struct sqlite_conn *conn, uint64_t *ret);

/* sqlite_write.c: inside the writer's transaction. */
enum write_result {
	WRITE_OK,     /* carried out, or refused with nothing written: the call's err says which */
	WRITE_REPLAY, /* refused after something was written: undo the whole batch */
	WRITE_FAILED, /* the database failed: db_rc says how */
};
/* `alone`: inside a savepoint, so that it is never WRITE_REPLAY. */
enum write_result write_commit(struct sqlite_conn *conn, struct store_commit *commit, bool alone);
enum write_result write_note(struct sqlite_conn *conn, const struct event *event);
enum write_result write_claim(struct sqlite_conn *conn, struct sqlite_claim *claim);
/* sqlite_tally.c */
enum write_result write_tally(struct sqlite_conn *conn, struct store_tally *tally);
enum write_result write_purge(struct sqlite_conn *conn, struct sqlite_handle *handle,
                              struct store_purge *purge);

/* sqlite_person.c. Whether a user may have his name, uuid and phone: *reterr when somebody else has
 * one of them who is not changed by this commit too. *ret_release is set when somebody has who is:
 * then all users that the commit changes must let go of theirs before they are written. */
enum write_result person_check(struct sqlite_conn *conn, const struct store_commit *commit,
                               const struct user *user, bool *ret_release, enum err *reterr);
enum write_result person_release(struct sqlite_conn *conn, const struct store_commit *commit);
/* Deletes the keys and sessions that name the user. */
enum write_result person_forget(struct sqlite_conn *conn, const struct user *user);

/* sqlite_erase.c */
enum write_result write_erase(struct sqlite_conn *conn, struct sqlite_erase *erase);

/* sqlite_walk.c: one step of a job; true when it was handed on. */
bool job_step(struct sqlite_store *sqlite, struct task *job);
void count_forget(struct sqlite_count *count);

/* sqlite_writer.c, sqlite_keeper.c */
MUST_CHECK enum err writer_start(struct sqlite_store *sqlite, struct problem *reterr);
MUST_CHECK enum err keeper_start(struct sqlite_store *sqlite, struct problem *reterr);
/* Ends the thread, then its connection. `stopping` is set before. */
void writer_stop(struct sqlite_store *sqlite);
void keeper_stop(struct sqlite_store *sqlite);
/* A thread without signals, with a name. */
MUST_CHECK enum err thread_begin(pthread_t *ret, const char *name, void *(*main)(void *),
                                 void *about);

#endif
