/* The floor of metastore-bench: what the store's own statements cost in a plain C loop, on this machine, in this run.
 *
 * A commit is BEGIN IMMEDIATE, the head row, the record's statements, the log row with its link (SHA-256), the head
 * row again and COMMIT with one flush. "put.plain" does so in a loop; "put" hands every commit to a second thread and
 * waits for the answer, as any asynchronous store must; with more clients the writer takes what is queued, up to 256
 * at once, each in a savepoint, and commits them together. "reads" decodes trials by their primary key inside one
 * read transaction. Same pragmas and checkpoints as the engine's. */
#include "writes.h"
#include <pthread.h>
#include <sys/stat.h>

enum { BATCH = 256, CLIENTS_MOST = 1024, TRIALS = 10000 };
enum work { PUT, REPORT, TRANSITION, READS };
static const char *const work_names[] = {"put", "report", "transition", "reads"};

typedef struct {
    uint32_t *nanoseconds;
    size_t count, room;
} latencies;

typedef struct client {
    pthread_mutex_t lock;
    pthread_cond_t answered;
    bool is_answered;
    int index;
    int64_t number;
    latencies times;
    pthread_t thread;
    struct client *next;
} client;

static struct {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    client *first, *last;
    bool is_closed;
} queue = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL, NULL, false};

static store the_store;
static enum work work;
static int64_t run_id, ends;

static int64_t now_nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void add_time(latencies *times, int64_t duration) {
    if (times->count == times->room) {
        times->room = times->room ? 2 * times->room : 4096;
        times->nanoseconds = realloc(times->nanoseconds, times->room * sizeof *times->nanoseconds);
        if (!times->nanoseconds) fail(NULL, "times");
    }
    times->nanoseconds[times->count++] = duration > UINT32_MAX ? UINT32_MAX : (uint32_t)duration;
}

static void write_one(int index, int64_t number) {
    switch (work) {
    case PUT: put_entry(&the_store, run_id, index, number); break;
    case REPORT: report_workload(&the_store, 1, run_id * 1000000000LL + index * 10000000LL + number, number); break;
    case TRANSITION: move_trial(&the_store, 1); break;
    case READS: break;
    }
}

