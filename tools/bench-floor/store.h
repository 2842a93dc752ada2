/* The store's statements, in plain C: prepared once, the same texts, in the same order. */
#ifndef STORE_H
#define STORE_H

#include "encoding.h"
#include <sqlite3.h>
#include <stdbool.h>
#include <time.h>

enum { KIND_TRIAL = 2, KIND_WORKLOAD = 3, KIND_KEY_VALUE = 15, KIND_CLUSTER = 20, KINDS = 20, COUNTERS = 8 };
enum { COUNTER_WORKLOAD = 2, CHECKPOINT_PAGES = 4000 };

enum statement {
    BEGIN, COMMIT, SAVEPOINT, RELEASE, HEAD, SAVE_HEAD, LOG, ENTRY, ADD_ENTRY, TRIAL, WORKLOAD, LIVE_WORKLOAD,
    ADD_WORKLOAD, REPORT_TRIAL, MOVE_TRIAL, FIRST_PAGE, PAGE, WORKLOADS, BEST, LOG_ROWS, STATEMENTS
};

#define TRIAL_COLUMNS \
    "created_revision, revision, id, experiment, request_id, state, hparams, seed, warm_start, restarts, " \
    "generation, total_batches, best_validation, latest_validation, best_metric, best_total_batches, start_time, " \
    "end_time, last_activity"
#define WORKLOAD_COLUMNS \
    "created_revision, revision, id, experiment, trial, generation, step, kind, state, total_batches, metrics, " \
    "metrics_document, searcher_metric, is_rolled_back, start_time, end_time"
#define EXPERIMENT_COLUMNS \
    "created_revision, revision, id, state, name, config, labels, notes, owner, is_archived, parent, priority, pool, " \
    "progress, metric, smaller_is_better, keep_experiment_best, keep_trial_best, keep_trial_latest, external_id, " \
    "model_definition, start_time, end_time"

static const char *const statement_texts[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [SAVEPOINT] = "SAVEPOINT closure",
    [RELEASE] = "RELEASE closure",
    [HEAD] = "SELECT cluster, epoch, epoch_nonce, revision, compacted_revision, chain, time, schema_version, digests, "
        "clean, next_experiment, next_trial, next_workload, next_checkpoint, next_task, next_allocation, "
        "next_container, next_lease, compacted_chain, log_bytes, batches FROM head WHERE id = 1",
    [SAVE_HEAD] = "UPDATE head SET epoch = ?1, epoch_nonce = ?2, revision = ?3, chain = ?4, time = ?5, "
        "schema_version = ?6, digests = ?7, clean = ?8, compacted_revision = ?9, next_experiment = ?10, "
        "next_trial = ?11, next_workload = ?12, next_checkpoint = ?13, next_task = ?14, next_allocation = ?15, "
        "next_container = ?16, next_lease = ?17, compacted_chain = ?18, log_bytes = ?19, batches = ?20 WHERE id = 1",
    [LOG] = "INSERT INTO log (revision, epoch, epoch_nonce, time, schema_version, actor, operation, consumer, "
        "consumer_revision, kinds, encoding, body, chain) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, "
        "?13)",
    [ENTRY] = "SELECT created_revision, revision, namespace, key, value, lease FROM key_value WHERE namespace = ?1 "
        "AND key = ?2",
    [ADD_ENTRY] = "INSERT INTO key_value (created_revision, revision, namespace, key, value, lease, row_hash) VALUES "
        "(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [TRIAL] = "SELECT " TRIAL_COLUMNS " FROM trials WHERE id = ?1",
    [WORKLOAD] = "SELECT " WORKLOAD_COLUMNS " FROM workloads WHERE trial = ?1 AND step = ?2 AND kind = ?3 AND "
        "generation = ?4",
    [LIVE_WORKLOAD] = "SELECT generation FROM workloads WHERE trial = ?1 AND step = ?2 AND kind = ?3 AND "
        "is_rolled_back = 0 LIMIT 1",
    [ADD_WORKLOAD] = "INSERT INTO workloads (" WORKLOAD_COLUMNS ", row_hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, "
        "?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
    [REPORT_TRIAL] = "UPDATE trials SET revision = ?1, total_batches = ?2, last_activity = ?3, row_hash = ?4 "
        "WHERE id = ?5",
    [MOVE_TRIAL] = "UPDATE trials SET revision = ?1, state = ?2, row_hash = ?3 WHERE id = ?4",
    [FIRST_PAGE] = "SELECT " EXPERIMENT_COLUMNS " FROM experiments WHERE id > 0 ORDER BY id DESC LIMIT ?1",
    [PAGE] = "SELECT " EXPERIMENT_COLUMNS " FROM experiments WHERE id > 0 AND id < ?1 ORDER BY id DESC LIMIT ?2",
    [WORKLOADS] = "SELECT " WORKLOAD_COLUMNS " FROM workloads WHERE trial = ?1 ORDER BY step, kind, generation "
        "LIMIT ?2",
    [BEST] = "SELECT " TRIAL_COLUMNS " FROM trials WHERE experiment = ?1 AND best_order IS NOT NULL "
        "ORDER BY best_order, best_total_batches, request_id LIMIT 1",
    [LOG_ROWS] = "SELECT revision, body FROM log WHERE revision > ?1 ORDER BY revision LIMIT 1000",
};

