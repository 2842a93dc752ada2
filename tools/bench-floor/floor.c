/* The floor of metastore-bench: what the store's own statements cost in plain C, on this machine, in this run.
 *
 * It works on a store's database (`metastore-bench fill` makes one) and leaves one that verifies: head row, row
 * hashes, digests, log row and chain are the store's own, with its pragmas and its checkpoints. A commit is BEGIN
 * IMMEDIATE, the head row, the record's statements, the log row with its link (SHA-256), the head row again and COMMIT
 * with one flush. "put.plain" does so in a loop; "put" hands every commit to a second thread and waits for the answer.
 */
#include "clients.h"
#include "reads.h"
#include "watching.h"
#include <sys/stat.h>

static struct {
    const char *work, *path;
    double seconds;
    int64_t count, first, per_trial;
    int clients, batch;
    bool is_without_log, is_plain;
} request = {.seconds = 5, .count = 1000, .first = 1, .per_trial = 1000, .clients = 1, .batch = BATCH_MOST};

static int note_pages(void *context, sqlite3 *database, const char *name, int pages) {
    (void)database, (void)name;
    ((store *)context)->pages = pages;
    return SQLITE_OK;
}

static void execute(const char *text) {
    if (sqlite3_exec(the_store.database, text, NULL, NULL, NULL) != SQLITE_OK) fail(the_store.database, text);
}

