/* Clients that commit at once, for as long as there is time, and at least once each: every write is handed to the
 * writer's thread, and its answer waited for, as any asynchronous store must. The writer takes what is queued, up to
 * `batch` at once, each in a savepoint, and commits them together. */
#ifndef CLIENTS_H
#define CLIENTS_H

#include "figures.h"
#include "writes.h"
#include <pthread.h>

enum { BATCH_MOST = 256, CLIENTS_MOST = 1024 };
enum write { PUT, REPORT, TRANSITION };

typedef struct {
    enum write write;
    int clients, batch;
    /* Clients write to trials of their own, from this one on. */
    int64_t first_trial;
    /* Where numbers begin that no earlier run has used. */
    int64_t base;
    double seconds;
} plan;

typedef struct client {
    pthread_mutex_t lock;
    pthread_cond_t answered;
    bool is_answered;
    int index;
    int64_t number, ends;
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
static plan the_plan;

static void write_one(int index, int64_t number) {
    switch (the_plan.write) {
    case PUT: put_entry(&the_store, the_plan.base, index, number); break;
    case REPORT: report_workloads(&the_store, the_plan.first_trial + index, the_plan.base + number, 1); break;
    case TRANSITION: move_trial(&the_store, the_plan.first_trial + index); break;
    }
}

static void commit_batch(client **batch, int count) {
    begin_batch(&the_store);
    for (int i = 0; i < count; i++) {
        if (count > 1) run(&the_store, SAVEPOINT);
        write_one(batch[i]->index, batch[i]->number);
        if (count > 1) run(&the_store, RELEASE);
    }
    end_batch(&the_store);
}

static void answer(client *waiting) {
    pthread_mutex_lock(&waiting->lock);
    waiting->is_answered = true;
    pthread_cond_signal(&waiting->answered);
    pthread_mutex_unlock(&waiting->lock);
}

/* What the writer does after each commit, before it answers. */
static void (*after_commit)(void);

static void *write_queued(void *unused) {
    (void)unused;
    client *batch[BATCH_MOST];
    for (;;) {
        int count = 0;
        pthread_mutex_lock(&queue.lock);
        while (!queue.first && !queue.is_closed) pthread_cond_wait(&queue.filled, &queue.lock);
        for (; queue.first && count < the_plan.batch; queue.first = queue.first->next) batch[count++] = queue.first;
        pthread_mutex_unlock(&queue.lock);
        if (!count) return NULL;
        commit_batch(batch, count);
        if (after_commit) after_commit();
        for (int i = 0; i < count; i++) answer(batch[i]);
    }
}

static void commit_one(client *self) {
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
    self->number++;
}

static void *commit_repeatedly(void *argument) {
    client *self = argument;
    int64_t before = now_nanoseconds();
    do {
        commit_one(self);
        int64_t after = now_nanoseconds();
        add_time(&self->times, after - before);
        before = after;
    } while (before < self->ends);
    return NULL;
}

static void begin_client(client *self, int index, int64_t ends) {
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->answered, NULL);
    self->index = index;
    self->ends = ends;
}

static void close_queue(pthread_t writer) {
    pthread_mutex_lock(&queue.lock);
    queue.is_closed = true;
    pthread_cond_signal(&queue.filled);
    pthread_mutex_unlock(&queue.lock);
    pthread_join(writer, NULL);
}

static void measure_clients(const char *name) {
    static client clients[CLIENTS_MOST];
    pthread_t writer;
    latencies all = {0};
    int64_t began = now_nanoseconds(), ends = began + (int64_t)(the_plan.seconds * 1e9);
    if (pthread_create(&writer, NULL, write_queued, NULL)) fail(NULL, "a thread");
    for (int i = 0; i < the_plan.clients; i++) {
        begin_client(&clients[i], i, ends);
        if (pthread_create(&clients[i].thread, NULL, commit_repeatedly, &clients[i])) fail(NULL, "a thread");
    }
    for (int i = 0; i < the_plan.clients; i++) pthread_join(clients[i].thread, NULL);
    double seconds = (double)(now_nanoseconds() - began) / 1e9;
    close_queue(writer);
    for (int i = 0; i < the_plan.clients; i++) {
        for (size_t j = 0; j < clients[i].times.count; j++) add_time(&all, clients[i].times.nanoseconds[j]);
        free(clients[i].times.nanoseconds);
    }
    print_figures(name, the_plan.clients, all.count, seconds, &all, "");
}

/* The loop without a second thread. */
static void measure_plain(const char *name) {
    latencies times = {0};
    int64_t began = now_nanoseconds(), before = began, ends = began + (int64_t)(the_plan.seconds * 1e9);
    for (int64_t number = 0; !number || before < ends; number++) {
        begin_batch(&the_store);
        write_one(0, number);
        end_batch(&the_store);
        int64_t after = now_nanoseconds();
        add_time(&times, after - before);
        before = after;
    }
    print_figures(name, 1, times.count, (double)(before - began) / 1e9, &times, "");
}

#endif
