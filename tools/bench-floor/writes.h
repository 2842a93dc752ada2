/* The writes that are measured. Values are of the sizes: an entry and metrics of 250 bytes. */
#ifndef WRITES_H
#define WRITES_H

#include "records.h"

enum { VALUE_BYTES = 250 };

static const char metrics_text[] =
    "{\"accuracy\":0.987654321,\"epoch\":17,\"gpu_utilization\":0.97,\"gradient_norm\":1.2345678,"
    "\"learning_rate\":0.0001234,\"memory_bytes\":17179869184,\"perplexity\":3.14159,"
    "\"samples_per_second\":12345.678,\"training_loss\":1.7230000000000001,\"validation_loss\":1.8953}";

static void field_optional(buffer *out, int field, optional number) {
    if (number.is_there) field_integer(out, field, number.number);
}

static row_hash encode_trial(const trial *t, const char *key, buffer *out) {
    out->count = 0;
    const int64_t first[] = {t->created, t->revision, t->id, t->experiment};
    for (int i = 0; i < 4; i++) field_integer(out, 1 + i, first[i]);
    put_tag(out, 5, TAG_UUID);
    put_raw(out, t->request, 16);
    field_integer(out, 6, t->state);
    field_blob(out, 7, TAG_TEXT, t->hparams.bytes, t->hparams.count);
    field_integer(out, 8, t->seed);
    if (t->has_warm_start) {
        put_tag(out, 9, TAG_UUID);
        put_raw(out, t->warm_start, 16);
    }
    const int64_t counts[] = {t->restarts, t->generation, t->total_batches};
    for (int i = 0; i < 3; i++) field_integer(out, 10 + i, counts[i]);
    field_optional(out, 13, t->best_validation);
    field_optional(out, 14, t->latest_validation);
    if (t->has_best_metric) {
        uint64_t bits;
        memcpy(&bits, &t->best_metric, 8);
        put_tag(out, 15, TAG_REAL);
        put_fixed(out, bits);
    }
    field_optional(out, 16, t->best_total_batches);
    field_time(out, 17, t->start);
    if (t->end.is_there) field_time(out, 18, t->end.number);
    return hash_row(KIND_TRIAL, key, out);
}

static void trial_key(const trial *t, char *key, size_t room) {
    snprintf(key, room, "experiments/%lld/trials/%lld", (long long)t->experiment, (long long)t->id);
}

/* A new key-value entry. */
static void put_entry(store *store, int64_t base, int client, int64_t number) {
    static buffer fields, body;
    char key[80], path[128];
    unsigned char value[VALUE_BYTES];
    int64_t revision = store->head.revision + 1;
    size_t length = (size_t)snprintf(key, sizeof key, "%lld/%d/%lld", (long long)base, client, (long long)number);
    snprintf(path, sizeof path, "kv/bench/%lld%%2F%d%%2F%lld", (long long)base, client, (long long)number);
    memset(value, 120, sizeof value);
    sqlite3_stmt *s = store->statements[ENTRY];
    bind_text(s, 1, "bench", 5);
    bind_text(s, 2, key, length);
    if (step(store, ENTRY)) fail(store->database, "the key is there already");
    reset(store, ENTRY);

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

    digest(store, KIND_KEY_VALUE, 0, hash);
    begin_body(&body, 1, -1, 0);
    add_change(&body, KIND_KEY_VALUE, 1, path, &fields, NULL);
    append_log(store, &body, 1ULL << KIND_KEY_VALUE);
}

/* A trial as it was before a commit, without its text, and as it is after it. */
typedef struct {
    trial before, now;
    row_hash hash_before, hash_now;
    char key[64];
} moved_trial;

static void begin_trial(moved_trial *moved) { memset(moved, 0, sizeof *moved); }

