/* What was measured, as one JSON object a line: the shape of metastore-bench. */
#ifndef FIGURES_H
#define FIGURES_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    int64_t *nanoseconds;
    size_t count, room;
} latencies;

static void add_time(latencies *times, int64_t duration) {
    if (times->count == times->room) {
        times->room = times->room ? 2 * times->room : 4096;
        times->nanoseconds = realloc(times->nanoseconds, times->room * sizeof *times->nanoseconds);
        if (!times->nanoseconds) {
            fputs("floor: out of memory\n", stderr);
            exit(1);
        }
    }
    times->nanoseconds[times->count++] = duration;
}

static int by_length(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static double percentile(const latencies *times, size_t hundredth) {
    return (double)times->nanoseconds[times->count * hundredth / 100] / 1e3;
}

/* `times` may be empty: then no percentiles are told. `more` is further fields with a comma before each. */
static void print_figures(const char *work, int clients, size_t operations, double seconds, latencies *times,
    const char *more) {
    printf("{\"work\":\"floor.%s\",\"clients\":%d,\"operations\":%zu", work, clients, operations);
    if (seconds > 0) printf(",\"seconds\":%.4f,\"per_second\":%.1f", seconds, (double)operations / seconds);
    if (times && times->count) {
        qsort(times->nanoseconds, times->count, sizeof *times->nanoseconds, by_length);
        printf(",\"p50_us\":%.2f,\"p99_us\":%.2f", percentile(times, 50), percentile(times, 99));
        free(times->nanoseconds);
    }
    printf("%s}\n", more);
    fflush(stdout);
}

#endif
