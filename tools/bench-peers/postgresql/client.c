/* The rows of tools/bench-peers on PostgreSQL that pgbench can't do: bulk load, LISTEN and NOTIFY, catching up on the
 * log table, and the first answer of a server. Through libpq, statements prepared and pipelined where that pays.
 *   client CONNECTION load|watch|catch-up|answer SECONDS COUNT */
#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { EACH = 1000, WAKINGS_MOST = 1 << 20 };

static const char *const log_text =
    "INSERT INTO plain.log (revision, epoch, epoch_nonce, time, schema_version, actor, kinds, encoding, body, chain) "
    "VALUES ($1, 1, 1, now(), 1, 'bench', 8, 0, decode(repeat('78', 450), 'hex'), decode(repeat('78', 32), 'hex'))";
static const char *const workload_text =
    "INSERT INTO plain.workloads (id, experiment, trial, generation, step, kind, state, total_batches, metrics, "
    "is_rolled_back, start_time, created_revision, revision, row_hash) VALUES ($1, 1, 2, 0, $1, 1, 2, $1, "
    "'{\"accuracy\":0.987654321,\"epoch\":12,\"gpu_utilization\":0.97,\"gradient_norm\":1.2345678,"
    "\"learning_rate\":0.0001234,\"memory_bytes\":17179869184,\"perplexity\":3.14159,"
    "\"samples_per_second\":12345.678,\"training_loss\":0.123,\"validation_loss\":0.1353}', 0, now(), $1, $1, $1)";
static const char *const entry_text =
    "INSERT INTO plain.key_value (namespace, key, value, created_revision, revision, row_hash) "
    "VALUES ('watched', $1::bigint::text, decode(repeat('78', 250), 'hex'), $1, $1, $1)";
static const char *const after_text =
    "SELECT revision, body FROM plain.log WHERE revision > $1 ORDER BY revision LIMIT 1000";
/* Beyond those pgbench chooses from; and beyond those of the load. */
static const int64_t first_revision = 9000000000000000000, first_watched = 9100000000000000000;

static int64_t now_nanoseconds(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void fail(PGconn *server, const char *what) {
    fprintf(stderr, "error: %s: %s", what, server ? PQerrorMessage(server) : "\n");
    exit(1);
}

static PGresult *expect(PGconn *server, PGresult *result, const char *what) {
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_PIPELINE_SYNC) fail(server, what);
    return result;
}

static void run(PGconn *server, const char *text) { PQclear(expect(server, PQexec(server, text), text)); }

static void prepare(PGconn *server, const char *name, const char *text) {
    PQclear(expect(server, PQprepare(server, name, text, 0, NULL), name));
}

static PGconn *open_server(const char *connection) {
    PGconn *server = PQconnectdb(connection);
    if (PQstatus(server) != CONNECTION_OK) fail(server, "connecting");
    return server;
}

/* Into the pipeline; name is NULL for a text without parameters. */
static void send(PGconn *server, const char *name, const char *text, int64_t number) {
    char digits[24];
    snprintf(digits, sizeof digits, "%lld", (long long)number);
    const char *values[] = {digits};
    int sent = name ? PQsendQueryPrepared(server, name, 1, values, NULL, NULL, 0)
                    : PQsendQueryParams(server, text, 0, NULL, NULL, NULL, NULL, 0);
    if (!sent) fail(server, "sending");
}

/* Everything that was sent is done. */
static void finish(PGconn *server) {
    if (!PQpipelineSync(server)) fail(server, "sending");
    for (;;) {
        PGresult *result = PQgetResult(server);
        if (!result) {
            if (PQstatus(server) != CONNECTION_OK) fail(server, "answers");
            continue;
        }
        bool is_end = PQresultStatus(expect(server, result, "a pipelined statement")) == PGRES_PIPELINE_SYNC;
        PQclear(result);
        if (is_end) return;
    }
}

