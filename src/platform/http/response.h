// SPDX-License-Identifier: Apache-2.0
// From bytes of a connection to the answer of one call at a time: llhttp reads, strictly, and
// everything has a bound. Interim answers (1xx) are skipped. Internal to platform/http.
#pragma once

#include "platform/buffer.h"
#include "platform/http/passed_on.h"

#include <stdbool.h>
#include <stddef.h>

#define RESPONSE_HEADS_MAX ((size_t)16 * 1024) /* bytes of an answer's head and of interim ones */
#define RESPONSE_BUFFER_KEPT                                                                       \
    ((size_t)64 * 1024) /* larger bodies are given back after their answer */

struct response;

enum response_outcome {
    RESPONSE_MORE,     /* all bytes were used and the answer is not complete */
    RESPONSE_COMPLETE, /* response_parts has it; the bytes after it were not used */
    RESPONSE_BROKEN,   /* response_fault says why; nothing more can be read from the connection */
};

struct response *response_new(void);
void response_free(struct response **response);

// Forgets the last answer, to read the next one, with a body of at most so many bytes (0: no
// bound). That of a HEAD request has none, whatever its head says.
void response_expect(struct response *response, bool is_to_head, size_t maximum_body);

enum response_outcome response_feed(struct response *response, const char *data, size_t length,
                                    size_t *ret_used);

// The other side sends no more: that ends an answer without a length of its own (RFC 9112 section
// 6.3), and breaks any other. Not RESPONSE_MORE.
enum response_outcome response_end(struct response *response);

// What of an answer is told on; lives until response_expect.
struct response_parts {
    int status;
    const char *content_type;              /* "" when none */
    const char *passed_on[HTTP_PASSED_ON]; /* values of http_passed_on, NULL when none */
    const struct buffer *body;
};

struct response_parts response_parts(const struct response *response);

// Whether the answer, of which the head has come, is one that goes on (text/event-stream).
bool response_is_stream(const struct response *response);

// Forgets what has come of the body, which was told on.
void response_forget_body(struct response *response);

// Whether the other side keeps the connection after a complete answer.
bool response_stays(const struct response *response);

// What is wrong with a broken answer, for people; static text.
const char *response_fault(const struct response *response);
