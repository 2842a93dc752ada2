/* The reads that are measured, each inside one read transaction: the store's statements, every column taken over. */
#ifndef READS_H
#define READS_H

#include "figures.h"
#include "records.h"

/* Keeps the compiler from leaving out what nobody looks at. */
static volatile int64_t looked_at;

static void begin_read(store *store) { sqlite3_exec(store->database, "BEGIN", NULL, NULL, NULL); }
static void end_read(store *store) { sqlite3_exec(store->database, "COMMIT", NULL, NULL, NULL); }

/* Trials by their primary key, in an order that jumps about. */
static void measure_points(store *store, int64_t first, int64_t count, double seconds) {
    int64_t began = now_nanoseconds(), end = began + (int64_t)(seconds * 1e9), number = 0;
    begin_read(store);
    for (; !number || number % 64 || now_nanoseconds() < end; number++) {
        trial found = read_trial(store, first + number * 7919 % count);
        looked_at += found.seed;
        free_trial(&found);
    }
    end_read(store);
    double took = (double)(now_nanoseconds() - began) / 1e9;
    print_figures("read", 1, (size_t)number, took, NULL, "");
}

enum { PAGE_ROWS = 50 };

/* A page newest first, one row more to know of the next page, and the head for the page's position. */
static void read_page(store *store, int64_t before) {
    enum statement statement = before ? PAGE : FIRST_PAGE;
    sqlite3_stmt *s = store->statements[statement];
    experiment found[PAGE_ROWS + 1];
    int count = 0;
    if (before) bind(s, 1, before);
    bind(s, before ? 2 : 1, PAGE_ROWS + 1);
    while (count <= PAGE_ROWS && step(store, statement)) found[count++] = experiment_row(s);
    reset(store, statement);
    load_head(store);
    for (int i = 0; i < count; i++) {
        looked_at += found[i].id;
        free_experiment(&found[i]);
    }
}

static void read_workloads(store *store, int64_t trial_id, int64_t most) {
    sqlite3_stmt *s = store->statements[WORKLOADS];
    workload *found = malloc((size_t)(most + 1) * sizeof *found);
    int64_t count = 0;
    if (!found) fail(NULL, "workloads");
    bind(s, 1, trial_id);
    bind(s, 2, most + 1);
    while (count <= most && step(store, WORKLOADS)) found[count++] = workload_row(s);
    reset(store, WORKLOADS);
    load_head(store);
    for (int64_t i = 0; i < count; i++) {
        looked_at += (int64_t)found[i].metric_count;
        free(found[i].text.bytes);
    }
    free(found);
}

static void read_best(store *store, int64_t experiment_id) {
    bind(store->statements[BEST], 1, experiment_id);
    if (!step(store, BEST)) fail(store->database, "no best trial");
    trial found = trial_row(store->statements[BEST]);
    reset(store, BEST);
    looked_at += found.id;
    free_trial(&found);
}

enum list { LIST_PAGE, LIST_WORKLOADS, LIST_BEST };

static void measure_list(store *store, const char *name, enum list list, int64_t id, int64_t most, double seconds) {
    latencies times = {0};
    int64_t began = now_nanoseconds(), before = began, end = began + (int64_t)(seconds * 1e9);
    begin_read(store);
    do {
        switch (list) {
        case LIST_PAGE: read_page(store, id); break;
        case LIST_WORKLOADS: read_workloads(store, id, most); break;
        case LIST_BEST: read_best(store, id); break;
        }
        int64_t after = now_nanoseconds();
        add_time(&times, after - before);
        before = after;
    } while (before < end);
    end_read(store);
    print_figures(name, 1, times.count, (double)(before - began) / 1e9, &times, "");
}

/* Revision and body of every log row after one, in batches of 1,000. */
static void measure_catch_up(store *store, int64_t after) {
    sqlite3_stmt *s = store->statements[LOG_ROWS];
    int64_t began = now_nanoseconds(), count = 0;
    begin_read(store);
    for (bool is_more = true; is_more;) {
        is_more = false;
        bind(s, 1, after);
        while (step(store, LOG_ROWS)) {
            after = sqlite3_column_int64(s, 0);
            const unsigned char *body = sqlite3_column_blob(s, 1);
            looked_at += body[sqlite3_column_bytes(s, 1) - 1];
            count++;
            is_more = true;
        }
        reset(store, LOG_ROWS);
    }
    end_read(store);
    print_figures("catch-up", 1, (size_t)count, (double)(now_nanoseconds() - began) / 1e9, NULL, "");
}

#endif