/* One RUN_STEP that COMPLETED: its row, and its trial moved on. The workload's change goes to `changes`. */
static void add_report(store *store, int64_t trial_id, int64_t number, moved_trial *moved, buffer *changes) {
    static buffer fields, image;
    head *h = &store->head;
    int64_t revision = h->revision + 1;
    trial current = read_trial(store, trial_id);
    sqlite3_stmt *s = store->statements[WORKLOAD];
    const int64_t sought[] = {trial_id, number, 1, current.generation};
    for (int i = 0; i < 4; i++) bind(s, 1 + i, sought[i]);
    if (step(store, WORKLOAD)) fail(store->database, "the step was reported already");
    reset(store, WORKLOAD);
    s = store->statements[LIVE_WORKLOAD];
    for (int i = 0; i < 3; i++) bind(s, 1 + i, sought[i]);
    if (step(store, LIVE_WORKLOAD)) fail(store->database, "the step was reported already");
    reset(store, LIVE_WORKLOAD);

    char key[128];
    int64_t id = h->counters[COUNTER_WORKLOAD]++;
    trial_key(&current, moved->key, sizeof moved->key);
    snprintf(key, sizeof key, "%s/workloads/%lld", moved->key, (long long)id);
    const int64_t row[] = {
        revision, revision, id, current.experiment, trial_id, current.generation, number, 1, 2, number,
    };
    fields.count = 0;
    for (int i = 0; i < 10; i++) field_integer(&fields, 1 + i, row[i]);
    field_blob(&fields, 11, TAG_TEXT, metrics_text, sizeof metrics_text - 1);
    field_integer(&fields, 14, 0);
    field_time(&fields, 15, store->time);
    field_time(&fields, 16, store->time);
    row_hash hash = hash_row(KIND_WORKLOAD, key, &fields);
    s = store->statements[ADD_WORKLOAD];
    for (int i = 0; i < 10; i++) bind(s, 1 + i, row[i]);
    bind_text(s, 11, metrics_text, sizeof metrics_text - 1);
    bind(s, 14, 0);
    bind(s, 15, store->time);
    bind(s, 16, store->time);
    bind(s, 17, (int64_t)(hash >> 64));
    run(store, ADD_WORKLOAD);
    digest(store, KIND_WORKLOAD, 0, hash);
    if (!store->is_without_log) add_change(changes, KIND_WORKLOAD, 1, key, &fields, NULL);

    if (!moved->before.id) {
        moved->before = current;
        moved->hash_before = encode_trial(&current, moved->key, &image);
    } else {
        free_trial(&moved->now);
    }
    moved->now = current;
    moved->now.revision = revision;
    if (number > current.total_batches) moved->now.total_batches = number;
    row_hash last = moved->hash_now ? moved->hash_now : moved->hash_before;
    moved->hash_now = encode_trial(&moved->now, moved->key, &image);
    digest(store, KIND_TRIAL, last, moved->hash_now);
    s = store->statements[REPORT_TRIAL];
    bind(s, 1, revision);
    bind(s, 2, moved->now.total_batches);
    bind(s, 3, store->time);
    bind(s, 4, (int64_t)(moved->hash_now >> 64));
    bind(s, 5, trial_id);
    run(store, REPORT_TRIAL);
}

/* The revision of `count` reports whose changes are given. */
static void end_reports(store *store, moved_trial *moved, int count, const buffer *changes) {
    static buffer after, old, body;
    head *h = &store->head;
    after.count = 0;
    for (int i = 0; i < COUNTERS; i++) field_integer(&after, i + 1, h->counters[i]);
    h->digests[KIND_CLUSTER - 1] = hash_row(KIND_CLUSTER, "cluster", &after);
    if (!store->is_without_log) {
        encode_trial(&moved->now, moved->key, &after);
        old.count = 0;
        field_integer(&old, 2, moved->before.revision);
        if (moved->now.total_batches != moved->before.total_batches) {
            field_integer(&old, 12, moved->before.total_batches);
        }
        begin_body(&body, count + 1, COUNTER_WORKLOAD, h->counters[COUNTER_WORKLOAD]);
        put_raw(&body, changes->bytes, changes->count);
        add_change(&body, KIND_TRIAL, 2, moved->key, &after, &old);
    }
    append_log(store, &body, 1ULL << KIND_WORKLOAD | 1ULL << KIND_TRIAL);
    free_trial(&moved->now);
}

/* Reports of consecutive steps of one trial, as one revision. */
static void report_workloads(store *store, int64_t trial_id, int64_t first, int count) {
    static buffer changes;
    moved_trial moved;
    begin_trial(&moved);
    changes.count = 0;
    for (int i = 0; i < count; i++) add_report(store, trial_id, first + i, &moved, &changes);
    end_reports(store, &moved, count, &changes);
}

/* A trial's state, to and fro between ACTIVE and PAUSED. */
static void move_trial(store *store, int64_t trial_id) {
    static buffer after, old, body;
    int64_t revision = store->head.revision + 1;
    trial before = read_trial(store, trial_id), next = before;
    char key[64];
    next.revision = revision;
    next.state = before.state == 1 ? 2 : 1;
    trial_key(&before, key, sizeof key);
    row_hash old_hash = encode_trial(&before, key, &old);
    row_hash new_hash = encode_trial(&next, key, &after);
    sqlite3_stmt *s = store->statements[MOVE_TRIAL];
    bind(s, 1, revision);
    bind(s, 2, next.state);
    bind(s, 3, (int64_t)(new_hash >> 64));
    bind(s, 4, trial_id);
    run(store, MOVE_TRIAL);
    digest(store, KIND_TRIAL, old_hash, new_hash);
    old.count = 0;
    field_integer(&old, 2, before.revision);
    field_integer(&old, 6, before.state);
    begin_body(&body, 1, -1, 0);
    add_change(&body, KIND_TRIAL, 2, key, &after, &old);
    append_log(store, &body, 1ULL << KIND_TRIAL);
    free_trial(&before);
}

#endif
