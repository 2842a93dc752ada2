/* Loaded into a process with LD_PRELOAD: makes chosen flushes and writes of a database's files fail.

   FAULT_CONTROL names a file of at least 64 bytes, mapped by this process and by the test that steers it:
   int32 fields, in this order. Everything is read at each call, so that faults can be armed while the process runs.

   FAULT_FILLER names a file that is deleted when a flush of the -wal file fails by itself: what keeps a device full. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct control {
    atomic_int flush_after;   /* > 0: counts matching flushes down; the one that reaches 0 fails */
    atomic_int flush_times;   /* how many more fail after that one; -1: all */
    atomic_int write_after;   /* the same for writes */
    atomic_int write_times;
    atomic_int error;         /* errno they fail with */
    atomic_int flush_nothing; /* 1: flushes say yes and do nothing */
    atomic_int target;        /* 0: the -wal file, 1: the database file, 2: any file */
    atomic_int hits;          /* how many calls have failed */
};

static struct control *control;

__attribute__((constructor)) static void attach(void) {
    const char *path = getenv("FAULT_CONTROL");
    int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *mapped = mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (mapped != MAP_FAILED) control = mapped;
}

static int concerns(int file) {
    char link[64], path[1024];
    if (atomic_load(&control->target) == 2) return 1;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    size_t suffix = atomic_load(&control->target) == 0 ? 4 : 3;
    const char *wanted = suffix == 4 ? "-wal" : ".db";
    return (size_t)length > suffix && strcmp(path + length - suffix, wanted) == 0;
}

static int fails(int file, atomic_int *after, atomic_int *times) {
    if (!control || atomic_load(after) == 0 || !concerns(file)) return 0;
    int left = atomic_load(after);
    if (left > 1) {
        atomic_store(after, left - 1);
        return 0;
    }
    int more = atomic_load(times);
    if (more == 0) atomic_store(after, 0);
    if (more > 0) atomic_store(times, more - 1);
    atomic_fetch_add(&control->hits, 1);
    errno = atomic_load(&control->error);
    return 1;
}

#define REAL(type, name) ((type)dlsym(RTLD_NEXT, name))

/* A device that fails only for a moment: room comes back right after the kernel gave up the pages it couldn't write. */
static int passed(int file, int result) {
    const char *filler = getenv("FAULT_FILLER");
    if (result == 0 || !control || !filler || !concerns(file)) return result;
    int number = errno;
    if (unlink(filler) == 0) atomic_fetch_add(&control->hits, 1);
    errno = number;
    return result;
}

#define FLUSH(name)                                                                         \
    int name(int file) {                                                                    \
        static int (*real)(int);                                                            \
        if (!real) real = REAL(int (*)(int), #name);                                        \
        if (control && fails(file, &control->flush_after, &control->flush_times)) return -1; \
        if (control && atomic_load(&control->flush_nothing)) return 0;                      \
        return passed(file, real(file));                                                    \
    }

FLUSH(fsync)
FLUSH(fdatasync)

#define WRITE(name, offset_type)                                                            \
    ssize_t name(int file, const void *bytes, size_t count, offset_type offset) {           \
        static ssize_t (*real)(int, const void *, size_t, offset_type);                     \
        if (!real) real = REAL(ssize_t(*)(int, const void *, size_t, offset_type), #name);   \
        if (control && fails(file, &control->write_after, &control->write_times)) return -1; \
        return real(file, bytes, count, offset);                                            \
    }

WRITE(pwrite, off_t)
WRITE(pwrite64, off64_t)
