/* A disk that fails on order and forgets on power loss, put before the C library by LD_PRELOAD.

   It looks at what a process does to files in the folder FAULTS_DATA (all but shared memory and
   lock files), lets the calls through, and beside them

   - takes orders from the words of FAULTS_DISK/orders: raise SIGKILL at the n-th write or sync of
     the write-ahead log or of the database, refuse writes as a full disk does, fail syncs;
   - keeps in FAULTS_DISK what a disk would still have after a loss of power:
       kept/<inode>   the bytes of a file that were synced,
       dirty/<inode>  a byte per page of 4 KiB: 1 where it was written and not synced since,
       names          the names that the folder had when it was last synced, with their inodes,
       graves/<inode> files whose names are gone, so that no inode is used twice.

   All of it lies in files or shared mappings of files, so that it outlives SIGKILL at any
   instruction. A page is marked before and after it is written, and unmarked only after it was
   copied. As on Linux, a sync that fails unmarks the pages: the next one will not bring them. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES_MAX = 1 << 18, FILES_MAX = 8192, FDS_MAX = 1 << 20 };

/* The words of `orders`, as crates/sim/src/faults/disk.rs has them. */
enum { SITES, COUNTDOWN, HOW, FULL, SYNCS_FAIL, CALLS = 8, REFUSED = 12, FAILED, KILLED, WORDS };
/* Sites, as bits; CALLS counts each in this order. */
enum { LOG_WRITE = 1, LOG_SYNC = 2, DB_WRITE = 4, DB_SYNC = 8 };
enum { KILL_BEFORE, KILL_HALFWAY, KILL_AFTER };
enum { FULL_FOR_GROWTH = 1, FULL_FOR_ALL = 2 };

struct file {
    ino_t inode;
    int write_site, sync_site; /* 0: neither log nor database */
    int kept;                  /* the descriptor of kept/<inode>, -1 until it was synced */
    _Atomic uint8_t *dirty;
};

static const char *data, *disk;
static _Atomic uint64_t *orders;
static struct file files[FILES_MAX];
static int files_len;
static _Atomic int16_t file_of[FDS_MAX]; /* 1 + index in files, by descriptor */
static pthread_mutex_t table = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t syncing = PTHREAD_MUTEX_INITIALIZER;

static int (*real_open)(const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_rename)(const char *, const char *);
static int (*real_unlink)(const char *);
static int (*real_renameat2)(int, const char *, int, const char *, unsigned);
static int (*real_unlinkat)(int, const char *, int);
static int (*real_dup)(int);
static int (*real_dup2)(int, int);

/* A harness that lies is worse than none. */
static void broken(const char *what) {
    fprintf(stderr, "faults/disk.c: %s: %s\n", what, strerror(errno));
    abort();
}

static void *next(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) broken(name);
    return found;
}

static void *map(const char *path, size_t bytes) {
    int fd = real_open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    void *mapped;
    if (fd < 0 || real_ftruncate(fd, bytes) != 0) broken(path);
    mapped = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) broken(path);
    real_close(fd);
    return mapped;
}

__attribute__((constructor)) static void begin(void) {
    char path[PATH_MAX];
    real_open = next("open");
    real_close = next("close");
    real_write = next("write");
    real_pwrite = next("pwrite");
    real_ftruncate = next("ftruncate");
    real_fsync = next("fsync");
    real_fdatasync = next("fdatasync");
    real_rename = next("rename");
    real_unlink = next("unlink");
    real_renameat2 = next("renameat2");
    real_unlinkat = next("unlinkat");
    real_dup = next("dup");
    real_dup2 = next("dup2");
    disk = getenv("FAULTS_DISK");
    data = getenv("FAULTS_DATA");
    if (!disk || !data) {
        data = NULL;
        return;
    }
    snprintf(path, sizeof path, "%s/orders", disk);
    orders = map(path, WORDS * sizeof *orders);
}

/* The name below the data folder, or NULL for what is no file of interest. */
static const char *name_in_data(const char *path) {
    size_t bytes = data ? strlen(data) : 0;
    const char *name;
    if (!bytes || strncmp(path, data, bytes) != 0 || path[bytes] != '/') return NULL;
    name = path + bytes + 1;
    bytes = strlen(name);
    if (!bytes || strchr(name, '/')) return NULL;
    if (bytes > 4 && strcmp(name + bytes - 4, "-shm") == 0) return NULL;
    if (bytes > 5 && strcmp(name + bytes - 5, ".lock") == 0) return NULL;
    return name;
}

static struct file *file_at(int fd) {
    int index = fd >= 0 && fd < FDS_MAX ? file_of[fd] : 0;
    return index ? &files[index - 1] : NULL;
}

