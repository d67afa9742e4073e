// SPDX-License-Identifier: Apache-2.0
// Calls on a loop: each goes over a connection of the pool, is sent again when that can do no harm,
// and ends with its answer or at its deadline, whichever comes first.
#include "platform/http/client.h"

#include "platform/http/pool.h"
#include "platform/http/repeats.h"
#include "platform/http/request_bytes.h"
#include "platform/memory.h"

#include <stdlib.h>

#define TICK_MS 100                         /* of the deadlines */
#define SILENCE_MAX_MS 30000                /* of an answer that goes on */
#define BODY_COPIED_MAX ((size_t)16 * 1024) /* bytes; larger ones are sent from where they are */
#define HEAD_KEPT ((size_t)64 * 1024)       /* bytes */

struct forward {
    struct http_forwarder *forwarder;
    struct forward *next; /* in the forwarder's list of those begun, running or spare */
    struct forward *previous;
    struct origin *origin; /* NULL: the URL was none */
    struct upstream *upstream;
    struct upstream_request request;
    struct buffer head; /* with the body, when it is small */
    struct repeats repeats;
    http_part_fn *part;
    http_done_fn *done;
    void *arg;
};

struct http_forwarder {
    struct loop_timer *tick;
    struct pool *pool;
    struct loop_hook *round_end;
    struct forward *running;
    struct forward *begun; /* in this round of the loop, from the first to the last */
    struct forward *last_begun;
    struct forward *spare;
};

// ---- the lists

static void link_running(struct forward *forward)
{
    struct http_forwarder *forwarder = forward->forwarder;
    forward->previous = NULL;
    forward->next = forwarder->running;
    if (forward->next != NULL) {
        forward->next->previous = forward;
    }
    forwarder->running = forward;
}

static void unlink_running(struct forward *forward)
{
    if (forward->previous != NULL) {
        forward->previous->next = forward->next;
    } else {
        forward->forwarder->running = forward->next;
    }
    if (forward->next != NULL) {
        forward->next->previous = forward->previous;
    }
}

static void append_begun(struct forward *forward)
{
    struct http_forwarder *forwarder = forward->forwarder;
    forward->next = NULL;
    if (forwarder->begun == NULL) {
        forwarder->begun = forward;
    } else {
        forwarder->last_begun->next = forward;
    }
    forwarder->last_begun = forward;
}

static struct forward *take_forward(struct http_forwarder *forwarder)
{
    struct forward *forward = forwarder->spare;
    if (forward != NULL) {
        forwarder->spare = forward->next;
    } else {
        forward = memory_zeroed(1, sizeof *forward);
        forward->forwarder = forwarder;
    }
    return forward;
}

// ---- the end of a call

static void retire(struct forward *forward)
{
    struct http_forwarder *forwarder = forward->forwarder;
    buffer_recycle(&forward->head, HEAD_KEPT);
    forward->next = forwarder->spare;
    forwarder->spare = forward;
}

static void finish(struct forward *forward, const struct http_result *result)
{
    unlink_running(forward);
    forward->done(forward->arg, result);
    retire(forward);
}

void http_forwarder_cancel(struct forward *forward)
{
    upstream_close(forward->upstream);
    unlink_running(forward);
    retire(forward);
}

static struct http_result no_answer(const char *why)
{
    return (struct http_result){.content_type = "", .body = {"", 0}, .why = why};
}

static void fail(struct forward *forward, const char *why)
{
    const struct http_result result = no_answer(why);
    finish(forward, &result);
}

// ---- on a connection

static void send_over(struct forward *forward, bool fresh);

static void part(void *arg, const struct http_result *result)
{
    struct forward *forward = arg;
    repeats_end(&forward->repeats, SILENCE_MAX_MS);
    forward->part(forward->arg, forward, result);
}

static void answered(void *arg, const struct http_result *result)
{
    struct forward *forward = arg;
    struct upstream *upstream = forward->upstream;
    struct origin *origin = forward->origin;
    finish(forward, result);
    pool_put(origin, upstream);
}

