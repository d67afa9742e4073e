// SPDX-License-Identifier: Apache-2.0
// A file that an operator may replace while we run: read whole, and seen to have changed by one
// stat(). The struct is its owner's; the owner guards it by a lock.
#pragma once

#include "platform/buffer.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define WATCHED_FILE_ERROR_SIZE 256

struct file_stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    int64_t modified_ns;
};

struct watched_file {
    char *path;
    struct file_stamp tried; /* of the last content that was read; zeros: there was no file */
    bool good;               /* whether that content was accepted; set by the owner */
};

void watched_file_init(struct watched_file *file, const char *path);
void watched_file_release(struct watched_file *file);

// Whether the file differs from what was tried last.
bool watched_file_changed(const struct watched_file *file);

// Reads the whole file into `content`, up to its maximum, and remembers it as tried and not (yet)
// good. False with one line in `error` when it cannot be read, is no regular file or too large.
bool watched_file_read(struct watched_file *file, struct buffer *content,
                       char error[static WATCHED_FILE_ERROR_SIZE]);
