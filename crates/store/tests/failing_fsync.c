/* Preloaded before the C library: while the trigger file exists, fsync and fdatasync fail for
   files whose name ends as it says. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fails(int fd) {
    const char *trigger = getenv("PARLOR_STORE_TEST_FSYNC_TRIGGER");
    const char *suffix = getenv("PARLOR_STORE_TEST_FSYNC_SUFFIX");
    char link[64], path[4096];
    ssize_t bytes;
    size_t wanted;
    if (!trigger || !suffix || access(trigger, F_OK) != 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    bytes = readlink(link, path, sizeof path);
    wanted = strlen(suffix);
    return bytes >= (ssize_t)wanted && memcmp(path + bytes - wanted, suffix, wanted) == 0;
}

static int passed_on(const char *name, int fd) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    if (fails(fd)) {
        errno = EIO;
        return -1;
    }
    return real(fd);
}

int fsync(int fd) { return passed_on("fsync", fd); }
int fdatasync(int fd) { return passed_on("fdatasync", fd); }
