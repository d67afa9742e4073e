// SPDX-License-Identifier: Apache-2.0
// Writes a request's head; what frames it comes from here alone.
#include "platform/http/request_bytes.h"

#include <string.h>

bool http_pair_is_clean(const struct http_pair *header)
{
    return header->name[strcspn(header->name, "\r\n")] == '\0' &&
           header->value[strcspn(header->value, "\r\n")] == '\0';
}

#define ADD(out, literal) buffer_add((out), (literal), sizeof(literal) - 1)

static void add_request_line(struct buffer *out, const struct http_call *call,
                             const struct url_parts *url)
{
    buffer_add_text(out, http_method_name(call->method));
    ADD(out, " ");
    if (url->target.length == 0 || url->target.data[0] != '/') {
        ADD(out, "/");
    }
    buffer_add(out, url->target.data, url->target.length);
    ADD(out, " HTTP/1.1\r\nHost: ");
    buffer_add(out, url->host.data, url->host.length);
    ADD(out, "\r\n");
}

void request_add_head(struct buffer *out, const struct http_call *call, const struct url_parts *url)
{
    enum http_method method = call->method;
    add_request_line(out, call, url);
    for (size_t i = 0; i < call->header_count; i++) {
        const struct http_pair *header = &call->headers[i];
        if (http_pair_is_clean(header)) {
            buffer_add_text(out, header->name);
            ADD(out, ": ");
            buffer_add_text(out, header->value);
            ADD(out, "\r\n");
        }
    }
    if (call->body.length > 0 || method == HTTP_POST || method == HTTP_PUT ||
        method == HTTP_PATCH) {
        ADD(out, "Content-Length: ");
        buffer_add_number(out, call->body.length);
        ADD(out, "\r\n");
    }
    ADD(out, "\r\n");
}