static void mark(struct file *file, off_t from, off_t to) {
    off_t page;
    for (page = from / PAGE; page * PAGE < to; page++) {
        if (page >= PAGES_MAX) broken("a file grew beyond what can be recorded");
        file->dirty[page] = 1;
    }
}

static int is(const char *name, const char *suffix) {
    size_t bytes = strlen(name), wanted = strlen(suffix);
    return bytes >= wanted && strcmp(name + bytes - wanted, suffix) == 0;
}

static void opened(int fd, const char *path, int flags) {
    const char *name = name_in_data(path);
    char beside[PATH_MAX];
    struct stat found;
    struct file *file;
    int index;
    if (!name || fd >= FDS_MAX || fstat(fd, &found) != 0 || !S_ISREG(found.st_mode)) return;
    pthread_mutex_lock(&table);
    for (index = 0; index < files_len && files[index].inode != found.st_ino; index++) {}
    if (index == FILES_MAX) {
        errno = EMFILE;
        broken("more files than can be recorded");
    }
    file = &files[index];
    if (index == files_len) {
        snprintf(beside, sizeof beside, "%s/dirty/%lu", disk, (unsigned long)found.st_ino);
        file->inode = found.st_ino;
        file->dirty = map(beside, PAGES_MAX);
        file->write_site = is(name, ".db-wal") ? LOG_WRITE : is(name, ".db") ? DB_WRITE : 0;
        file->sync_site = is(name, ".db-wal") ? LOG_SYNC : is(name, ".db") ? DB_SYNC : 0;
        snprintf(beside, sizeof beside, "%s/kept/%lu", disk, (unsigned long)found.st_ino);
        file->kept = real_open(beside, O_RDWR | O_CLOEXEC);
        files_len++;
    }
    file_of[fd] = index + 1;
    if (flags & O_TRUNC) mark(file, 0, 1);
    pthread_mutex_unlock(&table);
}