/* Revisions after this one, of one thousand at the most; moves it. */
static int read_log(PGconn *server, int64_t *revision) {
    char digits[24];
    snprintf(digits, sizeof digits, "%lld", (long long)*revision);
    const char *values[] = {digits};
    PGresult *result = expect(server, PQexecPrepared(server, "after", 1, values, NULL, NULL, 1), "reading the log");
    int count = PQntuples(result);
    for (int i = 0; i < count; i++) {
        uint64_t bytes;
        memcpy(&bytes, PQgetvalue(result, i, 0), sizeof bytes);
        *revision = (int64_t)__builtin_bswap64(bytes);
        if (PQgetlength(result, i, 1) < 1) fail(NULL, "an empty log row");
    }
    PQclear(result);
    return count;
}

static int64_t size_of(PGconn *server) {
    PGresult *result = expect(server, PQexec(server,
        "SELECT pg_total_relation_size('plain.workloads') + pg_total_relation_size('plain.log')"), "asking for sizes");
    int64_t size = atoll(PQgetvalue(result, 0, 0));
    PQclear(result);
    return size;
}

static void print_rate(const char *work, int64_t count, int64_t began) {
    double seconds = (double)(now_nanoseconds(CLOCK_MONOTONIC) - began) / 1e9;
    printf("{\"work\":\"postgresql.%s\",\"clients\":1,\"operations\":%lld,\"seconds\":%.3f,\"per_second\":%.1f", work,
        (long long)count, seconds, (double)count / seconds);
}

/* E: workloads and their log rows, each a statement, a thousand of each in a transaction. */
static void load(PGconn *server, int64_t count) {
    prepare(server, "workload", workload_text);
    prepare(server, "log", log_text);
    int64_t before = size_of(server), began = now_nanoseconds(CLOCK_MONOTONIC);
    if (!PQenterPipelineMode(server)) fail(server, "pipelining");
    for (int64_t i = 0; i < count;) {
        send(server, NULL, "BEGIN", 0);
        for (int64_t end = i + EACH; i < end && i < count; i++) {
            send(server, "workload", NULL, first_revision + i + 1);
            send(server, "log", NULL, first_revision + i + 1);
        }
        send(server, NULL, "COMMIT", 0);
        finish(server);
    }
    print_rate("load", count, began);
    PQexitPipelineMode(server);
    printf(",\"bytes_per_row\":%.1f,\"failed\":0}\n", (double)(size_of(server) - before) / (double)count);
}

static struct {
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    int64_t revision, time;
    PGconn *server;
} watcher = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, first_watched, 0, NULL};

/* Until the process ends: waits to be notified and reads what is new. */
static void *watch_log(void *unused) {
    (void)unused;
    struct pollfd socket = {.fd = PQsocket(watcher.server), .events = POLLIN, .revents = 0};
    for (int64_t revision = watcher.revision;;) {
        poll(&socket, 1, -1);
        if (!PQconsumeInput(watcher.server)) fail(watcher.server, "waiting");
        PGnotify *notice = PQnotifies(watcher.server);
        if (!notice) continue;
        while (notice) {
            PQfreemem(notice);
            notice = PQnotifies(watcher.server);
        }
        while (read_log(watcher.server, &revision) == EACH) continue;
        int64_t time = now_nanoseconds(CLOCK_MONOTONIC);
        pthread_mutex_lock(&watcher.lock);
        watcher.revision = revision;
        watcher.time = time;
        pthread_cond_signal(&watcher.arrived);
        pthread_mutex_unlock(&watcher.lock);
    }
    return NULL;
}

