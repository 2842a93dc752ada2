#include <libpq-fe.h>
#include <sys/eventfd.h>

/* What Swift can't call by itself: functions with a variable number of arguments, and what Glibc's module lacks. */

/* A counter to wait for with poll, closed in children. */
static inline int metastore_eventfd(void) {
    return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}