static void open_store(const char *path, bool is_reader) {
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    flags |= is_reader ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    if (sqlite3_open_v2(path, &the_store.database, flags, NULL) != SQLITE_OK) fail(the_store.database, path);
    const int on[] = {
        SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, SQLITE_DBCONFIG_DEFENSIVE, SQLITE_DBCONFIG_ENABLE_FKEY,
        SQLITE_DBCONFIG_ENABLE_QPSG,
    };
    for (int i = 0; i < 4; i++) sqlite3_db_config(the_store.database, on[i], 1, NULL);
    sqlite3_db_config(the_store.database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    execute("PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384");
    if (!is_reader) execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = FAST");
    /* Metric summaries are the store's own; here they are left to a backfill that rests. */
    if (!is_reader) {
        execute("DELETE FROM trial_summaries; UPDATE backfills SET state = 2, trial = 0, "
                "first_new_trial = (SELECT next_trial FROM head) + 1000000000, filling_trial = NULL");
    }
    sqlite3_wal_hook(the_store.database, note_pages, &the_store);
    for (int i = 0; i < STATEMENTS; i++) {
        if (sqlite3_prepare_v3(the_store.database, statement_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                &the_store.statements[i], NULL) != SQLITE_OK) fail(the_store.database, statement_texts[i]);
    }
}

static void close_store(void) {
    for (int i = 0; i < STATEMENTS; i++) sqlite3_finalize(the_store.statements[i]);
    if (!sqlite3_db_readonly(the_store.database, "main")) {
        sqlite3_wal_checkpoint_v2(the_store.database, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    }
    sqlite3_close(the_store.database);
}

/* Workloads of one trial after another, 1,000 reports a revision and a transaction. */
static void measure_load(void) {
    struct stat before, after;
    char more[64];
    if (stat(request.path, &before)) fail(NULL, request.path);
    int64_t began = now_nanoseconds();
    for (int64_t done = 0; done < request.count; done += request.per_trial) {
        begin_batch(&the_store);
        int64_t count = request.count - done < request.per_trial ? request.count - done : request.per_trial;
        report_workloads(&the_store, request.first + done / request.per_trial, 0, (int)count);
        end_batch(&the_store);
    }
    double seconds = (double)(now_nanoseconds() - began) / 1e9;
    sqlite3_wal_checkpoint_v2(the_store.database, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    if (stat(request.path, &after)) fail(NULL, request.path);
    snprintf(more, sizeof more, ",\"bytes_per_row\":%.1f",
        (double)(after.st_size - before.st_size) / (double)request.count);
    print_figures(request.is_without_log ? "load.without-log" : "load", 1, (size_t)request.count, seconds, NULL, more);
}

static long resident_kib(void) {
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%*d %ld", &pages) != 1) fail(NULL, "/proc/self/statm");
    fclose(file);
    return pages * 4;
}

/* From nothing to the first answer. */
static void measure_opening(void) {
    char more[64];
    latencies times = {0};
    int64_t began = now_nanoseconds();
    open_store(request.path, true);
    load_head(&the_store);
    trial found = read_trial(&the_store, request.first);
    add_time(&times, now_nanoseconds() - began);
    free_trial(&found);
    snprintf(more, sizeof more, ",\"resident_kib\":%ld", resident_kib());
    print_figures("open", 1, 1, 0, &times, more);
}

static void measure_writes(enum write write) {
    char name[64];
    begin_batch(&the_store);
    run(&the_store, COMMIT);
    the_plan = (plan){write, request.clients, request.batch, request.first, the_store.head.revision, request.seconds};
    snprintf(name, sizeof name, "%s%s%s%s", request.work, request.is_plain ? ".plain" : "",
        request.batch == 1 && request.clients > 1 ? ".one-by-one" : "", request.is_without_log ? ".without-log" : "");
    if (request.is_plain) measure_plain(name); else measure_clients(name);
}

static void write_put(void) { measure_writes(PUT); }
static void write_report(void) { measure_writes(REPORT); }
static void write_transition(void) { measure_writes(TRANSITION); }
static void write_watch(void) {
    the_plan = (plan){.write = PUT, .clients = 1, .batch = 1};
    begin_batch(&the_store);
    run(&the_store, COMMIT);
    the_plan.base = the_store.head.revision;
    measure_watching(request.count);
}
static void read_points(void) { measure_points(&the_store, request.first, request.count, request.seconds); }
static void read_first_page(void) {
    measure_list(&the_store, "page", LIST_PAGE, 0, 0, request.seconds);
}
static void read_deep_page(void) {
    measure_list(&the_store, "page.deep", LIST_PAGE, request.first, 0, request.seconds);
}
static void read_trial_workloads(void) {
    measure_list(&the_store, "workloads", LIST_WORKLOADS, request.first, request.count, request.seconds);
}
static void read_best_trial(void) {
    measure_list(&the_store, "best", LIST_BEST, request.first, 0, request.seconds);
}
static void read_log(void) { measure_catch_up(&the_store, request.first); }

static const struct {
    const char *name;
    void (*measure)(void);
    bool is_reader;
} works[] = {
    {"put", write_put, false}, {"report", write_report, false}, {"transition", write_transition, false},
    {"load", measure_load, false}, {"watch", write_watch, false}, {"read", read_points, true},
    {"page", read_first_page, true}, {"page.deep", read_deep_page, true}, {"workloads", read_trial_workloads, true},
    {"best", read_best_trial, true}, {"catch-up", read_log, true}, {"open", measure_opening, true},
};
enum { WORKS = sizeof works / sizeof *works };

static void usage(void) {
    fputs("usage: floor WORK --path FILE [options]\n"
        "\n"
        "  put, report, transition   durable commits, for --seconds; --first: the first client's trial\n"
        "    --clients N             threads that commit at once (1)\n"
        "    --batch N               how many a transaction takes at most (256); 1: one by one\n"
        "    --plain                 a loop without a second thread\n"
        "  load                      --count workloads, 1,000 a trial from --first on, a revision a trial\n"
        "  watch                     --count commits of an entry, and a thread that waits for them\n"
        "  read                      --count trials from --first on, for --seconds\n"
        "  page, page.deep           50 experiments; the deep page is the one before id --first\n"
        "  workloads, best           --count workloads of trial --first; the best trial of experiment --first\n"
        "  catch-up                  the log's rows after revision --first\n"
        "  open                      the time to the first trial, --first\n"
        "  --without-log             writes leave out the log row and its link\n"
        "  --path FILE               a store's database that nobody has open: metastore-bench fill makes one\n"
        "  --seconds S               how long (5)\n",
        stderr);
    exit(64);
}

static void read_request(int count, char **arguments) {
    if (count < 2) usage();
    request.work = arguments[1];
    for (int i = 2; i < count; i++) {
        const char *name = arguments[i];
        if (!strcmp(name, "--plain")) request.is_plain = true;
        else if (!strcmp(name, "--without-log")) request.is_without_log = true;
        else if (++i == count) usage();
        else if (!strcmp(name, "--path")) request.path = arguments[i];
        else if (!strcmp(name, "--seconds")) request.seconds = atof(arguments[i]);
        else if (!strcmp(name, "--clients")) request.clients = atoi(arguments[i]);
        else if (!strcmp(name, "--batch")) request.batch = atoi(arguments[i]);
        else if (!strcmp(name, "--count")) request.count = atoll(arguments[i]);
        else if (!strcmp(name, "--first")) request.first = atoll(arguments[i]);
        else usage();
    }
    if (!request.path || request.seconds <= 0 || request.count < 1 || request.clients < 1 ||
        request.clients > CLIENTS_MOST || request.batch < 1 || request.batch > BATCH_MOST) usage();
}

int main(int count, char **arguments) {
    read_request(count, arguments);
    int index = 0;
    while (index < WORKS && strcmp(request.work, works[index].name)) index++;
    if (index == WORKS) usage();
    sha256_choose();
    the_store.is_without_log = request.is_without_log;
    if (works[index].measure != measure_opening) open_store(request.path, works[index].is_reader);
    works[index].measure();
    close_store();
    return 0;
}