static void lost(void *arg, const struct upstream_loss *loss)
{
    struct forward *forward = arg;
    if (loss->gone && repeats_take(&forward->repeats, loss->sent) > 0) {
        send_over(forward, true);
    } else {
        fail(forward, loss->why);
    }
}

static void send_over(struct forward *forward, bool fresh)
{
    static const struct upstream_user whole = {.answered = answered, .lost = lost};
    static const struct upstream_user by_parts = {.part = part, .answered = answered, .lost = lost};
    forward->upstream = pool_take(forward->origin, fresh);
    upstream_carry(forward->upstream, &forward->request, forward->part != NULL ? &by_parts : &whole,
                   forward);
}

// ---- for callers

static void write_request(struct forward *forward, const struct http_call *call,
                          const struct url_parts *url)
{
    struct span body = call->body;
    request_add_head(&forward->head, call, url);
    if (body.length <= BODY_COPIED_MAX) {
        buffer_add(&forward->head, body.data, body.length);
        body.length = 0;
    }
    forward->request = (struct upstream_request){
        .is_head = call->method == HTTP_HEAD,
        .head = {forward->head.data, forward->head.length},
        .body = body,
        .maximum_answer = call->maximum_answer,
    };
}

void http_forwarder_call(struct http_forwarder *forwarder, const struct http_call *call,
                         http_done_fn *done, void *arg)
{
    struct forward *forward = take_forward(forwarder);
    struct url_parts url;
    forward->part = call->part;
    forward->done = done;
    forward->arg = arg;
    forward->origin = NULL;
    repeats_begin(&forward->repeats, call);
    if (url_split(call->url, &url)) {
        forward->origin = pool_origin(forwarder->pool, url.origin);
        write_request(forward, call, &url);
    }
    append_begun(forward);
}

// All calls of a round start together: whoever serves them finds many when it wakes.
static void start_begun(void *arg)
{
    struct http_forwarder *forwarder = arg;
    while (forwarder->begun != NULL) {
        struct forward *forward = forwarder->begun;
        forwarder->begun = forward->next;
        link_running(forward);
        if (forward->origin != NULL) {
            send_over(forward, false);
        } else {
            fail(forward, "the URL is not one");
        }
    }
}

static void tick(void *arg)
{
    struct http_forwarder *forwarder = arg;
    struct forward *next = NULL;
    for (struct forward *forward = forwarder->running; forward != NULL; forward = next) {
        next = forward->next;
        if (repeats_are_late(&forward->repeats)) {
            upstream_close(forward->upstream);
            fail(forward, "no answer in time");
        }
    }
    pool_expire(forwarder->pool);
}

// ---- life

struct http_forwarder *http_forwarder_new(struct loop *loop)
{
    struct http_forwarder *forwarder = memory_zeroed(1, sizeof *forwarder);
    forwarder->pool = pool_new(loop);
    forwarder->round_end = loop_on_round_end(loop, start_begun, forwarder);
    forwarder->tick = loop_timer_start(loop, TICK_MS, TICK_MS, tick, forwarder);
    return forwarder;
}

static void free_all(struct forward *forward)
{
    struct forward *next = NULL;
    for (; forward != NULL; forward = next) {
        next = forward->next;
        buffer_free(&forward->head);
        free(forward);
    }
}

void http_forwarder_free(struct http_forwarder **forwarder)
{
    struct http_forwarder *old = *forwarder;
    if (old == NULL) {
        return;
    }
    for (struct forward *forward = old->running; forward != NULL; forward = forward->next) {
        upstream_close(forward->upstream);
    }
    free_all(old->running);
    free_all(old->begun);
    free_all(old->spare);
    loop_hook_free(&old->round_end);
    loop_timer_free(&old->tick);
    pool_free(&old->pool);
    free(old);
    *forwarder = NULL;
}
