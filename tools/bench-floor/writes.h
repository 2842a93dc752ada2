/* The three writes that are measured, and the read. */
#ifndef WRITES_H
#define WRITES_H

#include "store.h"

static const char metrics_text[] =
    "{\"accuracy\":0.987654321,\"epoch\":0,\"gpu_utilization\":0.97,\"gradient_norm\":1.2345678,"
    "\"learning_rate\":0.0001234,\"memory_bytes\":17179869184,\"perplexity\":3.14159,"
    "\"samples_per_second\":12345.678,\"training_loss\":12.345000000000001,\"validation_loss\":13.5795}";
static const char hparams_text[] =
    "{\"activation\":\"gelu\",\"batch_size\":256,\"beta1\":0.9,\"beta2\":0.999,\"dropout\":0.1,\"epsilon\":1e-8,"
    "\"gradient_clipping\":1,\"hidden\":768,\"layers\":12,\"learning_rate\":0.123,\"optimizer\":\"adamw\","
    "\"precision\":\"bf16\",\"schedule\":\"cosine\",\"sequence_length\":1024,\"vocabulary\":50257,"
    "\"warmup_steps\":1000,\"weight_decay\":0.01}";

/* A typed record that outlives its row; free_trial gives its text back. */
static trial read_trial(store *store, int64_t id) {
    sqlite3_stmt *s = store->statements[TRIAL];
    trial t;
    bind(s, 1, id);
    if (!step(store, TRIAL)) fail(store->database, "no such trial");
    t.created = sqlite3_column_int64(s, 0);
    t.revision = sqlite3_column_int64(s, 1);
    t.id = sqlite3_column_int64(s, 2);
    t.experiment = sqlite3_column_int64(s, 3);
    memcpy(t.request, sqlite3_column_blob(s, 4), 16);
    t.state = sqlite3_column_int64(s, 5);
    const void *text = sqlite3_column_blob(s, 6);
    t.hparams_count = (size_t)sqlite3_column_bytes(s, 6);
    t.hparams = malloc(t.hparams_count + 1);
    if (!t.hparams) fail(NULL, "trial");
    memcpy(t.hparams, text, t.hparams_count);
    t.seed = sqlite3_column_int64(s, 7);
    t.restarts = sqlite3_column_int64(s, 9);
    t.generation = sqlite3_column_int64(s, 10);
    t.total_batches = sqlite3_column_int64(s, 11);
    t.start = sqlite3_column_int64(s, 16);
    static const int optional[] = {8, 12, 13, 14, 15, 17};
    for (int i = 0; i < 6; i++) {
        if (sqlite3_column_type(s, optional[i]) != SQLITE_NULL) fail(store->database, "a value where none was put");
    }
    reset(store, TRIAL);
    return t;
}

static void free_trial(trial *t) { free(t->hparams); }

static row_hash encode_trial(const trial *t, const char *key, buffer *out) {
    out->count = 0;
    const int64_t first[] = {t->created, t->revision, t->id, t->experiment};
    for (int i = 0; i < 4; i++) field_integer(out, 1 + i, first[i]);
    put_tag(out, 5, TAG_UUID);
    put_raw(out, t->request, 16);
    field_integer(out, 6, t->state);
    field_blob(out, 7, TAG_TEXT, t->hparams, t->hparams_count);
    field_integer(out, 8, t->seed);
    const int64_t last[] = {t->restarts, t->generation, t->total_batches};
    for (int i = 0; i < 3; i++) field_integer(out, 10 + i, last[i]);
    field_time(out, 17, t->start);
    return hash_row(KIND_TRIAL, key, out);
}

/* A new key-value entry of 250 bytes. */
static void put_entry(store *store, int64_t run_id, int client, int64_t number) {
    char key[64], path[96];
    unsigned char value[VALUE_BYTES];
    int64_t revision = store->head.revision + 1;
    size_t length = (size_t)snprintf(key, sizeof key, "%lld/%d/%lld", (long long)run_id, client, (long long)number);
    snprintf(path, sizeof path, "kv/bench/%lld%%2F%d%%2F%lld", (long long)run_id, client, (long long)number);
    memset(value, 120, sizeof value);
    sqlite3_stmt *s = store->statements[ENTRY];
    bind_text(s, 1, "bench", 5);
    bind_text(s, 2, key, length);
    if (step(store, ENTRY)) fail(store->database, "the key is there already");
    reset(store, ENTRY);

    buffer fields, body;
    fields.count = 0;
    field_integer(&fields, 1, revision);
    field_integer(&fields, 2, revision);
    field_blob(&fields, 3, TAG_TEXT, "bench", 5);
    field_blob(&fields, 4, TAG_TEXT, key, length);
    field_blob(&fields, 5, TAG_BYTES, value, sizeof value);
    row_hash hash = hash_row(KIND_KEY_VALUE, path, &fields);
    s = store->statements[ADD_ENTRY];
    bind(s, 1, revision);
    bind(s, 2, revision);
    bind_text(s, 3, "bench", 5);
    bind_text(s, 4, key, length);
    bind_blob(s, 5, value, sizeof value);
    bind(s, 7, (int64_t)(hash >> 64));
    run(store, ADD_ENTRY);

    begin_body(&body, 1, -1, 0);
    add_change(&body, KIND_KEY_VALUE, 1, path, &fields, NULL);
    digest(store, KIND_KEY_VALUE, 0, hash);
    append_log(store, &body, 1ULL << KIND_KEY_VALUE);
}

