// SPDX-License-Identifier: Apache-2.0
// Lines inside a part are handed on where they stand; `begun` holds the start of the one that goes
// on in the next part.
#include "platform/line_reader.h"

#include <string.h>

static void hand_on(const struct line_reader *reader, const char *line, size_t length,
                    line_fn *take, void *arg)
{
    if (length > 0 && line[length - 1] == '\r') {
        length--;
    }
    if (length > reader->maximum) {
        take(arg, NULL, 0);
    } else {
        take(arg, line, length);
    }
}

// Keeps a byte more than a line may have, for its CR.
static void keep(struct line_reader *reader, const char *data, size_t length)
{
    reader->too_long = reader->too_long || reader->begun.length + length > reader->maximum + 1;
    if (!reader->too_long) {
        buffer_add(&reader->begun, data, length);
    }
}

static void end_begun(struct line_reader *reader, line_fn *take, void *arg)
{
    if (reader->too_long) {
        take(arg, NULL, 0);
    } else {
        hand_on(reader, reader->begun.data, reader->begun.length, take, arg);
    }
    reader->too_long = false;
    buffer_clear(&reader->begun);
}

void line_reader_feed(struct line_reader *reader, const char *data, size_t length, line_fn *take,
                      void *arg)
{
    const char *end = data + length;
    while (data < end) {
        const char *newline = memchr(data, '\n', (size_t)(end - data));
        const size_t part = (size_t)((newline != NULL ? newline : end) - data);
        const bool begun = reader->begun.length > 0 || reader->too_long;
        if (newline == NULL) {
            keep(reader, data, part);
            return;
        }
        if (begun) {
            keep(reader, data, part);
            end_begun(reader, take, arg);
        } else {
            hand_on(reader, data, part, take, arg);
        }
        data = newline + 1;
    }
}

void line_reader_end(struct line_reader *reader, line_fn *take, void *arg)
{
    if (reader->begun.length > 0 || reader->too_long) {
        end_begun(reader, take, arg);
    }
}

void line_reader_free(struct line_reader *reader)
{
    buffer_free(&reader->begun);
}
