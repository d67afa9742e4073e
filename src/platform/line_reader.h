// SPDX-License-Identifier: Apache-2.0
// Cuts bytes that come in parts of any size into lines. Only a line that a part ends within is
// copied, so memory is bounded by the longest line. `struct line_reader r = {.maximum = ...}`
// begins; line_reader_free gives its memory back.
#pragma once

#include "platform/buffer.h"

#include <stdbool.h>
#include <stddef.h>

struct line_reader {
    size_t maximum; /* bytes of a line, without its end */
    struct buffer begun;
    bool too_long; /* the line that has begun */
};

// Gets each line without its end (LF or CR LF), in order. One that is longer than the maximum comes
// as `line` NULL.
typedef void line_fn(void *arg, const char *line, size_t length);

void line_reader_feed(struct line_reader *reader, const char *data, size_t length, line_fn *take,
                      void *arg);

// After the last part: hands on a last line that has no end.
void line_reader_end(struct line_reader *reader, line_fn *take, void *arg);

void line_reader_free(struct line_reader *reader);
