/* From a commit to a thread that watches: the writer hands it the change and wakes it, before it answers the client. */
#ifndef WATCHING_H
#define WATCHING_H

#include "clients.h"

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int64_t committed, revision;
    bool is_closed;
} news = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, false};

static int64_t *seen_at, *committed_at;
static int64_t watched_from, watched_count;

static void tell_watcher(void) {
    int64_t now = now_nanoseconds();
    pthread_mutex_lock(&news.lock);
    news.committed = now;
    news.revision = the_store.head.revision;
    pthread_cond_signal(&news.changed);
    pthread_mutex_unlock(&news.lock);
    int64_t index = the_store.head.revision - watched_from - 1;
    if (index >= 0 && index < watched_count) committed_at[index] = now;
}

static void *watch(void *unused) {
    (void)unused;
    for (int64_t last = watched_from;;) {
        pthread_mutex_lock(&news.lock);
        while (news.revision == last && !news.is_closed) pthread_cond_wait(&news.changed, &news.lock);
        int64_t revision = news.revision;
        bool is_closed = news.is_closed;
        pthread_mutex_unlock(&news.lock);
        int64_t now = now_nanoseconds();
        for (; last < revision && last - watched_from < watched_count; last++) seen_at[last - watched_from] = now;
        if (is_closed) return NULL;
        last = revision;
    }
}

/* One client that writes entries, one watcher. */
static void measure_watching(int64_t count) {
    static client self;
    pthread_t writer, watcher;
    latencies after = {0}, whole = {0};
    int64_t *began_at = calloc((size_t)count, sizeof *began_at);
    seen_at = calloc((size_t)count, sizeof *seen_at);
    committed_at = calloc((size_t)count, sizeof *committed_at);
    if (!began_at || !seen_at || !committed_at) fail(NULL, "times");
    begin_batch(&the_store);
    run(&the_store, COMMIT);
    watched_from = the_store.head.revision;
    watched_count = count;
    news.revision = watched_from;
    after_commit = tell_watcher;
    begin_client(&self, 0, 0);
    if (pthread_create(&watcher, NULL, watch, NULL) || pthread_create(&writer, NULL, write_queued, NULL)) {
        fail(NULL, "a thread");
    }
    for (int64_t i = 0; i < count; i++) {
        began_at[i] = now_nanoseconds();
        commit_one(&self);
    }
    close_queue(writer);
    pthread_mutex_lock(&news.lock);
    news.is_closed = true;
    pthread_cond_signal(&news.changed);
    pthread_mutex_unlock(&news.lock);
    pthread_join(watcher, NULL);
    for (int64_t i = 0; i < count; i++) {
        add_time(&after, seen_at[i] - committed_at[i]);
        add_time(&whole, seen_at[i] - began_at[i]);
    }
    print_figures("watch.commit", 1, (size_t)count, 0, &after, "");
    print_figures("watch.begin", 1, (size_t)count, 0, &whole, "");
    free(began_at);
    free(seen_at);
    free(committed_at);
}

#endif
