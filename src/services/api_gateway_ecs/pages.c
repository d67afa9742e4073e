// SPDX-License-Identifier: Apache-2.0
// Documents that are the same for everybody until the next version.
#include "services/api_gateway_ecs/pages.h"

// Nothing is fetched or runs but what a page's own policy lets.
#define NOTHING_ELSE                                                                               \
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "

// The page has styles of its own, and no script.
#define API_PAGE_POLICY NOTHING_ELSE "style-src 'unsafe-inline'"

// Style, script and figures come from here, none of them from within the page.
#define DASHBOARD_POLICY                                                                           \
    NOTHING_ELSE "style-src 'self'; script-src 'self'; connect-src 'self'; "                       \
                 "require-trusted-types-for 'script'; trusted-types 'none'"

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
    http_answer_header(exchange, "Content-Security-Policy", API_PAGE_POLICY);
    answer(exchange, "text/html; charset=utf-8", api_page, api_page_size);
}

void show_dashboard(struct http_exchange *exchange, void *state, void *context)
{
    (void)state;
    (void)context;
    http_answer_header(exchange, "Content-Security-Policy", DASHBOARD_POLICY);
    http_answer_header(exchange, "Referrer-Policy", "no-referrer");
    answer(exchange, "text/html; charset=utf-8", dashboard_page, dashboard_page_size);
}

void show_dashboard_style(struct http_exchange *exchange, void *state, void *context)
{
    (void)state;
    (void)context;
    answer(exchange, "text/css; charset=utf-8", dashboard_style, dashboard_style_size);
}

void show_dashboard_script(struct http_exchange *exchange, void *state, void *context)
{
    (void)state;
    (void)context;
    answer(exchange, "text/javascript; charset=utf-8", dashboard_script, dashboard_script_size);
}
