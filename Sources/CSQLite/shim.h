#include <linux/stat.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/ioctl.h>
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

/* When a file was made, as statx(2) tells. */
struct metastore_file_birth {
    unsigned long long inode;
    long long seconds;
    unsigned int nanoseconds;
    int is_known;
};

static inline int metastore_look_for_birth(const char *path, struct metastore_file_birth *found) {
    struct statx status;
    if (syscall(SYS_statx, -100 /* AT_FDCWD */, path, 0x100 /* AT_SYMLINK_NOFOLLOW */, STATX_INO | STATX_BTIME,
                &status) != 0) return -1;
    found->inode = status.stx_ino;
    found->seconds = status.stx_btime.tv_sec;
    found->nanoseconds = status.stx_btime.tv_nsec;
    found->is_known = (status.stx_mask & STATX_BTIME) != 0;
    return 0;
}

/* The eight bytes of statfs(2) by which ext4 tells its UUID, folded. */
static inline int metastore_file_system_number(const char *path, unsigned char *number) {
    struct statfs found;
    if (statfs(path, &found) != 0) return -1;
    memcpy(number, &found.f_fsid, 8);
    return 0;
}

/* XFS_IOC_FSGEOMETRY_V1; its header is not everywhere. */
static inline int metastore_xfs_identifier(int directory, unsigned char *identifier) {
    struct { unsigned long long words[8]; unsigned char uuid[16]; unsigned int rest[8]; } geometry;
    if (ioctl(directory, _IOC(_IOC_READ, 'X', 100, 112), &geometry) != 0) return -1;
    memcpy(identifier, geometry.uuid, 16);
    return 0;
}

/* BTRFS_IOC_FS_INFO */
static inline int metastore_btrfs_identifier(int directory, unsigned char *identifier) {
    struct { unsigned long long counts[2]; unsigned char uuid[16]; unsigned char rest[992]; } found;
    memset(&found, 0, sizeof found);
    if (ioctl(directory, _IOC(_IOC_READ, 0x94, 31, 1024), &found) != 0) return -1;
    memcpy(identifier, found.uuid, 16);
    return 0;
}

/* FS_IOC_GETFSUUID, of Linux 6.9 */
static inline int metastore_file_system_identifier(int directory, unsigned char *identifier) {
    struct { unsigned char length; unsigned char uuid[16]; } found;
    if (ioctl(directory, _IOC(_IOC_READ, 0x15, 0, 17), &found) != 0) return -1;
    if (found.length != 16) return -1;
    memcpy(identifier, found.uuid, 16);
    return 0;
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