typedef struct {
    unsigned char cluster[16], chain[32], compacted_chain[32];
    int64_t epoch, nonce, revision, compacted, time, schema, clean, log_bytes, batches, counters[COUNTERS];
    row_hash digests[KINDS];
} head;


typedef struct {
    sqlite3 *database;
    sqlite3_stmt *statements[STATEMENTS];
    head head;
    int64_t time;
    int pages, pages_tried;
    bool is_without_log;
} store;

static void fail(sqlite3 *database, const char *what) {
    fprintf(stderr, "floor: %s: %s\n", what, database ? sqlite3_errmsg(database) : "out of memory");
    exit(1);
}

static int64_t wall_microseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}

static int64_t now_nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static inline void bind(sqlite3_stmt *s, int at, int64_t number) { sqlite3_bind_int64(s, at, number); }
static inline void bind_blob(sqlite3_stmt *s, int at, const void *bytes, size_t count) {
    sqlite3_bind_blob(s, at, bytes, (int)count, SQLITE_STATIC);
}
static inline void bind_text(sqlite3_stmt *s, int at, const char *text, size_t count) {
    sqlite3_bind_text(s, at, text, (int)count, SQLITE_STATIC);
}

/* True when it stands on a row; the caller resets it. */
static inline bool step(store *store, enum statement statement) {
    int result = sqlite3_step(store->statements[statement]);
    if (result != SQLITE_ROW && result != SQLITE_DONE) fail(store->database, statement_texts[statement]);
    return result == SQLITE_ROW;
}

static inline void reset(store *store, enum statement statement) {
    sqlite3_reset(store->statements[statement]);
    sqlite3_clear_bindings(store->statements[statement]);
}

static inline void run(store *store, enum statement statement) {
    step(store, statement);
    reset(store, statement);
}

static void load_head(store *store) {
    sqlite3_stmt *s = store->statements[HEAD];
    head *h = &store->head;
    if (!step(store, HEAD)) fail(store->database, "no head row");
    memcpy(h->cluster, sqlite3_column_blob(s, 0), 16);
    h->epoch = sqlite3_column_int64(s, 1);
    h->nonce = sqlite3_column_int64(s, 2);
    h->revision = sqlite3_column_int64(s, 3);
    h->compacted = sqlite3_column_int64(s, 4);
    memcpy(h->chain, sqlite3_column_blob(s, 5), 32);
    h->time = sqlite3_column_int64(s, 6);
    h->schema = sqlite3_column_int64(s, 7);
    const unsigned char *sums = sqlite3_column_blob(s, 8);
    for (int kind = 0; kind < KINDS; kind++) {
        row_hash sum = 0;
        for (int i = 0; i < 16; i++) sum = sum << 8 | sums[16 * kind + i];
        h->digests[kind] = sum;
    }
    h->clean = sqlite3_column_int64(s, 9);
    for (int i = 0; i < COUNTERS; i++) h->counters[i] = sqlite3_column_int64(s, 10 + i);
    memcpy(h->compacted_chain, sqlite3_column_blob(s, 18), 32);
    h->log_bytes = sqlite3_column_int64(s, 19);
    h->batches = sqlite3_column_int64(s, 20);
    reset(store, HEAD);
    int64_t now = wall_microseconds();
    store->time = now > h->time ? now : h->time;
}

