// SPDX-License-Identifier: Apache-2.0
// Every request takes this way: nothing is formatted, and the parts have their places.
#include "platform/trace.h"

#include <stddef.h>
#include <string.h>

static bool is_hex(const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f'))) {
            return false;
        }
    }
    return true;
}

static bool is_zero(const char *digits, size_t count)
{
    return strspn(digits, "0") >= count;
}

bool trace_continues(struct trace *trace, const char *parent)
{
    if (parent == NULL || strlen(parent) != TRACEPARENT_SIZE - 1 ||
        strncmp(parent, "00-", 3) != 0 || parent[35] != '-' || parent[52] != '-') {
        return false;
    }
    const char *trace_id = parent + 3;
    const char *span_id = parent + 36;
    const char *flags = parent + 53;
    if (!is_hex(trace_id, 32) || !is_hex(span_id, 16) || !is_hex(flags, 2) ||
        is_zero(trace_id, 32) || is_zero(span_id, 16)) {
        return false;
    }
    memcpy(trace->trace_id, trace_id, 32);
    trace->trace_id[32] = '\0';
    trace->sampled = strchr("13579bdf", flags[1]) != NULL;
    return true;
}

void trace_write(const struct trace *trace, char text[static TRACEPARENT_SIZE])
{
    memcpy(text, "00-", 3);
    memcpy(text + 3, trace->trace_id, TRACE_ID_SIZE - 1);
    text[35] = '-';
    memcpy(text + 36, trace->span_id, SPAN_ID_SIZE - 1);
    text[52] = '-';
    text[53] = '0';
    text[54] = trace->sampled ? '1' : '0';
    text[55] = '\0';
}
