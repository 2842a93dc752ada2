#include <sqlite3.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* What Swift can't call by itself: functions with a variable number of arguments, and what Glibc's module lacks. */

static inline int metastore_set_database_flag(sqlite3 *database, int flag, int on) {
    return sqlite3_db_config(database, flag, on, (int *)0);
}

/* The magic number of the file system that holds `path`, or -1 with errno set. */
static inline long long metastore_file_system_magic(const char *path) {
    struct statfs found;
    return statfs(path, &found) == 0 ? (long long)(unsigned int)found.f_type : -1;
}

/* renameat2(RENAME_NOREPLACE): fails with EEXIST rather than replacing `to`. */
static inline int metastore_rename_without_replacing(const char *from, const char *to) {
    return (int)syscall(SYS_renameat2, -100 /* AT_FDCWD */, from, -100, to, 1u);
}

/* renameat2(RENAME_EXCHANGE): each of the two files gets the other's name, in one step. */
static inline int metastore_rename_exchanging(const char *one, const char *other) {
    return (int)syscall(SYS_renameat2, -100 /* AT_FDCWD */, one, -100, other, 2u);
}

/* A flag of open(2) that needs _GNU_SOURCE: the file's time of access stays as it is. */
static const int METASTORE_O_NOATIME = 01000000;

/* Extended result codes: macros too involved for Swift to import. */
static const int METASTORE_CONSTRAINT_CHECK = SQLITE_CONSTRAINT_CHECK;
static const int METASTORE_CONSTRAINT_FOREIGNKEY = SQLITE_CONSTRAINT_FOREIGNKEY;
static const int METASTORE_CONSTRAINT_NOTNULL = SQLITE_CONSTRAINT_NOTNULL;
static const int METASTORE_CONSTRAINT_PRIMARYKEY = SQLITE_CONSTRAINT_PRIMARYKEY;
static const int METASTORE_CONSTRAINT_ROWID = SQLITE_CONSTRAINT_ROWID;
static const int METASTORE_CONSTRAINT_UNIQUE = SQLITE_CONSTRAINT_UNIQUE;
static const int METASTORE_READONLY_CANTINIT = SQLITE_READONLY_CANTINIT;
static const int METASTORE_READONLY_DIRECTORY = SQLITE_READONLY_DIRECTORY;
static const int METASTORE_IOERR_SHMOPEN = SQLITE_IOERR_SHMOPEN;
static const int METASTORE_IOERR_SHORT_READ = SQLITE_IOERR_SHORT_READ;
static const int METASTORE_IOERR_SHMSIZE = SQLITE_IOERR_SHMSIZE;