static int by_length(const void *left, const void *right) {
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static void print_line(const char *suffix, int threads, int64_t began, latencies *times) {
    double seconds = (double)(now_nanoseconds() - began) / 1e9;
    qsort(times->nanoseconds, times->count, sizeof *times->nanoseconds, by_length);
    double p50 = times->count ? times->nanoseconds[times->count / 2] / 1e3 : 0;
    double p99 = times->count ? times->nanoseconds[times->count * 99 / 100] / 1e3 : 0;
    printf("{\"work\":\"floor.%s%s\",\"threads\":%d,\"operations\":%zu,\"seconds\":%.3f,\"per_second\":%.1f,"
        "\"p50_us\":%.2f,\"p99_us\":%.2f}\n", work_names[work], suffix, threads, times->count, seconds,
        (double)times->count / seconds, p50, p99);
    fflush(stdout);
    free(times->nanoseconds);
}

static void *write_queued(void *unused) {
    (void)unused;
    client *batch[BATCH];
    for (;;) {
        int count = 0;
        pthread_mutex_lock(&queue.lock);
        while (!queue.first && !queue.is_closed) pthread_cond_wait(&queue.filled, &queue.lock);
        for (; queue.first && count < BATCH; queue.first = queue.first->next) batch[count++] = queue.first;
        pthread_mutex_unlock(&queue.lock);
        if (!count) return NULL;
        begin_batch(&the_store);
        for (int i = 0; i < count; i++) {
            if (count > 1) run(&the_store, SAVEPOINT);
            write_one(batch[i]->index, batch[i]->number);
            if (count > 1) run(&the_store, RELEASE);
        }
        end_batch(&the_store);
        for (int i = 0; i < count; i++) {
            pthread_mutex_lock(&batch[i]->lock);
            batch[i]->is_answered = true;
            pthread_cond_signal(&batch[i]->answered);
            pthread_mutex_unlock(&batch[i]->lock);
        }
    }
}

static void *commit_repeatedly(void *argument) {
    client *self = argument;
    int64_t before = now_nanoseconds();
    while (before < ends) {
        self->is_answered = false;
        self->next = NULL;
        pthread_mutex_lock(&queue.lock);
        if (queue.first) queue.last->next = self; else queue.first = self;
        queue.last = self;
        pthread_cond_signal(&queue.filled);
        pthread_mutex_unlock(&queue.lock);
        pthread_mutex_lock(&self->lock);
        while (!self->is_answered) pthread_cond_wait(&self->answered, &self->lock);
        pthread_mutex_unlock(&self->lock);
        int64_t after = now_nanoseconds();
        add_time(&self->times, after - before);
        before = after;
        self->number++;
    }
    return NULL;
}

static void measure_plain(double seconds) {
    latencies times = {0};
    int64_t began = now_nanoseconds(), before = began;
    ends = began + (int64_t)(seconds * 1e9);
    for (int64_t number = 0; before < ends; number++) {
        begin_batch(&the_store);
        write_one(0, number);
        end_batch(&the_store);
        int64_t after = now_nanoseconds();
        add_time(&times, after - before);
        before = after;
    }
    print_line(".plain", 1, began, &times);
    run_id++;
}

static void measure_clients(int count, double seconds) {
    static client clients[CLIENTS_MOST];
    pthread_t writer;
    latencies all = {0};
    int64_t began = now_nanoseconds();
    ends = began + (int64_t)(seconds * 1e9);
    pthread_create(&writer, NULL, write_queued, NULL);
    for (int i = 0; i < count; i++) {
        pthread_mutex_init(&clients[i].lock, NULL);
        pthread_cond_init(&clients[i].answered, NULL);
        clients[i].index = i;
        if (pthread_create(&clients[i].thread, NULL, commit_repeatedly, &clients[i])) fail(NULL, "thread");
    }
    for (int i = 0; i < count; i++) pthread_join(clients[i].thread, NULL);
    pthread_mutex_lock(&queue.lock);
    queue.is_closed = true;
    pthread_cond_signal(&queue.filled);
    pthread_mutex_unlock(&queue.lock);
    pthread_join(writer, NULL);
    for (int i = 0; i < count; i++) {
        for (size_t j = 0; j < clients[i].times.count; j++) add_time(&all, clients[i].times.nanoseconds[j]);
        free(clients[i].times.nanoseconds);
    }
    print_line("", count, began, &all);
}

static void measure_reads(double seconds) {
    int64_t began = now_nanoseconds();
    int64_t end = began + (int64_t)(seconds * 1e9), number = 0, sum = 0;
    sqlite3_exec(the_store.database, "BEGIN", NULL, NULL, NULL);
    for (; number % 64 || now_nanoseconds() < end; number++) {
        trial found = read_trial(&the_store, number * 7919 % TRIALS + 1);
        sum += found.seed;
        free_trial(&found);
    }
    sqlite3_exec(the_store.database, "COMMIT", NULL, NULL, NULL);
    double took = (double)(now_nanoseconds() - began) / 1e9;
    printf("{\"work\":\"floor.reads\",\"threads\":1,\"operations\":%lld,\"seconds\":%.3f,\"per_second\":%.1f,"
        "\"p50_us\":null,\"p99_us\":null}\n", (long long)number, took, (double)number / took);
    if (sum < 0) abort();
}

static int note_pages(void *context, sqlite3 *database, const char *name, int pages) {
    (void)database, (void)name;
    ((store *)context)->pages = pages;
    return SQLITE_OK;
}

static void execute(const char *text) {
    if (sqlite3_exec(the_store.database, text, NULL, NULL, NULL) != SQLITE_OK) fail(the_store.database, text);
}

static char *read_file(const char *path) {
    FILE *file = fopen(path, "rb");
    struct stat found;
    if (!file || fstat(fileno(file), &found)) {
        perror(path);
        exit(66);
    }
    char *text = calloc(1, (size_t)found.st_size + 1);
    if (!text || fread(text, 1, (size_t)found.st_size, file) != (size_t)found.st_size) fail(NULL, path);
    fclose(file);
    return text;
}

static void open_store(const char *path) {
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    if (sqlite3_open_v2(path, &the_store.database, flags, NULL) != SQLITE_OK) fail(the_store.database, path);
    const int on[] = {SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, SQLITE_DBCONFIG_DEFENSIVE, SQLITE_DBCONFIG_ENABLE_FKEY};
    for (int i = 0; i < 3; i++) sqlite3_db_config(the_store.database, on[i], 1, NULL);
    sqlite3_db_config(the_store.database, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    execute("PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384; PRAGMA page_size = 4096; "
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = FAST");
    sqlite3_wal_hook(the_store.database, note_pages, &the_store);
}

/* The schema, a head row, one experiment, and its trials with what a new trial has. */
static void fill(const char *migration) {
    char *schema = read_file(migration);
    char trials[2048];
    execute("BEGIN");
    execute(schema);
    free(schema);
    execute("INSERT INTO head VALUES (1, randomblob(16), 1, 1, 0, 0, zeroblob(32), 0, 1, 1, 1, 2, 10001, 1, 1, 1, 1, "
        "1, 1, zeroblob(320), 0, zeroblob(32), 0, 0)");
    execute("INSERT INTO documents VALUES (zeroblob(32), 0, x'7b7d', 2, 1, 0, 1)");
    execute("INSERT INTO experiments VALUES (1, 1, 'bench', zeroblob(32), '[]', '', '', 0, NULL, 0, '', NULL, 'loss', "
        "1, 0, 1, 1, 'bench', NULL, 1, NULL, 1, 1, 0)");
    snprintf(trials, sizeof trials, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
        "INSERT INTO trials SELECT i, 1, randomblob(16), 1, '%s', i, NULL, 0, 0, 0, NULL, NULL, NULL, NULL, 1, NULL, "
        "1, 1, 0, NULL, NULL FROM n", TRIALS, hparams_text);
    execute(trials);
    execute("COMMIT");
}

static void usage(void) {
    fputs("usage: floor put|report|transition|reads --path FILE --migration FILE [--seconds S] [--clients N]\n"
        "\n"
        "  --path FILE       a database to make; nothing may be there\n"
        "  --migration FILE  Migrations/m0001_initial.sqlite.sql\n"
        "  --seconds S       how long each measurement runs (5)\n"
        "  --clients N       threads that commit at once (1); 1 also measures the loop without a second thread\n",
        stderr);
    exit(64);
}

int main(int count, char **arguments) {
    const char *path = NULL, *migration = NULL;
    double seconds = 5;
    int clients = 1;
    if (count < 2 || count % 2) usage();
    for (work = PUT; strcmp(arguments[1], work_names[work]); work++) {
        if (work == READS) usage();
    }
    for (int i = 2; i < count; i += 2) {
        if (!strcmp(arguments[i], "--path")) path = arguments[i + 1];
        else if (!strcmp(arguments[i], "--migration")) migration = arguments[i + 1];
        else if (!strcmp(arguments[i], "--seconds")) seconds = atof(arguments[i + 1]);
        else if (!strcmp(arguments[i], "--clients")) clients = atoi(arguments[i + 1]);
        else usage();
    }
    if (!path || !migration || seconds <= 0 || clients < 1 || clients > CLIENTS_MOST) usage();
    struct stat found;
    if (!stat(path, &found)) {
        fprintf(stderr, "floor: %s is there already; give a path where nothing is\n", path);
        return 73;
    }
    sha256_choose();
    open_store(path);
    fill(migration);
    for (int i = 0; i < STATEMENTS; i++) {
        if (sqlite3_prepare_v3(the_store.database, statement_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                &the_store.statements[i], NULL) != SQLITE_OK) fail(the_store.database, statement_texts[i]);
    }
    if (work == READS) {
        measure_reads(seconds);
    } else {
        if (clients == 1) measure_plain(seconds);
        measure_clients(clients, seconds);
    }
    for (int i = 0; i < STATEMENTS; i++) sqlite3_finalize(the_store.statements[i]);
    sqlite3_close(the_store.database);
    return 0;
}