static int by_length(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static void print_times(const char *work, int64_t *times, int count) {
    qsort(times, (size_t)count, sizeof *times, by_length);
    printf("{\"work\":\"postgresql.%s\",\"clients\":1,\"operations\":%d,", work, count);
    printf("\"p50_us\":%.2f,\"p99_us\":%.2f,\"failed\":0}\n", (double)times[count / 2] / 1e3,
        (double)times[(int64_t)count * 99 / 100] / 1e3);
}

/* F: a new entry, its log row and NOTIFY in one pipelined transaction, up to a watcher that has the log row. A watcher
 * that has it before the writer has its answer counts as none. */
static void watch(PGconn *server, const char *connection, double seconds) {
    prepare(server, "entry", entry_text);
    prepare(server, "log", log_text);
    watcher.server = open_server(connection);
    prepare(watcher.server, "after", after_text);
    run(watcher.server, "LISTEN changed");
    pthread_t thread;
    if (pthread_create(&thread, NULL, watch_log, NULL)) fail(NULL, "a thread");
    if (!PQenterPipelineMode(server)) fail(server, "pipelining");
    int64_t *from_begin = calloc(WAKINGS_MOST, sizeof *from_begin);
    int64_t *from_commit = calloc(WAKINGS_MOST, sizeof *from_commit);
    if (!from_begin || !from_commit) fail(NULL, "memory");
    int count = 0;
    int64_t ends = now_nanoseconds(CLOCK_MONOTONIC) + (int64_t)(seconds * 1e9), begin;
    while (((begin = now_nanoseconds(CLOCK_MONOTONIC)) < ends || !count) && count < WAKINGS_MOST) {
        int64_t revision = first_watched + count + 1;
        send(server, NULL, "BEGIN", 0);
        send(server, "entry", NULL, revision);
        send(server, "log", NULL, revision);
        send(server, NULL, "NOTIFY changed", 0);
        send(server, NULL, "COMMIT", 0);
        finish(server);
        int64_t answered = now_nanoseconds(CLOCK_MONOTONIC);
        pthread_mutex_lock(&watcher.lock);
        while (watcher.revision < revision) pthread_cond_wait(&watcher.arrived, &watcher.lock);
        from_begin[count] = watcher.time - begin;
        from_commit[count++] = watcher.time > answered ? watcher.time - answered : 0;
        pthread_mutex_unlock(&watcher.lock);
    }
    print_times("watch.begin", from_begin, count);
    print_times("watch.commit", from_commit, count);
}

/* F: the log that load left, from its beginning, a thousand rows a question. */
static void catch_up(PGconn *server) {
    prepare(server, "after", after_text);
    int64_t revision = first_revision, count = 0, began = now_nanoseconds(CLOCK_MONOTONIC);
    for (int found; (found = read_log(server, &revision));) count += found;
    print_rate("catch-up", count, began);
    printf(",\"failed\":0}\n");
}

/* G: when a server that is being started first answers, in nanoseconds since 1970. */
static void answer(const char *connection) {
    int64_t ends = now_nanoseconds(CLOCK_MONOTONIC) + 60000000000LL;
    for (;;) {
        PGconn *server = PQconnectdb(connection);
        if (PQstatus(server) == CONNECTION_OK) {
            run(server, "SELECT state FROM plain.trials WHERE id = 1");
            printf("%lld\n", (long long)now_nanoseconds(CLOCK_REALTIME));
            return;
        }
        if (now_nanoseconds(CLOCK_MONOTONIC) > ends) fail(server, "no answer for a minute");
        PQfinish(server);
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
}

int main(int argument_count, char **arguments) {
    if (argument_count != 5) {
        fprintf(stderr, "usage: client CONNECTION load|watch|catch-up|answer SECONDS COUNT\n");
        return 64;
    }
    const char *connection = arguments[1], *row = arguments[2];
    if (!strcmp(row, "answer")) {
        answer(connection);
        return 0;
    }
    PGconn *server = open_server(connection);
    if (!strcmp(row, "load")) load(server, atoll(arguments[4]));
    else if (!strcmp(row, "watch")) watch(server, connection, atof(arguments[3]));
    else if (!strcmp(row, "catch-up")) catch_up(server);
    else fail(NULL, "there is no such row");
    return 0;
}
