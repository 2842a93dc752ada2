/* Typed records as C structs: every column of a row taken over, texts copied, so that they outlive their row. */
#ifndef RECORDS_H
#define RECORDS_H

#include "store.h"

typedef struct {
    bool is_there;
    int64_t number;
} optional;

typedef struct {
    size_t count;
    char *bytes;
} text;

typedef struct {
    int64_t created, revision, id, experiment, state, seed, restarts, generation, total_batches, start;
    optional best_validation, latest_validation, best_total_batches, end, activity;
    unsigned char request[16], warm_start[16];
    bool has_warm_start, has_best_metric;
    double best_metric;
    text hparams;
} trial;

typedef struct {
    int64_t created, revision, id, state, is_archived, priority, smaller_is_better, keep[3], start;
    optional parent, end;
    unsigned char config[32], model_definition[32];
    bool has_progress, has_model_definition;
    double progress;
    text name, labels, notes, owner, pool, metric, external_id;
} experiment;

typedef struct {
    const char *name;
    size_t name_count;
    double value;
} metric;

enum { METRICS_MOST = 64 };

typedef struct {
    int64_t created, revision, id, experiment, trial, generation, step, kind, state, total_batches, is_rolled_back,
        start;
    optional end;
    unsigned char document[32];
    bool has_document, has_searcher_metric;
    double searcher_metric;
    text text;
    size_t metric_count;
    metric metrics[METRICS_MOST];
} workload;

static optional optional_column(sqlite3_stmt *s, int at) {
    optional found = {sqlite3_column_type(s, at) != SQLITE_NULL, 0};
    if (found.is_there) found.number = sqlite3_column_int64(s, at);
    return found;
}

static text text_column(sqlite3_stmt *s, int at) {
    const void *bytes = sqlite3_column_blob(s, at);
    text found = {(size_t)sqlite3_column_bytes(s, at), NULL};
    found.bytes = malloc(found.count + 1);
    if (!found.bytes) fail(NULL, "a text");
    if (found.count) memcpy(found.bytes, bytes, found.count);
    found.bytes[found.count] = 0;
    return found;
}

static bool bytes_column(sqlite3_stmt *s, int at, void *into, size_t count) {
    const void *bytes = sqlite3_column_blob(s, at);
    if (!bytes || (size_t)sqlite3_column_bytes(s, at) != count) return false;
    memcpy(into, bytes, count);
    return true;
}

static bool real_column(sqlite3_stmt *s, int at, double *into) {
    if (sqlite3_column_type(s, at) == SQLITE_NULL) return false;
    *into = sqlite3_column_double(s, at);
    return true;
}

static trial trial_row(sqlite3_stmt *s) {
    trial t;
    t.created = sqlite3_column_int64(s, 0);
    t.revision = sqlite3_column_int64(s, 1);
    t.id = sqlite3_column_int64(s, 2);
    t.experiment = sqlite3_column_int64(s, 3);
    if (!bytes_column(s, 4, t.request, 16)) fail(NULL, "a request id");
    t.state = sqlite3_column_int64(s, 5);
    t.hparams = text_column(s, 6);
    t.seed = sqlite3_column_int64(s, 7);
    t.has_warm_start = bytes_column(s, 8, t.warm_start, 16);
    t.restarts = sqlite3_column_int64(s, 9);
    t.generation = sqlite3_column_int64(s, 10);
    t.total_batches = sqlite3_column_int64(s, 11);
    t.best_validation = optional_column(s, 12);
    t.latest_validation = optional_column(s, 13);
    t.has_best_metric = real_column(s, 14, &t.best_metric);
    t.best_total_batches = optional_column(s, 15);
    t.start = sqlite3_column_int64(s, 16);
    t.end = optional_column(s, 17);
    t.activity = optional_column(s, 18);
    return t;
}

static void free_trial(trial *t) { free(t->hparams.bytes); }

static trial read_trial(store *store, int64_t id) {
    bind(store->statements[TRIAL], 1, id);
    if (!step(store, TRIAL)) fail(store->database, "no such trial");
    trial found = trial_row(store->statements[TRIAL]);
    reset(store, TRIAL);
    return found;
}

static experiment experiment_row(sqlite3_stmt *s) {
    experiment e;
    e.created = sqlite3_column_int64(s, 0);
    e.revision = sqlite3_column_int64(s, 1);
    e.id = sqlite3_column_int64(s, 2);
    e.state = sqlite3_column_int64(s, 3);
    e.name = text_column(s, 4);
    if (!bytes_column(s, 5, e.config, 32)) fail(NULL, "a configuration's hash");
    e.labels = text_column(s, 6);
    e.notes = text_column(s, 7);
    e.owner = text_column(s, 8);
    e.is_archived = sqlite3_column_int64(s, 9);
    e.parent = optional_column(s, 10);
    e.priority = sqlite3_column_int64(s, 11);
    e.pool = text_column(s, 12);
    e.has_progress = real_column(s, 13, &e.progress);
    e.metric = text_column(s, 14);
    e.smaller_is_better = sqlite3_column_int64(s, 15);
    for (int i = 0; i < 3; i++) e.keep[i] = sqlite3_column_int64(s, 16 + i);
    e.external_id = text_column(s, 19);
    e.has_model_definition = bytes_column(s, 20, e.model_definition, 32);
    e.start = sqlite3_column_int64(s, 21);
    e.end = optional_column(s, 22);
    return e;
}

static void free_experiment(experiment *e) {
    char *const texts[] = {
        e->name.bytes, e->labels.bytes, e->notes.bytes, e->owner.bytes, e->pool.bytes, e->metric.bytes,
        e->external_id.bytes,
    };
    for (int i = 0; i < 7; i++) free(texts[i]);
}

/* A flat parser: names and numbers of canonical JSON, {"name":1.5,…}, without escapes. */
static void parse_metrics(workload *w) {
    const char *at = w->text.bytes;
    w->metric_count = 0;
    if (*at++ != '{') return;
    while (*at == '"' && w->metric_count < METRICS_MOST) {
        metric *found = &w->metrics[w->metric_count++];
        const char *name = at + 1, *end = strchr(name, '"');
        if (!end || end[1] != ':') fail(NULL, "metrics of another form");
        found->name = name;
        found->name_count = (size_t)(end - name);
        char *after;
        found->value = strtod(end + 2, &after);
        at = after + (*after == ',');
    }
    if (*at != '}') fail(NULL, "metrics of another form");
}

static workload workload_row(sqlite3_stmt *s) {
    workload w;
    w.created = sqlite3_column_int64(s, 0);
    w.revision = sqlite3_column_int64(s, 1);
    w.id = sqlite3_column_int64(s, 2);
    w.experiment = sqlite3_column_int64(s, 3);
    w.trial = sqlite3_column_int64(s, 4);
    w.generation = sqlite3_column_int64(s, 5);
    w.step = sqlite3_column_int64(s, 6);
    w.kind = sqlite3_column_int64(s, 7);
    w.state = sqlite3_column_int64(s, 8);
    w.total_batches = sqlite3_column_int64(s, 9);
    w.text = text_column(s, 10);
    w.has_document = bytes_column(s, 11, w.document, 32);
    w.has_searcher_metric = real_column(s, 12, &w.searcher_metric);
    w.is_rolled_back = sqlite3_column_int64(s, 13);
    w.start = sqlite3_column_int64(s, 14);
    w.end = optional_column(s, 15);
    parse_metrics(&w);
    return w;
}

#endif
