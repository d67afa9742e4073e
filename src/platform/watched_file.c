// SPDX-License-Identifier: Apache-2.0
// Files that change while we run, told apart by device, inode, size and time of change.
#include "platform/watched_file.h"

#include "platform/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_SIZE 65536

void watched_file_init(struct watched_file *file, const char *path)
{
    *file = (struct watched_file){.path = memory_copy_text(path)};
}

void watched_file_release(struct watched_file *file)
{
    free(file->path);
    file->path = NULL;
}

static struct file_stamp stamp_of(const struct stat *status)
{
    return (struct file_stamp){
        .device = status->st_dev,
        .inode = status->st_ino,
        .size = status->st_size,
        .modified_ns = status->st_mtim.tv_sec * INT64_C(1000000000) + status->st_mtim.tv_nsec,
    };
}

bool watched_file_changed(const struct watched_file *file)
{
    struct stat status;
    struct file_stamp now = {0};
    if (stat(file->path, &status) == 0) {
        now = stamp_of(&status);
    }
    return now.device != file->tried.device || now.inode != file->tried.inode ||
           now.size != file->tried.size || now.modified_ns != file->tried.modified_ns;
}

static bool read_all(int descriptor, struct buffer *content)
{
    char *block = memory_new(READ_SIZE);
    ssize_t count = 0;
    do {
        count = read(descriptor, block, READ_SIZE);
        if (count > 0 && !buffer_add(content, block, (size_t)count)) {
            errno = EFBIG;
            count = -1;
            break;
        }
    } while (count > 0 || (count < 0 && errno == EINTR));
    free(block);
    return count == 0;
}

bool watched_file_read(struct watched_file *file, struct buffer *content,
                       char error[static WATCHED_FILE_ERROR_SIZE])
{
    file->tried = (struct file_stamp){0};
    file->good = false;
    bool read = false;
    struct stat status;
    int descriptor = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor >= 0 && fstat(descriptor, &status) == 0) {
        file->tried = stamp_of(&status);
        errno = EINVAL;
        read = S_ISREG(status.st_mode) && read_all(descriptor, content);
    }
    if (!read) {
        snprintf(error, WATCHED_FILE_ERROR_SIZE, "%.160s: %s", file->path, strerror(errno));
    }
    if (descriptor >= 0) {
        close(descriptor);
    }
    return read;
}
