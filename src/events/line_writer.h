// SPDX-License-Identifier: Apache-2.0
// Writes a line of a stream, or the receipt for it, piece by piece. Who uses it knows that there is
// room: every piece has a bound of its own.
#pragma once

#include "domain/timestamp.h"
#include "domain/uuid.h"
#include "platform/json.h"

#include <stddef.h>
#include <string.h>

struct line_writer {
    char *at; /* where the next piece goes */
};

// Adds a string literal.
#define LINE_ADD(writer, literal) line_add((writer), (literal), sizeof(literal) - 1)

static inline void line_add(struct line_writer *writer, const char *text, size_t length)
{
    memcpy(writer->at, text, length);
    writer->at += length;
}

static inline void line_add_uuid(struct line_writer *writer, const struct uuid *id)
{
    uuid_format(id, writer->at);
    writer->at += UUID_TEXT_SIZE - 1;
}

static inline void line_add_timestamp(struct line_writer *writer, timestamp at)
{
    timestamp_format(at, writer->at);
    writer->at += TIMESTAMP_TEXT_SIZE - 1;
}

// Adds a JSON string of the first `maximum` bytes of a text at most; it takes up to twice as many,
// and its quotes.
static inline void line_add_quoted(struct line_writer *writer, const char *text, size_t maximum)
{
    writer->at += json_quote(text, strnlen(text, maximum), writer->at, 2 * maximum + 3);
}
