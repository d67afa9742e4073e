// SPDX-License-Identifier: Apache-2.0
// Bytes cut into lines. The first byte of an input says how the rest comes: whatever the parts, the
// lines are the same, none holds a newline or is longer than the maximum, and together with their
// ends they are the input.
#include "fuzz.h"

#include "platform/line_reader.h"

#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES 16

struct seen {
    size_t lines;
    size_t too_long;
    struct buffer text; /* every line and a newline */
};

static void see(void *arg, const char *line, size_t length)
{
    struct seen *seen = arg;
    seen->lines++;
    if (line == NULL) {
        seen->too_long++;
        return;
    }
    EXPECT(length <= LINE_MAX_BYTES && memchr(line, '\n', length) == NULL);
    buffer_add(&seen->text, line, length);
    buffer_add(&seen->text, "\n", 1);
}

static struct seen read_lines(const char *data, size_t size, size_t piece)
{
    struct line_reader reader = {.maximum = LINE_MAX_BYTES};
    struct seen seen = {0};
    for (size_t at = 0; at < size; at += piece) {
        const size_t length = size - at < piece ? size - at : piece;
        char *copy = malloc(length);
        EXPECT(copy != NULL);
        memcpy(copy, data + at, length);
        line_reader_feed(&reader, copy, length, see, &seen);
        free(copy);
        EXPECT(reader.begun.length <= LINE_MAX_BYTES + 1);
    }
    line_reader_end(&reader, see, &seen);
    line_reader_free(&reader);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    const char *bytes = (const char *)data + 1;
    struct seen whole = read_lines(bytes, size - 1, size - 1);
    struct seen cut = read_lines(bytes, size - 1, (size_t)data[0] % 32 + 1);
    size_t ends = bytes[size - 2] != '\n';
    for (size_t i = 0; i < size - 1; i++) {
        ends += bytes[i] == '\n';
    }
    EXPECT(whole.lines == ends && cut.lines == ends && whole.too_long == cut.too_long);
    EXPECT(whole.text.length == cut.text.length);
    EXPECT(whole.text.length == 0 ||
           memcmp(whole.text.data, cut.text.data, whole.text.length) == 0);
    buffer_free(&whole.text);
    buffer_free(&cut.text);
    return 0;
}
