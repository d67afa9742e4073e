// SPDX-License-Identifier: Apache-2.0
// Finds folded lines and line feeds alone in a head, however its bytes are cut.
#include "platform/http/head_lines.h"

#include <string.h>

const char *head_lines_fault(struct head_lines *lines, const char *data, size_t length)
{
    const char *end = data + length;
    while (data < end && !lines->ended) {
        if (lines->at_start && (*data == ' ' || *data == '\t')) {
            return "Folded header lines are not allowed.";
        }
        if (lines->at_start && *data == '\r') {
            lines->ended = true; /* what follows its LF is no line of the head */
            break;
        }
        const char *newline = memchr(data, '\n', (size_t)(end - data));
        const char *stop = newline != NULL ? newline : end;
        const char last = stop > data ? stop[-1] : lines->last;
        if (newline != NULL && last != '\r') {
            return "A line ends with CR and LF.";
        }
        lines->at_start = newline != NULL;
        lines->last = newline != NULL ? '\n' : last;
        data = newline != NULL ? newline + 1 : end;
    }
    return NULL;
}