static void save_head(store *store) {
    sqlite3_stmt *s = store->statements[SAVE_HEAD];
    head *h = &store->head;
    unsigned char sums[16 * KINDS];
    for (int kind = 0; kind < KINDS; kind++) {
        for (int i = 0; i < 16; i++) sums[16 * kind + i] = (unsigned char)(h->digests[kind] >> (120 - 8 * i));
    }
    h->batches++;
    const int64_t first[] = {h->epoch, h->nonce, h->revision};
    for (int i = 0; i < 3; i++) bind(s, 1 + i, first[i]);
    bind_blob(s, 4, h->chain, 32);
    bind(s, 5, h->time);
    bind(s, 6, h->schema);
    bind_blob(s, 7, sums, sizeof sums);
    bind(s, 8, h->clean);
    bind(s, 9, h->compacted);
    for (int i = 0; i < COUNTERS; i++) bind(s, 10 + i, h->counters[i]);
    bind_blob(s, 18, h->compacted_chain, 32);
    bind(s, 19, h->log_bytes);
    bind(s, 20, h->batches);
    run(store, SAVE_HEAD);
}

static void begin_batch(store *store) {
    run(store, BEGIN);
    load_head(store);
}

static void end_batch(store *store) {
    save_head(store);
    run(store, COMMIT);
    if (store->pages < store->pages_tried) store->pages_tried = 0;
    if (store->pages - store->pages_tried < CHECKPOINT_PAGES) return;
    sqlite3_wal_checkpoint_v2(store->database, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    store->pages_tried = store->pages;
}

/* The log row of one revision whose body is complete, and the chain; without the log only the revision. */
static void append_log(store *store, const buffer *body, uint64_t kinds) {
    head *h = &store->head;
    sqlite3_stmt *s = store->statements[LOG];
    static buffer header;
    h->time = store->time;
    if (store->is_without_log) {
        h->revision++;
        return;
    }
    header.count = 0;
    put_number(&header, (uint64_t)h->revision + 1);
    put_number(&header, (uint64_t)h->epoch);
    put_fixed(&header, (uint64_t)h->nonce);
    put_fixed(&header, (uint64_t)store->time);
    put_number(&header, (uint64_t)h->schema);
    put_blob(&header, "bench", 5);
    put_byte(&header, 0);
    put_byte(&header, 0);
    put_fixed(&header, kinds);
    sha256 hash;
    sha256_begin(&hash);
    sha256_add(&hash, h->chain, 32);
    sha256_add(&hash, header.bytes, header.count);
    sha256_add(&hash, body->bytes, body->count);
    sha256_end(&hash, h->chain);
    h->revision++;
    h->log_bytes += (int64_t)body->count + 120;
    const int64_t first[] = {h->revision, h->epoch, h->nonce, store->time, h->schema};
    for (int i = 0; i < 5; i++) bind(s, 1 + i, first[i]);
    bind_text(s, 6, "bench", 5);
    bind(s, 10, (int64_t)kinds);
    bind(s, 11, 0);
    bind_blob(s, 12, body->bytes, body->count);
    bind_blob(s, 13, h->chain, 32);
    run(store, LOG);
}

static void begin_body(buffer *body, int changes, int counter, int64_t next) {
    body->count = 0;
    put_byte(body, 1);
    put_number(body, counter >= 0);
    if (counter >= 0) {
        put_byte(body, (unsigned char)(counter + 1));
        put_signed(body, next);
    }
    put_byte(body, 0);
    put_number(body, (uint64_t)changes);
}

static void add_change(buffer *body, int kind, int operation, const char *key, const buffer *after, const buffer *old) {
    put_byte(body, (unsigned char)kind);
    put_byte(body, (unsigned char)operation);
    put_blob(body, key, strlen(key));
    put_blob(body, after->bytes, after->count);
    put_blob(body, old ? old->bytes : NULL, old ? old->count : 0);
}

static void digest(store *store, int kind, row_hash before, row_hash after) {
    store->head.digests[kind - 1] += after - before;
}

#endif
