// SPDX-License-Identifier: Apache-2.0
// Whether a file is in use is asked by connecting to it. The folder is locked from that question to
// the act that follows it, or of two processes that start at once one would remove the other's
// file.
#include "platform/http/unix_listener.h"

#include "platform/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define MODE 0660

static int open_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static bool fill_address(const char *path, struct sockaddr_un *ret)
{
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length >= sizeof ret->sun_path) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(ret->sun_path, path, length);
    return true;
}

// Closing the descriptor that it answers unlocks; -1 with errno set when there is no such folder.
static int lock_folder(const char *path)
{
    char *copy = memory_copy_text(path);
    int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(copy);
    while (folder >= 0 && flock(folder, LOCK_EX) != 0 && errno == EINTR) {
    }
    return folder;
}

static bool is_dead_socket(const struct sockaddr_un *at)
{
    struct stat file;
    if (lstat(at->sun_path, &file) != 0 || !S_ISSOCK(file.st_mode)) {
        return false;
    }
    int probe = open_socket();
    bool dead = probe >= 0 && connect(probe, (const struct sockaddr *)at, sizeof *at) != 0 &&
                errno == ECONNREFUSED;
    if (probe >= 0) {
        close(probe);
    }
    return dead;
}

static void remove_dead(const struct sockaddr_un *at)
{
    if (is_dead_socket(at)) {
        unlink(at->sun_path);
    }
}

// Nobody can connect before it listens, so nobody finds it with another mode.
static int listen_at(const struct sockaddr_un *at, int backlog)
{
    int fd = open_socket();
    if (fd < 0) {
        return -1;
    }
    remove_dead(at);
    bool bound = bind(fd, (const struct sockaddr *)at, sizeof *at) == 0;
    if (bound && chmod(at->sun_path, MODE) == 0 && listen(fd, backlog) == 0) {
        return fd;
    }
    int error = errno;
    close(fd);
    if (bound) {
        unlink(at->sun_path);
    }
    errno = error;
    return -1;
}

int unix_listener_open(const char *path, int backlog)
{
    struct sockaddr_un at;
    int folder = fill_address(path, &at) ? lock_folder(path) : -1;
    if (folder < 0) {
        return -1;
    }
    int fd = listen_at(&at, backlog);
    int error = errno;
    close(folder);
    errno = error;
    return fd;
}

void unix_listener_close(int listener, const char *path)
{
    struct sockaddr_un at;
    int folder = lock_folder(path);
    close(listener);
    // By now the file may be another process's: then it is left alone.
    if (fill_address(path, &at)) {
        remove_dead(&at);
    }
    if (folder >= 0) {
        close(folder);
    }
}
