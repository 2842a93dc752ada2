/* Loaded into a process with LD_PRELOAD: makes chosen system calls of an archive's target fail, or be its last.

   ARCHIVE_FAULTS is a list of "CALL:ERROR:WHEN" with commas between. CALL is a name below, or "any". ERROR is an errno;
   0 kills the process before the call is made; -1 makes a write put half of its bytes. WHEN counts those calls from 1;
   0 means each. ARCHIVE_CALLS names a file to which a line is added for every call: its name, and the path of its
   file. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fault {
    char call[32];
    int error, when, seen;
};

static struct fault faults[8];
static int count;
static FILE *calls;

__attribute__((constructor)) static void read_faults(void) {
    const char *list = getenv("ARCHIVE_FAULTS"), *path = getenv("ARCHIVE_CALLS");
    while (list && count < 8) {
        struct fault *fault = &faults[count];
        if (sscanf(list, "%31[a-z0-9]:%d:%d", fault->call, &fault->error, &fault->when) == 3) count++;
        list = strchr(list, ',');
        if (list) list++;
    }
    if (path) calls = fopen(path, "ae");
}

/* 0, or the error that this call has. */
static int fault(const char *call, int file) {
    int found = 0;
    if (calls) {
        char link[64], name[1024] = "";
        snprintf(link, sizeof link, "/proc/self/fd/%d", file);
        if (readlink(link, name, sizeof name - 1) < 0) name[0] = 0;
        fprintf(calls, "%s %s\n", call, name);
        fflush(calls);
    }
    for (int index = 0; index < count; index++) {
        struct fault *fault = &faults[index];
        if (strcmp(fault->call, call) && strcmp(fault->call, "any")) continue;
        if (++fault->seen != fault->when && fault->when) continue;
        if (fault->error == 0) kill(getpid(), SIGKILL);
        found = fault->error;
    }
    return found;
}

#define REAL(name)                  \
    static __typeof__(name) *real; \
    if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)
#define FAIL(call, file)                    \
    do {                                    \
        int error = fault(call, file);      \
        if (error > 0) {                    \
            errno = error;                  \
            return -1;                      \
        }                                   \
    } while (0)

#define OPENAT(symbol)                                                       \
    int symbol(int folder, const char *path, int flags, ...) {               \
        REAL(symbol);                                                        \
        va_list rest;                                                        \
        va_start(rest, flags);                                               \
        mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;            \
        va_end(rest);                                                        \
        FAIL("openat", folder);                                              \
        return real(folder, path, flags, mode);                              \
    }

OPENAT(openat)
OPENAT(openat64)

ssize_t write(int file, const void *bytes, size_t size) {
    REAL(write);
    if (file <= 2) return real(file, bytes, size);
    int error = fault("write", file);
    if (error > 0) {
        errno = error;
        return -1;
    }
    return real(file, bytes, error < 0 ? (size + 1) / 2 : size);
}

int fsync(int file) {
    REAL(fsync);
    FAIL("fsync", file);
    return real(file);
}

int mkdirat(int folder, const char *path, mode_t mode) {
    REAL(mkdirat);
    FAIL("mkdirat", folder);
    return real(folder, path, mode);
}

int linkat(int from, const char *path, int to, const char *name, int flags) {
    REAL(linkat);
    FAIL("linkat", to);
    return real(from, path, to, name, flags);
}

int unlinkat(int folder, const char *path, int flags) {
    REAL(unlinkat);
    FAIL("unlinkat", folder);
    return real(folder, path, flags);
}

int renameat2(int from, const char *path, int to, const char *name, unsigned flags) {
    REAL(renameat2);
    FAIL("renameat2", to);
    return real(from, path, to, name, flags);
}

int fstatat(int folder, const char *path, struct stat *found, int flags) {
    REAL(fstatat);
    FAIL("fstatat", folder);
    return real(folder, path, found, flags);
}

int close(int file) {
    REAL(close);
    if (file > 2) FAIL("close", file);
    return real(file);
}
