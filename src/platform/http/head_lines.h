// SPDX-License-Identifier: Apache-2.0
// How the lines of a message's head end, in either direction: llhttp joins lines that continue the
// one before and lets some line feeds alone end a line, on which readers disagree (RFC 9112
// sections 2.2 and 5.2). Internal to platform/http.
#pragma once

#include <stdbool.h>
#include <stddef.h>

// Zeroed before the first byte of a head.
struct head_lines {
    bool at_start; /* of a line after the first */
    bool ended;    /* the CR of the blank line was seen */
    char last;     /* byte so far */
};

// Looks at the next bytes; answers what is wrong, static text, or NULL. Bytes after the head are
// not looked at.
const char *head_lines_fault(struct head_lines *lines, const char *data, size_t length);
