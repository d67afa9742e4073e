// SPDX-License-Identifier: Apache-2.0
// Forwarding: every request is framed anew from what was understood of it. Only the headers named
// here pass, so nothing a client sent can pose as something internal.
#include "services/api_gateway_ecs/service.h"

#include "services/api_gateway_ecs/pages.h"

#include "platform/buffer.h"
#include "platform/http/client.h"
#include "platform/http/url.h"
#include "platform/memory.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define URL_MAX 9216 /* bytes: the base and the longest target the server accepts */
#define ANSWER_MAX (16 * 1024 * 1024)
#define RETRY_MS 1000
#define GATHERED_MAX ((size_t)64 * 1024 * 1024) /* bytes of all batches that are on their way */

// One service that runs elsewhere.
struct upstream {
    struct relay *relay;
    const char *name;
    char *base_url;
    struct route *routes;
    struct upstream *next;
};

struct gateway {
    struct log *log;
    const char *internal_key;
    int64_t timeout_ms;
    atomic_size_t gathered; /* bytes of batches */
};

// One loop's way to the services that run elsewhere.
struct relay {
    struct gateway *gateway;
    struct http_forwarder *forwarder;
    struct buffer url; /* of the call that is being made */
    struct upstream *upstreams;
};

// A request on its way, for telling its answer.
struct errand {
    struct http_exchange *exchange;
    const struct upstream *upstream;
    struct buffer batch;  /* its body, if it is one */
    bool refused;         /* no room for it */
    bool goes_on;         /* its answer is a stream, */
    struct forward *call; /* which comes from here; NULL: no more comes */
};

static void *start(const struct service_environment *environment,
                   char error[static SERVICE_ERROR_SIZE])
{
    (void)error;
    struct gateway *gateway = memory_zeroed(1, sizeof *gateway);
    gateway->log = environment->log;
    gateway->internal_key = config_text(environment->config, SETTING_INTERNAL_SERVICE_API_KEY);
    gateway->timeout_ms = config_number(environment->config, SETTING_REQUEST_TIMEOUT_MS);
    return gateway;
}

static void stop(void *state)
{
    free(state);
}

static void *loop_open(void *state, const struct service_loop *on)
{
    struct relay *relay = memory_zeroed(1, sizeof *relay);
    relay->gateway = state;
    relay->forwarder = http_forwarder_new(on->loop);
    relay->url.maximum = URL_MAX;
    return relay;
}

static void loop_close(void *context)
{
    struct relay *relay = context;
    http_forwarder_free(&relay->forwarder);
    struct upstream *next = NULL;
    for (struct upstream *upstream = relay->upstreams; upstream != NULL; upstream = next) {
        next = upstream->next;
        free(upstream->base_url);
        free(upstream->routes);
        free(upstream);
    }
    buffer_free(&relay->url);
    free(relay);
}

static bool write_url(const struct upstream *upstream, const struct http_exchange *exchange,
                      struct buffer *url)
{
    const char *query = http_query(exchange);
    buffer_clear(url);
    return buffer_add_text(url, upstream->base_url) && buffer_add_text(url, http_path(exchange)) &&
           (query[0] == '\0' || (buffer_add_text(url, "?") && buffer_add_text(url, query)));
}

#define PASSED_HEADERS_MAX 10

// The headers that go on; answers how many. The internal key is ours, not a copy of the sender's.
static size_t choose_headers(const struct upstream *upstream, struct http_exchange *exchange,
                             const char *traceparent, struct http_pair headers[PASSED_HEADERS_MAX])
{
    static const char *const passed[] = {"Content-Type", "Authorization", "Idempotency-Key",
                                         "Last-Event-ID"};
    size_t count = 0;
    for (size_t i = 0; i < sizeof passed / sizeof passed[0]; i++) {
        const char *value = http_header(exchange, passed[i]);
        if (value != NULL) {
            headers[count++] = (struct http_pair){passed[i], value};
        }
    }
    if (http_client_has_internal_key(exchange)) {
        headers[count++] =
            (struct http_pair){"X-Internal-Key", upstream->relay->gateway->internal_key};
    }
    headers[count++] = (struct http_pair){"X-Forwarded-For", http_client_address(exchange)};
    headers[count++] = (struct http_pair){"X-Request-ID", http_request_id(exchange)};
    headers[count++] = (struct http_pair){"traceparent", traceparent};
    return count;
}

