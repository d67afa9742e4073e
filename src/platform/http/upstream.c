// SPDX-License-Identifier: Apache-2.0
// A request goes out in one piece with its body, or in two when the body is large; the answer is
// read as it comes. The socket stays watched for reading all the connection's life: that costs no
// system call a request, and shows at once when a connection at rest ends or speaks.
#include "platform/http/upstream.h"

#include "platform/http/response.h"
#include "platform/memory.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

struct upstream {
    uv_poll_t poll;
    int watched_for; /* of enum uv_poll_event; 0: not connected, and `poll` no handle yet */
    struct upstream_host *host;
    struct line *line;
    struct response *response;
    const struct upstream_user *user;
    void *arg;
    struct span unsent[2]; /* of the request: head and body */
    bool carrying;         /* a request whose answer is not complete */
    bool sent;             /* some of the request */
    bool ended;            /* the socket tells no more: what it holds is the last */
    bool reusable;
};

static void socket_ready(uv_poll_t *poll, int status, int events);

static void free_upstream(uv_handle_t *handle)
{
    free(handle->data);
}

void upstream_close(struct upstream *upstream)
{
    response_free(&upstream->response);
    if (upstream->watched_for != 0) {
        uv_close((uv_handle_t *)&upstream->poll, free_upstream);
        line_hang_up(&upstream->line);
    } else {
        line_hang_up(&upstream->line);
        free(upstream);
    }
}

static void lose(struct upstream *upstream, const char *why, bool gone)
{
    const struct upstream_loss loss = {.why = why, .gone = gone, .sent = upstream->sent};
    const struct upstream_user *user = upstream->user;
    void *arg = upstream->arg;
    upstream_close(upstream);
    user->lost(arg, &loss);
}

// ---- receiving

static struct http_result result_so_far(const struct upstream *upstream)
{
    const struct response_parts parts = response_parts(upstream->response);
    struct http_result result = {
        .status = parts.status,
        .content_type = parts.content_type,
        .body = {parts.body->data != NULL ? parts.body->data : "", parts.body->length},
        .why = "",
    };
    memcpy(result.passed_on, parts.passed_on, sizeof result.passed_on);
    return result;
}

static void tell_part(struct upstream *upstream)
{
    if (upstream->user->part != NULL && response_is_stream(upstream->response)) {
        const struct http_result result = result_so_far(upstream);
        upstream->user->part(upstream->arg, &result);
        response_forget_body(upstream->response);
    }
}

static void complete(struct upstream *upstream, bool reusable)
{
    const struct http_result result = result_so_far(upstream);
    upstream->carrying = false;
    upstream->reusable = reusable;
    upstream->user->answered(upstream->arg, &result);
}

static void receive_end(struct upstream *upstream)
{
    if (response_end(upstream->response) == RESPONSE_COMPLETE) {
        complete(upstream, false);
    } else {
        lose(upstream, response_fault(upstream->response), true);
    }
}

// An answer to a request that is still being sent is a refusal: the rest would be garbage.
static bool is_all_sent(const struct upstream *upstream)
{
    return upstream->unsent[0].length == 0 && upstream->unsent[1].length == 0;
}

// True when more is to come; else the connection may be gone.
static bool receive_part(struct upstream *upstream, size_t length)
{
    struct response *response = upstream->response;
    size_t used = 0;
    enum response_outcome outcome = response_feed(response, upstream->host->input, length, &used);
    if (outcome == RESPONSE_MORE) {
        tell_part(upstream);
    } else if (outcome == RESPONSE_BROKEN) {
        lose(upstream, response_fault(response), false);
    } else if (outcome == RESPONSE_COMPLETE) {
        complete(upstream, response_stays(response) && used == length && is_all_sent(upstream) &&
                               !upstream->ended);
    }
    return outcome == RESPONSE_MORE;
}

// A short read of a plain socket has emptied it.
static bool may_hold_more(const struct upstream *upstream, size_t length)
{
    return length == UPSTREAM_INPUT_SIZE || upstream->ended || line_is_encrypted(upstream->line);
}

