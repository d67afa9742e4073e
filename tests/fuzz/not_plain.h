// SPDX-License-Identifier: Apache-2.0
// The same object with one more member, which no event has: the reader of plain events leaves it to
// jansson, so that what both make of it can be compared.
#pragma once

#include "fuzz.h"

#include <stdbool.h>
#include <string.h>

// Whether the text may have that member itself, which would make it one too many.
static inline bool may_have_it(const char *text, size_t size)
{
    static const char name[] = "not plain";
    bool may = memchr(text, '\\', size) != NULL;
    for (size_t at = 0; at + sizeof name - 1 <= size && !may; at++) {
        may = memcmp(text + at, name, sizeof name - 1) == 0;
    }
    return may;
}

// NULL when the text does not begin with an object or may have the member; else the caller frees
// it.
static inline char *not_plain(const char *text, size_t size, size_t *ret_size)
{
    static const char member[] = "{\"not plain\":0,";
    size_t start = 0;
    while (start < size && strchr(" \t\r\n", text[start]) != NULL && text[start] != '\0') {
        start++;
    }
    if (start == size || text[start] != '{' || may_have_it(text, size)) {
        return NULL;
    }
    *ret_size = size - start - 1 + sizeof member - 1;
    char *with = malloc(*ret_size);
    EXPECT(with != NULL);
    memcpy(with, member, sizeof member - 1);
    memcpy(with + sizeof member - 1, text + start + 1, size - start - 1);
    return with;
}

// Both readers must accept, or refuse for one reason; an object without members gets a comma too
// many, which only jansson's sees.
static inline void expect_same_verdict(bool good, const char *reason, bool good_of_jansson,
                                       const char *reason_of_jansson)
{
    EXPECT(good == good_of_jansson);
    EXPECT(good || strcmp(reason, reason_of_jansson) == 0 ||
           strcmp(reason_of_jansson, "not JSON") == 0);
}