static void drop_batch(struct errand *errand)
{
    atomic_fetch_sub(&errand->upstream->relay->gateway->gathered, errand->batch.length);
    buffer_free(&errand->batch);
}

static void end_errand(struct errand *errand)
{
    drop_batch(errand);
    http_finish(errand->exchange);
    free(errand);
}

static void pass_on(struct http_exchange *exchange, const struct http_result *result)
{
    for (size_t i = 0; i < HTTP_PASSED_ON; i++) {
        if (result->passed_on[i] != NULL) {
            http_answer_header(exchange, http_passed_on[i], result->passed_on[i]);
        }
    }
}

// ---- answers that go on

static void stream_begun(void *arg, struct http_exchange *exchange)
{
    (void)arg;
    (void)exchange;
}

static void stream_ended(void *arg)
{
    struct errand *errand = arg;
    if (errand->call != NULL) {
        http_forwarder_cancel(errand->call);
    }
    free(errand);
}

static void on_part(void *arg, struct forward *call, const struct http_result *result)
{
    static const struct http_stream stream = {stream_begun, stream_ended};
    struct errand *errand = arg;
    if (!errand->goes_on) {
        errand->goes_on = true;
        errand->call = call;
        pass_on(errand->exchange, result);
        http_answer_stream(errand->exchange, result->content_type, &stream, errand);
        http_finish(errand->exchange);
    }
    http_stream_add(errand->exchange, result->body.data, result->body.length);
}

// The other side ended it, or is gone: the client comes again, and says what it has.
static void end_stream(struct errand *errand, const struct http_result *result)
{
    errand->call = NULL;
    http_stream_add(errand->exchange, result->body.data, result->body.length);
    http_stream_end(errand->exchange);
}

// ---- answers that are whole

static void on_answer(void *arg, const struct http_result *result)
{
    struct errand *errand = arg;
    struct http_exchange *exchange = errand->exchange;
    if (errand->goes_on) {
        end_stream(errand, result);
        return;
    }
    if (result->status == 0) {
        // The health of the service is what is logged for operators; this is for finding a cause.
        log_debug(errand->upstream->relay->gateway->log, "no answer",
                  LOG_TEXT("service", errand->upstream->name), LOG_TEXT("why", result->why));
        char detail[128];
        snprintf(detail, sizeof detail, "%s does not answer, try again", errand->upstream->name);
        http_answer_unavailable(exchange, detail, RETRY_MS);
    } else {
        pass_on(exchange, result);
        http_answer_bytes(exchange, result->status, result->content_type, result->body.data,
                          result->body.length);
    }
    end_errand(errand);
}

static struct errand *new_errand(struct http_exchange *exchange, const struct upstream *upstream)
{
    struct errand *errand = memory_new(sizeof *errand);
    *errand = (struct errand){.exchange = exchange, .upstream = upstream};
    return errand;
}

// A sender's key makes a second arrival the same event, or the same events.
static bool has_key(const struct http_exchange *exchange)
{
    return http_header(exchange, "Idempotency-Key") != NULL;
}

static void send_on(struct errand *errand, struct span body, bool repeatable)
{
    struct http_exchange *exchange = errand->exchange;
    const struct upstream *upstream = errand->upstream;
    struct relay *relay = upstream->relay;
    if (!write_url(upstream, exchange, &relay->url)) {
        http_answer_problem(exchange, 414, "the address is too long");
        end_errand(errand);
        return;
    }
    char traceparent[TRACEPARENT_SIZE];
    trace_write(http_trace(exchange), traceparent);
    struct http_pair headers[PASSED_HEADERS_MAX];
    http_forwarder_call(
        relay->forwarder,
        &(struct http_call){
            .method = http_method(exchange),
            .url = relay->url.data,
            .headers = headers,
            .header_count = choose_headers(upstream, exchange, traceparent, headers),
            .body = body,
            .timeout_ms = relay->gateway->timeout_ms,
            .maximum_answer = ANSWER_MAX,
            .repeatable = repeatable,
            .part = on_part,
        },
        on_answer, errand);
}

