// SPDX-License-Identifier: Apache-2.0
// Reads the plainest JSON without building a tree: objects of known members, each at most once,
// whose values are strings of printable ASCII without escapes, decimals without an exponent, or
// such objects. That is what nearly every event is. At anything else the reader stops, which says
// nothing about the text: jansson then has the word
// (docs/decisions/0014-plain-events-are-read-without-a-tree.md).
#pragma once

#include "domain/timestamp.h"
#include "domain/uuid.h"

#include <stdbool.h>
#include <stddef.h>

struct plain_json {
    const char *at;
    const char *end;
    bool stopped;  /* for good */
    bool at_start; /* of an object */
};

struct plain_text {
    const char *data; /* inside the JSON; not NUL-terminated */
    size_t length;
};

// A member's name. PLAIN_NAME takes a literal of printable ASCII; {NULL, 0} ends a list.
struct plain_name {
    const char *text; /* with its quotes and the colon */
    size_t length;
};
#define PLAIN_NAME(literal)                                                                        \
    {                                                                                              \
        "\"" literal "\":", sizeof("\"" literal "\":") - 1                                         \
    }

struct plain_json plain_json_of(const char *json, size_t length);

// Enters an object, which must be next.
void plain_open(struct plain_json *json);

// Reads the name of the next member, of which `names` has at most 31; answers its place there, -1
// at the object's end. A name that is not there or came before (a bit in *seen, 0 at first) stops
// the reader.
int plain_member(struct plain_json *json, const struct plain_name *names, unsigned *seen);

// The value of the member. Empty when the reader stopped.
struct plain_text plain_string(struct plain_json *json); /* without its quotes */
struct plain_text plain_number(struct plain_json *json);

// The value of the member, which must be a string that holds such a thing. *ret is unchanged when
// the reader stopped.
void plain_uuid(struct plain_json *json, struct uuid *ret);
void plain_timestamp(struct plain_json *json, timestamp *ret);

// Stops the reader unless the condition holds.
static inline void plain_require(struct plain_json *json, bool condition)
{
    json->stopped = json->stopped || !condition;
}

// Whether all was read without a stop, and nothing but space is left.
bool plain_is_done(struct plain_json *json);