/* A RUN_STEP that COMPLETED: a workload row, and its trial moved on. */
static void report_workload(store *store, int64_t trial_id, int64_t step_number, int64_t batches) {
    head *h = &store->head;
    int64_t revision = h->revision + 1;
    trial before = read_trial(store, trial_id);
    sqlite3_stmt *s = store->statements[WORKLOAD];
    const int64_t sought[] = {trial_id, step_number, 1, before.generation};
    for (int i = 0; i < 4; i++) bind(s, 1 + i, sought[i]);
    if (step(store, WORKLOAD)) fail(store->database, "the step was reported already");
    reset(store, WORKLOAD);
    s = store->statements[LIVE_WORKLOAD];
    for (int i = 0; i < 3; i++) bind(s, 1 + i, sought[i]);
    if (step(store, LIVE_WORKLOAD)) fail(store->database, "the step was reported already");
    reset(store, LIVE_WORKLOAD);

    char trial_key[64], key[96];
    buffer workload, after, old, body;
    int64_t id = h->counters[COUNTER_WORKLOAD]++;
    snprintf(trial_key, sizeof trial_key, "experiments/%lld/trials/%lld", (long long)before.experiment,
        (long long)trial_id);
    snprintf(key, sizeof key, "%s/workloads/%lld", trial_key, (long long)id);
    const int64_t row[] = {
        revision, revision, id, before.experiment, trial_id, before.generation, step_number, 1, 2, batches,
    };
    workload.count = 0;
    for (int i = 0; i < 10; i++) field_integer(&workload, 1 + i, row[i]);
    field_blob(&workload, 11, TAG_TEXT, metrics_text, sizeof metrics_text - 1);
    field_integer(&workload, 14, 0);
    field_time(&workload, 15, store->time);
    field_time(&workload, 16, store->time);
    row_hash workload_hash = hash_row(KIND_WORKLOAD, key, &workload);
    s = store->statements[ADD_WORKLOAD];
    for (int i = 0; i < 10; i++) bind(s, 1 + i, row[i]);
    bind_text(s, 11, metrics_text, sizeof metrics_text - 1);
    bind(s, 14, 0);
    bind(s, 15, store->time);
    bind(s, 16, store->time);
    bind(s, 17, (int64_t)(workload_hash >> 64));
    run(store, ADD_WORKLOAD);

    trial next = before;
    next.revision = revision;
    if (batches > next.total_batches) next.total_batches = batches;
    row_hash old_hash = encode_trial(&before, trial_key, &old);
    row_hash new_hash = encode_trial(&next, trial_key, &after);
    s = store->statements[REPORT_TRIAL];
    bind(s, 1, revision);
    bind(s, 2, next.total_batches);
    bind(s, 3, store->time);
    bind(s, 4, (int64_t)(new_hash >> 64));
    bind(s, 5, trial_id);
    run(store, REPORT_TRIAL);

    old.count = 0;
    field_integer(&old, 2, before.revision);
    if (next.total_batches != before.total_batches) field_integer(&old, 12, before.total_batches);
    begin_body(&body, 2, COUNTER_WORKLOAD, h->counters[COUNTER_WORKLOAD]);
    add_change(&body, KIND_WORKLOAD, 1, key, &workload, NULL);
    add_change(&body, KIND_TRIAL, 2, trial_key, &after, &old);
    digest(store, KIND_WORKLOAD, 0, workload_hash);
    digest(store, KIND_TRIAL, old_hash, new_hash);
    after.count = 0;
    for (int i = 0; i < COUNTERS; i++) field_integer(&after, i + 1, h->counters[i]);
    h->digests[KIND_CLUSTER - 1] = hash_row(KIND_CLUSTER, "cluster", &after);
    append_log(store, &body, 1ULL << KIND_WORKLOAD | 1ULL << KIND_TRIAL);
    free_trial(&before);
}

/* A trial's state, to and fro between ACTIVE and PAUSED. */
static void move_trial(store *store, int64_t trial_id) {
    int64_t revision = store->head.revision + 1;
    trial before = read_trial(store, trial_id), next = before;
    char key[64];
    buffer after, old, body;
    next.revision = revision;
    next.state = before.state == 1 ? 2 : 1;
    snprintf(key, sizeof key, "experiments/%lld/trials/%lld", (long long)before.experiment, (long long)trial_id);
    row_hash old_hash = encode_trial(&before, key, &old);
    row_hash new_hash = encode_trial(&next, key, &after);
    sqlite3_stmt *s = store->statements[MOVE_TRIAL];
    bind(s, 1, revision);
    bind(s, 2, next.state);
    bind(s, 3, (int64_t)(new_hash >> 64));
    bind(s, 4, trial_id);
    run(store, MOVE_TRIAL);
    old.count = 0;
    field_integer(&old, 2, before.revision);
    field_integer(&old, 6, before.state);
    begin_body(&body, 1, -1, 0);
    add_change(&body, KIND_TRIAL, 2, key, &after, &old);
    digest(store, KIND_TRIAL, old_hash, new_hash);
    append_log(store, &body, 1ULL << KIND_TRIAL);
    free_trial(&before);
}

#endif