static void receive(struct upstream *upstream)
{
    size_t length = 0;
    do {
        enum line_outcome outcome =
            line_receive(upstream->line, upstream->host->input, UPSTREAM_INPUT_SIZE, &length);
        if (outcome == LINE_WAIT && !upstream->ended) {
            return;
        }
        if (outcome != LINE_DONE) {
            lose(upstream, "the connection was reset", true);
            return;
        }
        if (!upstream->carrying) {
            lose(upstream, "the connection ended, or spoke unasked", true);
            return;
        }
        if (length == 0) {
            receive_end(upstream);
            return;
        }
    } while (receive_part(upstream, length) && may_hold_more(upstream, length));
}

// ---- sending

static void watch_for(struct upstream *upstream, int events)
{
    if (upstream->watched_for != events) {
        upstream->watched_for = events;
        uv_poll_start(&upstream->poll, events, socket_ready);
    }
}

// The other side may have answered before it closed, when it had something to answer to.
static void fail_to_send(struct upstream *upstream)
{
    if (upstream->sent) {
        upstream->ended = true;
        receive(upstream);
    } else {
        lose(upstream, "the connection was closed", true);
    }
}

static void transmit(struct upstream *upstream)
{
    for (size_t i = 0; i < 2; i++) {
        struct span *rest = &upstream->unsent[i];
        while (rest->length > 0) {
            size_t taken = 0;
            enum line_outcome outcome = line_send(upstream->line, rest->data, rest->length, &taken);
            if (outcome == LINE_WAIT) {
                watch_for(upstream, UV_READABLE | UV_WRITABLE);
                return;
            }
            if (outcome == LINE_BROKEN) {
                fail_to_send(upstream);
                return;
            }
            upstream->sent = true;
            rest->data += taken;
            rest->length -= taken;
        }
    }
    watch_for(upstream, UV_READABLE);
}

// ---- its life

static void socket_ready(uv_poll_t *poll, int status, int events)
{
    struct upstream *upstream = poll->data;
    upstream->ended = upstream->ended || status < 0;
    if (status < 0 || (events & UV_READABLE) != 0) {
        receive(upstream);
    } else {
        transmit(upstream);
    }
}

static void dialled(void *arg, const char *why, bool absent)
{
    struct upstream *upstream = arg;
    if (why != NULL) {
        lose(upstream, why, absent);
        return;
    }
    uv_loop_t *loop = loop_handle(upstream->host->loop);
    if (uv_poll_init(loop, &upstream->poll, line_socket(upstream->line)) != 0) {
        lose(upstream, "the connection cannot be watched", true);
        return;
    }
    upstream->poll.data = upstream;
    watch_for(upstream, UV_READABLE);
    transmit(upstream);
}

struct upstream *upstream_dial(struct upstream_host *host, const char *origin)
{
    struct upstream *upstream = memory_zeroed(1, sizeof *upstream);
    upstream->host = host;
    upstream->response = response_new();
    upstream->line = line_dial(host->dialler, origin, dialled, upstream);
    return upstream;
}

void upstream_carry(struct upstream *upstream, const struct upstream_request *request,
                    const struct upstream_user *user, void *arg)
{
    upstream->user = user;
    upstream->arg = arg;
    upstream->unsent[0] = request->head;
    upstream->unsent[1] = request->body;
    upstream->carrying = true;
    upstream->sent = false;
    response_expect(upstream->response, request->is_head, request->maximum_answer);
    if (upstream->watched_for != 0) {
        transmit(upstream);
    }
}

bool upstream_is_reusable(struct upstream *upstream)
{
    // What an encrypted socket shows is not all that was received.
    return upstream->reusable &&
           (!line_is_encrypted(upstream->line) || upstream_is_quiet(upstream));
}

void upstream_rest(struct upstream *upstream, const struct upstream_user *user, void *arg)
{
    upstream->user = user;
    upstream->arg = arg;
    upstream->sent = false;
}

bool upstream_is_quiet(struct upstream *upstream)
{
    char byte = 0;
    size_t length = 0;
    return line_receive(upstream->line, &byte, 1, &length) == LINE_WAIT;
}
