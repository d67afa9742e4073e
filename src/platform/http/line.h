// SPDX-License-Identifier: Apache-2.0
// Connections that libcurl makes and encrypts, on a loop, and that others talk over: it resolves
// names, tries the next address, speaks TLS. Internal to platform/http; on the loop's thread.
#pragma once

#include "platform/loop.h"

#include <stdbool.h>
#include <stddef.h>

struct dialler;
struct line;

struct dialler *dialler_new(struct loop *loop);

// All its lines have been hung up.
void dialler_free(struct dialler **dialler);

// Called once, later: `why` is NULL when the line is connected, else static text for people, and
// `absent` says that nobody was there rather than that somebody was refused.
typedef void dialled_fn(void *arg, const char *why, bool absent);

// Starts to connect to the origin of a URL (see url.h).
struct line *line_dial(struct dialler *dialler, const char *origin, dialled_fn *done, void *arg);

// Closes it, connected or not: `done` is not called any more.
void line_hang_up(struct line **line);

// ---- of a connected line

// To be watched, not to be read or closed.
int line_socket(const struct line *line);

// Whether what was received may be more than the socket shows: then it is read until LINE_WAIT.
bool line_is_encrypted(const struct line *line);

enum line_outcome {
    LINE_DONE,
    LINE_WAIT,  /* nothing now: the socket will show when */
    LINE_BROKEN /* no further byte will pass */
};

// As send(2) and recv(2): *ret_length bytes were taken or came; 0 received bytes are the end. What
// had to wait is sent again with the same bytes and length.
enum line_outcome line_send(struct line *line, const char *data, size_t length, size_t *ret_length);
enum line_outcome line_receive(struct line *line, char *data, size_t size, size_t *ret_length);