static void forward(struct http_exchange *exchange, void *state, void *context)
{
    (void)context;
    send_on(new_errand(exchange, state), http_body(exchange), has_key(exchange));
}

static void forward_repeatable(struct http_exchange *exchange, void *state, void *context)
{
    (void)context;
    send_on(new_errand(exchange, state), http_body(exchange), true);
}

// ---- batches: gathered first, within a limit for all of them together

static bool take_room(struct gateway *gateway, size_t length)
{
    const bool has_room = atomic_fetch_add(&gateway->gathered, length) + length <= GATHERED_MAX;
    if (!has_room) {
        atomic_fetch_sub(&gateway->gathered, length);
    }
    return has_room;
}

static void gather(void *arg, const char *data, size_t length)
{
    struct errand *errand = arg;
    errand->refused = errand->refused || !take_room(errand->upstream->relay->gateway, length);
    if (errand->refused) {
        drop_batch(errand);
    } else {
        buffer_add(&errand->batch, data, length);
    }
}

static void send_gathered(void *arg, int status, const char *detail)
{
    struct errand *errand = arg;
    if (status != 0) {
        http_answer_problem(errand->exchange, status, detail);
        end_errand(errand);
    } else if (errand->refused) {
        http_answer_unavailable(errand->exchange, "Too many batches are on their way already.",
                                RETRY_MS);
        end_errand(errand);
    } else {
        send_on(errand, (struct span){errand->batch.data, errand->batch.length},
                has_key(errand->exchange));
    }
}

static void forward_batch(struct http_exchange *exchange, void *state, void *context)
{
    static const struct http_batch_reader reader = {gather, send_gathered};
    (void)context;
    http_read_batch(exchange, &reader, new_errand(exchange, state));
}

void gateway_forward_routes(void *context, struct router *router, const struct service *service,
                            const char *url)
{
    struct relay *relay = context;
    struct upstream *upstream = memory_zeroed(1, sizeof *upstream);
    upstream->relay = relay;
    upstream->name = service->name;
    upstream->base_url = url_base(url);
    upstream->next = relay->upstreams;
    relay->upstreams = upstream;

    upstream->routes = memory_zeroed(service->route_count, sizeof *upstream->routes);
    for (size_t i = 0; i < service->route_count; i++) {
        upstream->routes[i] = service->routes[i];
        upstream->routes[i].run_on = RUN_ON_LOOP;
        upstream->routes[i].handler = service->routes[i].repeatable ? forward_repeatable : forward;
        upstream->routes[i].batch = service->routes[i].batch != NULL ? forward_batch : NULL;
    }
    router_add(router, upstream->routes, service->route_count,
               &(struct route_ground){.state = upstream});
}

static const struct route routes[] = {
    {HTTP_GET, "/docs", AUTH_PUBLIC, RUN_ON_LOOP, show_api_page, .has_body = false},
    {HTTP_GET, "/openapi.json", AUTH_PUBLIC, RUN_ON_LOOP, show_api_description, .has_body = false},
    {HTTP_GET, "/dashboard", AUTH_PUBLIC, RUN_ON_LOOP, show_dashboard, .has_body = false},
    {HTTP_GET, "/dashboard/dashboard.css", AUTH_PUBLIC, RUN_ON_LOOP, show_dashboard_style,
     .has_body = false},
    {HTTP_GET, "/dashboard/dashboard.js", AUTH_PUBLIC, RUN_ON_LOOP, show_dashboard_script,
     .has_body = false},
};

const struct service api_gateway_ecs = {
    .name = "api-gateway-ecs",
    .needs = NEEDS_TOKEN_KEY | NEEDS_INTERNAL_KEY,
    .listen = SETTING_API_GATEWAY_LISTEN,
    .url = SETTING_COUNT,
    .database = SETTING_COUNT,
    .routes = routes,
    .route_count = sizeof routes / sizeof routes[0],
    .start = start,
    .stop = stop,
    .loop_open = loop_open,
    .loop_close = loop_close,
};
