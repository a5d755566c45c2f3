/* Preloaded into a process: notes every change that it makes to files under RECORD_ROOT, and when
   it forces one onto the disk, in the order in which they happen. Build:
   cc -shared -fPIC -O1 -o recorder.so recorder.c -ldl -lpthread

   A record in RECORD_LOG: operation (1 byte), seconds (double, CLOCK_MONOTONIC), inode, offset,
   lengths of first path, second path and data (each uint64), then these three. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t turn = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static int out = -1;
static const char *root;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void) {
    const char *log = getenv("RECORD_LOG");
    root = getenv("RECORD_ROOT");
    if (log && root)
        out = syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static void lock_before_fork(void) { pthread_mutex_lock(&turn); }
static void unlock_after_fork(void) { pthread_mutex_unlock(&turn); }
__attribute__((constructor)) static void keep_forks_whole(void) {
    pthread_atfork(lock_before_fork, unlock_after_fork, unlock_after_fork);
}

static int is_inside(const char *path) {
    return out >= 0 && root && strncmp(path, root, strlen(root)) == 0;
}

static void note(char operation, uint64_t inode, uint64_t offset, const char *first,
                 const char *second, const void *data, uint64_t size) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double seconds = now.tv_sec + now.tv_nsec / 1e9;
    uint64_t head[5] = {inode, offset, strlen(first), strlen(second), size};
    struct iovec parts[6] = {{&operation, 1},        {&seconds, sizeof seconds},
                             {head, sizeof head},    {(void *)first, head[2]},
                             {(void *)second, head[3]}, {(void *)data, size}};
    if (syscall(SYS_writev, out, parts, 6) < 0) abort();
}

/* The path of an open file, and its inode; 0 where it is not inside. */
static int of_descriptor(int fd, char *path, uint64_t *inode) {
    char link[64];
    struct stat found;
    if (out < 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    if (!is_inside(path) || fstat(fd, &found) < 0) return 0;
    *inode = found.st_ino;
    return 1;
}

static int absolute(int folder, const char *path, char *full) {
    if (path[0] == '/' ) { snprintf(full, PATH_MAX, "%s", path); return 1; }
    char base[PATH_MAX], link[64];
    if (folder == AT_FDCWD) { if (!getcwd(base, sizeof base)) return 0; }
    else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        ssize_t length = readlink(link, base, sizeof base - 1);
        if (length < 0) return 0;
        base[length] = 0;
    }
    return snprintf(full, PATH_MAX, "%s/%s", base, path) < PATH_MAX;
}

static int open_at(int folder, const char *path, int flags, mode_t mode) {
    char full[PATH_MAX];
    struct stat found;
    pthread_mutex_lock(&turn);
    int inside = absolute(folder, path, full) && is_inside(full);
    int is_new = inside && (flags & O_CREAT) && lstat(full, &found) < 0;
    int fd = syscall(SYS_openat, folder, path, flags, mode), problem = errno;
    if (fd >= 0 && inside && fstat(fd, &found) == 0) {
        if (is_new) note('C', found.st_ino, 0, full, "", "", 0);
        else if (flags & O_TRUNC) note('T', found.st_ino, 0, full, "", "", 0);
    }
    pthread_mutex_unlock(&turn);
    errno = problem;
    return fd;
}

#define OPEN(name)                                             \
    int name(const char *path, int flags, ...) {               \
        va_list rest; va_start(rest, flags);                   \
        mode_t mode = va_arg(rest, mode_t); va_end(rest);      \
        return open_at(AT_FDCWD, path, flags, mode);           \
    }
#define OPENAT(name)                                           \
    int name(int folder, const char *path, int flags, ...) {   \
        va_list rest; va_start(rest, flags);                   \
        mode_t mode = va_arg(rest, mode_t); va_end(rest);      \
        return open_at(folder, path, flags, mode);             \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

ssize_t write(int fd, const void *data, size_t size) {
    char path[PATH_MAX];
    uint64_t inode;
    pthread_mutex_lock(&turn);
    ssize_t done = syscall(SYS_write, fd, data, size);
    int problem = errno;
    if (done > 0 && of_descriptor(fd, path, &inode))
        note('W', inode, lseek(fd, 0, SEEK_CUR) - done, path, "", data, done);
    pthread_mutex_unlock(&turn);
    errno = problem;
    return done;
}

static ssize_t write_at(int fd, const void *data, size_t size, off_t offset) {
    char path[PATH_MAX];
    uint64_t inode;
    pthread_mutex_lock(&turn);
    ssize_t done = syscall(SYS_pwrite64, fd, data, size, offset);
    int problem = errno;
    if (done > 0 && of_descriptor(fd, path, &inode))
        note('W', inode, offset, path, "", data, done);
    pthread_mutex_unlock(&turn);
    errno = problem;
    return done;
}
ssize_t pwrite(int fd, const void *d, size_t n, off_t o) { return write_at(fd, d, n, o); }
ssize_t pwrite64(int fd, const void *d, size_t n, off_t o) { return write_at(fd, d, n, o); }

static int truncate_to(int fd, off_t length) {
    char path[PATH_MAX];
    uint64_t inode;
    pthread_mutex_lock(&turn);
    int result = syscall(SYS_ftruncate, fd, length), problem = errno;
    if (result == 0 && of_descriptor(fd, path, &inode)) note('T', inode, length, path, "", "", 0);
    pthread_mutex_unlock(&turn);
    errno = problem;
    return result;
}
int ftruncate(int fd, off_t length) { return truncate_to(fd, length); }
int ftruncate64(int fd, off_t length) { return truncate_to(fd, length); }

static int force(long call, int fd) {
    char path[PATH_MAX];
    uint64_t inode;
    pthread_mutex_lock(&turn);
    int result = syscall(call, fd), problem = errno;
    if (result == 0 && of_descriptor(fd, path, &inode)) note('S', inode, 0, path, "", "", 0);
    pthread_mutex_unlock(&turn);
    errno = problem;
    return result;
}
int fsync(int fd) { return force(SYS_fsync, fd); }
int fdatasync(int fd) { return force(SYS_fdatasync, fd); }

int rename(const char *from, const char *to) {
    char first[PATH_MAX], second[PATH_MAX];
    pthread_mutex_lock(&turn);
    int result = syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0), problem = errno;
    if (result == 0 && absolute(AT_FDCWD, from, first) && absolute(AT_FDCWD, to, second) &&
        is_inside(second))
        note('R', 0, 0, first, second, "", 0);
    pthread_mutex_unlock(&turn);
    errno = problem;
    return result;
}

int unlink(const char *path) {
    char full[PATH_MAX];
    pthread_mutex_lock(&turn);
    int result = syscall(SYS_unlinkat, AT_FDCWD, path, 0), problem = errno;
    if (result == 0 && absolute(AT_FDCWD, path, full) && is_inside(full))
        note('U', 0, 0, full, "", "", 0);
    pthread_mutex_unlock(&turn);
    errno = problem;
    return result;
}

int mkdir(const char *path, mode_t mode) {
    char full[PATH_MAX];
    pthread_mutex_lock(&turn);
    int result = syscall(SYS_mkdirat, AT_FDCWD, path, mode), problem = errno;
    if (result == 0 && absolute(AT_FDCWD, path, full) && is_inside(full))
        note('M', 0, 0, full, "", "", 0);
    pthread_mutex_unlock(&turn);
    errno = problem;
    return result;
}