static void die(int site) {
    orders[KILLED] = site;
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

/* Counts a call at a site; returns whether it is the one to die at. */
static int is_last(int site) {
    if (!site) return 0;
    orders[CALLS + __builtin_ctz(site)]++;
    return (orders[SITES] & site) && atomic_fetch_sub(&orders[COUNTDOWN], 1) == 1;
}

static ssize_t written(int fd, const void *bytes, size_t len, off_t at) {
    struct file *file = file_at(fd);
    struct stat now;
    ssize_t done;
    int last;
    if (!file) return real_pwrite(fd, bytes, len, at);
    last = is_last(file->write_site);
    if (last && orders[HOW] == KILL_BEFORE) die(file->write_site);
    if (orders[FULL] && fstat(fd, &now) == 0 &&
        (orders[FULL] == FULL_FOR_ALL || at + (off_t)len > now.st_size)) {
        orders[REFUSED]++;
        errno = ENOSPC;
        return -1;
    }
    mark(file, at, at + len);
    if (last && orders[HOW] == KILL_HALFWAY) {
        real_pwrite(fd, bytes, len / 2, at);
        die(file->write_site);
    }
    done = real_pwrite(fd, bytes, len, at);
    mark(file, at, at + len);
    if (last) die(file->write_site);
    return done;
}

/* Copies what was written since the last sync to the kept bytes. */
static void keep(struct file *file, int fd) {
    char page[PAGE], path[PATH_MAX];
    struct stat now;
    off_t index, pages;
    int from;
    if (fstat(fd, &now) != 0) broken("fstat");
    if (file->kept < 0) {
        snprintf(path, sizeof path, "%s/kept/%lu", disk, (unsigned long)file->inode);
        file->kept = real_open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (file->kept < 0) broken(path);
    }
    /* The caller's descriptor may be one that cannot read. */
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    from = real_open(path, O_RDONLY | O_CLOEXEC);
    if (from < 0) broken(path);
    pages = (now.st_size + PAGE - 1) / PAGE;
    for (index = 0; index < pages; index++) {
        uint8_t copied = 2;
        ssize_t got;
        if (!file->dirty[index]) continue;
        file->dirty[index] = copied;
        got = pread(from, page, PAGE, index * PAGE);
        if (got < 0 || real_pwrite(file->kept, page, got, index * PAGE) != got) broken("keep");
        atomic_compare_exchange_strong(&file->dirty[index], &copied, 0);
    }
    real_close(from);
    if (real_ftruncate(file->kept, now.st_size) != 0) broken("keep");
}

static void keep_names(void) {
    char fresh[PATH_MAX], path[PATH_MAX], line[PATH_MAX];
    struct dirent *entry;
    struct stat now;
    DIR *folder = opendir(data);
    int names;
    snprintf(fresh, sizeof fresh, "%s/names.new", disk);
    names = real_open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (!folder || names < 0) broken("names");
    while ((entry = readdir(folder))) {
        if (snprintf(path, sizeof path, "%s/%s", data, entry->d_name) >= PATH_MAX) continue;
        if (!name_in_data(path) || stat(path, &now) != 0 || !S_ISREG(now.st_mode)) continue;
        if (snprintf(line, sizeof line, "%lu %s\n", (unsigned long)now.st_ino, entry->d_name) < 0 ||
            real_write(names, line, strlen(line)) != (ssize_t)strlen(line))
            broken("names");
    }
    closedir(folder);
    real_close(names);
    snprintf(path, sizeof path, "%s/names", disk);
    if (real_rename(fresh, path) != 0) broken("names");
}

static int is_data(int fd) {
    struct stat now, folder;
    return data && fstat(fd, &now) == 0 && S_ISDIR(now.st_mode) && stat(data, &folder) == 0 &&
           now.st_ino == folder.st_ino && now.st_dev == folder.st_dev;
}

static int synced(int (*real)(int), int fd) {
    struct file *file = file_at(fd);
    int done, last;
    if (!file) {
        done = real(fd);
        if (done == 0 && is_data(fd)) {
            pthread_mutex_lock(&syncing);
            keep_names();
            pthread_mutex_unlock(&syncing);
        }
        return done;
    }
    last = is_last(file->sync_site);
    if (last && orders[HOW] != KILL_AFTER) die(file->sync_site);
    if (file->sync_site & orders[SYNCS_FAIL]) {
        off_t index;
        for (index = 0; index < PAGES_MAX; index++) file->dirty[index] = 0;
        orders[FAILED]++;
        errno = EIO;
        return -1;
    }
    done = real(fd);
    if (done == 0) {
        pthread_mutex_lock(&syncing);
        keep(file, fd);
        pthread_mutex_unlock(&syncing);
    }
    if (last) die(file->sync_site);
    return done;
}

/* Keeps a file that is about to lose its name from losing its inode too. */
static void bury(const char *path) {
    char grave[PATH_MAX];
    struct stat now;
    if (!name_in_data(path) || stat(path, &now) != 0) return;
    snprintf(grave, sizeof grave, "%s/graves/%lu", disk, (unsigned long)now.st_ino);
    if (link(path, grave) != 0 && errno != EEXIST) broken(grave);
}

#define OPEN(name)                                                \
    int name(const char *path, int flags, ...) {                  \
        int fd, mode = 0;                                         \
        if (flags & (O_CREAT | __O_TMPFILE)) {                    \
            va_list rest;                                         \
            va_start(rest, flags);                                \
            mode = va_arg(rest, int);                             \
            va_end(rest);                                         \
        }                                                         \
        fd = real_open(path, flags, mode);                        \
        if (fd >= 0) opened(fd, path, flags);                     \
        return fd;                                                \
    }
OPEN(open)
OPEN(open64)

int close(int fd) {
    if (fd >= 0 && fd < FDS_MAX) file_of[fd] = 0;
    return real_close(fd);
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at) {
    return written(fd, bytes, len, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at) {
    return written(fd, bytes, len, at);
}

ssize_t write(int fd, const void *bytes, size_t len) {
    off_t at;
    ssize_t done;
    if (!file_at(fd) || (at = lseek(fd, 0, SEEK_CUR)) < 0) return real_write(fd, bytes, len);
    done = written(fd, bytes, len, at);
    if (done > 0) lseek(fd, at + done, SEEK_SET);
    return done;
}

int ftruncate(int fd, off_t len) {
    struct file *file = file_at(fd);
    int done = real_ftruncate(fd, len);
    if (file && done == 0 && len % PAGE) mark(file, len - 1, len);
    return done;
}

int ftruncate64(int fd, off_t len) { return ftruncate(fd, len); }

int fsync(int fd) { return synced(real_fsync, fd); }

int fdatasync(int fd) { return synced(real_fdatasync, fd); }

int rename(const char *from, const char *to) {
    bury(to);
    return real_rename(from, to);
}

int unlink(const char *path) {
    bury(path);
    return real_unlink(path);
}

/* The next two: paths are absolute, as all in the data folder are. */
int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags) {
    bury(to);
    return real_renameat2(from_dir, from, to_dir, to, flags);
}

int unlinkat(int dir, const char *path, int flags) {
    bury(path);
    return real_unlinkat(dir, path, flags);
}

static int same(int from, int to) {
    if (from >= 0 && from < FDS_MAX && to >= 0 && to < FDS_MAX) file_of[to] = file_of[from];
    return to;
}

int dup(int fd) { return same(fd, real_dup(fd)); }

int dup2(int fd, int to) { return same(fd, real_dup2(fd, to)); }
