// SPDX-License-Identifier: Apache-2.0
// W3C Trace Context: the trace goes on, the span is ours.
#pragma once

#include <stdbool.h>

#define TRACE_ID_SIZE 33
#define SPAN_ID_SIZE 17

struct trace {
    char trace_id[TRACE_ID_SIZE];
    char span_id[SPAN_ID_SIZE];
    bool sampled;
};

// The header `traceparent`, `00-<trace>-<span>-<flags>` (section 3.2): 2 + 32 + 16 + 2 digits,
// three dashes and the final NUL.
#define TRACEPARENT_SIZE 56

// Reads the trace and whether it is sampled, and leaves the span. False, and nothing is changed,
// for anything else than such a header; NULL is allowed.
bool trace_continues(struct trace *trace, const char *parent);

// Writes the header of what is asked for on behalf of a trace.
void trace_write(const struct trace *trace, char text[static TRACEPARENT_SIZE]);
