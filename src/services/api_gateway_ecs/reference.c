// SPDX-License-Identifier: Apache-2.0
// Two documents that are the same for everybody until the next version.
#include "services/api_gateway_ecs/reference.h"

// The page has styles of its own, and nothing that runs or is fetched.
#define PAGE_POLICY                                                                                \
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none';"          \
    " frame-ancestors 'none'"

static void answer(struct http_exchange *exchange, const char *type, const unsigned char *document,
                   size_t size)
{
    http_answer_header(exchange, "X-Content-Type-Options", "nosniff");
    http_answer_bytes(exchange, 200, type, (const char *)document, size);
    http_finish(exchange);
}

void show_api_description(struct http_exchange *exchange, void *state, void *context)
{
    (void)state;
    (void)context;
    answer(exchange, "application/json", api_description, api_description_size);
}

void show_api_page(struct http_exchange *exchange, void *state, void *context)
{
    (void)state;
    (void)context;
    http_answer_header(exchange, "Content-Security-Policy", PAGE_POLICY);
    answer(exchange, "text/html; charset=utf-8", api_page, api_page_size);
}
