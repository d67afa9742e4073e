// SPDX-License-Identifier: Apache-2.0
// llhttp with callbacks that keep what a caller is told: status, two headers, body. A response
// lives as long as its connection; after a broken answer it reads no more.
#include "platform/http/response.h"

#include "platform/http/head_lines.h"
#include "platform/http/media_type.h"
#include "platform/memory.h"

#include <llhttp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NAME_SIZE 20                      /* of the longest name that means something, and more */
#define FRAMING_SLACK ((size_t)16 * 1024) /* bytes */
#define FRAMING_FACTOR 8                  /* chunks of one byte take six */

const char *const http_passed_on[HTTP_PASSED_ON] = {
    "Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "WWW-Authenticate"};

struct text {
    char *data; /* NULL: not kept */
    size_t size;
    size_t length;
};

struct response {
    llhttp_t llhttp;
    struct head_lines lines;
    bool is_to_head;
    int status;
    char content_type[128];
    char passed_on[HTTP_PASSED_ON][HTTP_PASSED_ON_SIZE];
    char encoding[16];
    struct buffer body;
    char name[NAME_SIZE]; /* of the header that is read, cut off */
    size_t name_length;   /* not cut off */
    struct text value;    /* of it */
    size_t head_bytes;    /* of the heads so far, interim ones among them */
    size_t body_bytes;    /* on the wire, framing included */
    bool begun;
    bool at_head_start;
    bool in_value;
    bool head_done;
    bool interim;
    bool complete;
    bool stays;
    const char *fault; /* NULL: none */
};

// For callbacks: what llhttp takes as an error.
static int fail(struct response *response, const char *fault)
{
    if (response->fault == NULL) {
        response->fault = fault;
    }
    return HPE_USER;
}

// ---- callbacks: the head

static int on_header_field(llhttp_t *llhttp, const char *at, size_t length)
{
    struct response *response = llhttp->data;
    if (response->in_value) {
        response->in_value = false;
        response->name_length = 0;
    }
    for (size_t i = 0; i < length && response->name_length + i < NAME_SIZE; i++) {
        response->name[response->name_length + i] = at[i];
    }
    response->name_length += length;
    return HPE_OK;
}

static bool is_named(const struct response *response, const char *name)
{
    size_t length = strlen(name);
    return response->name_length == length && strncasecmp(response->name, name, length) == 0;
}

static struct text kept(char *data, size_t size)
{
    data[0] = '\0';
    return (struct text){data, size, 0};
}

// Of headers that come twice the last one counts, but for the one that the framing rests on.
static int on_header_field_complete(llhttp_t *llhttp)
{
    struct response *response = llhttp->data;
    if (response->name_length == 0) {
        return fail(response, "a header of the answer has no name");
    }
    response->value = (struct text){0};
    response->in_value = true;
    if (response->head_done) {
        return HPE_OK; /* trailers mean nothing here */
    }
    if (is_named(response, "content-type")) {
        response->value = kept(response->content_type, sizeof response->content_type);
    } else if (is_named(response, "transfer-encoding")) {
        if (response->encoding[0] != '\0') {
            return fail(response, "the answer names two encodings");
        }
        response->value = kept(response->encoding, sizeof response->encoding);
    }
    for (size_t i = 0; i < HTTP_PASSED_ON; i++) {
        if (is_named(response, http_passed_on[i])) {
            response->value = kept(response->passed_on[i], sizeof response->passed_on[i]);
        }
    }
    return HPE_OK;
}

static int on_header_value(llhttp_t *llhttp, const char *at, size_t length)
{
    struct response *response = llhttp->data;
    struct text *value = &response->value;
    if (value->data != NULL) {
        size_t room = value->size - 1 - value->length;
        size_t taken = length < room ? length : room;
        memcpy(value->data + value->length, at, taken);
        value->length += taken;
        value->data[value->length] = '\0';
    }
    return HPE_OK;
}

static int on_header_value_complete(llhttp_t *llhttp)
{
    struct response *response = llhttp->data;
    struct text *value = &response->value;
    while (value->length > 0 && strchr(" \t", value->data[value->length - 1]) != NULL) {
        value->data[--value->length] = '\0';
    }
    return HPE_OK;
}

static int check_head(struct response *response)
{
    const llhttp_t *llhttp = &response->llhttp;
    if (llhttp->http_major != 1 || llhttp->http_minor > 1) {
        return fail(response, "the answer is not HTTP/1.1");
    }
    if (llhttp->status_code < 100 || llhttp->status_code > 599 || llhttp->status_code == 101) {
        return fail(response, "the answer has no status that it could have");
    }
    if ((llhttp->flags & F_TRANSFER_ENCODING) != 0 &&
        (strcasecmp(response->encoding, "chunked") != 0 || llhttp->http_minor == 0 ||
         (llhttp->flags & F_CONTENT_LENGTH) != 0)) {
        return fail(response, "the length of the answer is ambiguous");
    }
    return HPE_OK;
}

static bool has_no_body(const struct response *response)
{
    return response->interim || response->is_to_head || response->status == 204 ||
           response->status == 304;
}

static int on_headers_complete(llhttp_t *llhttp)
{
    struct response *response = llhttp->data;
    if (check_head(response) != HPE_OK) {
        return -1;
    }
    response->head_done = true;
    response->status = llhttp->status_code;
    response->interim = llhttp->status_code < 200;
    if (has_no_body(response)) {
        return 1;
    }
    if (response->body.maximum > 0 && llhttp->content_length > response->body.maximum) {
        fail(response, "the answer is too large");
        return -1;
    }
    return 0;
}

// ---- callbacks: the body

static int on_body(llhttp_t *llhttp, const char *at, size_t length)
{
    struct response *response = llhttp->data;
    if (!buffer_add(&response->body, at, length)) {
        return fail(response, "the answer is too large");
    }
    return HPE_OK;
}

static int on_message_complete(llhttp_t *llhttp)
{
    struct response *response = llhttp->data;
    response->complete = !response->interim;
    response->stays = llhttp_should_keep_alive(llhttp) != 0;
    return HPE_PAUSED;
}

static const llhttp_settings_t callbacks = {
    .on_header_field = on_header_field,
    .on_header_field_complete = on_header_field_complete,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

// ---- feeding

static void expect_head(struct response *response)
{
    llhttp_init(&response->llhttp, HTTP_RESPONSE, &callbacks);
    response->llhttp.data = response;
    response->lines = (struct head_lines){0};
    response->content_type[0] = '\0';
    memset(response->passed_on, 0, sizeof response->passed_on);
    response->encoding[0] = '\0';
    response->status = 0;
    response->name_length = 0;
    response->at_head_start = true;
    response->in_value = false;
    response->head_done = false;
    response->interim = false;
}

// How many of the bytes llhttp may see now: heads never pass their limit by more than a byte.
static size_t next_slice(const struct response *response, size_t length)
{
    size_t room = RESPONSE_HEADS_MAX - response->head_bytes;
    return response->head_done || length < room ? length : room;
}

static void check_size(struct response *response, size_t used, bool was_in_head)
{
    if (!response->head_done || response->interim) {
        response->head_bytes += used;
        if (response->head_bytes >= RESPONSE_HEADS_MAX) {
            fail(response, "the head of the answer is too large");
        }
    } else if (!was_in_head) {
        // Chunk extensions, trailers and zeros before a chunk's size have no other bound.
        response->body_bytes += used;
        if (response->body_bytes > FRAMING_FACTOR * response->body.length + FRAMING_SLACK) {
            fail(response, "there is too much framing around the answer");
        }
    }
}

static enum response_outcome feed_slice(struct response *response, const char *data, size_t length,
                                        size_t *ret_used)
{
    bool in_head = !response->head_done;
    *ret_used = length;
    // llhttp would skip blank lines before the first one.
    bool odd = response->at_head_start && data[0] != 'H';
    response->at_head_start = false;
    if (odd || (in_head && head_lines_fault(&response->lines, data, length) != NULL)) {
        fail(response, "the head of the answer is not well-formed");
        return RESPONSE_BROKEN;
    }
    llhttp_errno_t error = llhttp_execute(&response->llhttp, data, length);
    if (error == HPE_PAUSED) {
        *ret_used = (size_t)(llhttp_get_error_pos(&response->llhttp) - data);
    } else if (error != HPE_OK) {
        fail(response, "the answer is not well-formed HTTP/1.1");
        return RESPONSE_BROKEN;
    }
    check_size(response, *ret_used, in_head);
    if (response->fault != NULL) {
        return RESPONSE_BROKEN;
    }
    if (response->complete) {
        return RESPONSE_COMPLETE;
    }
    if (response->interim) {
        expect_head(response);
    }
    return RESPONSE_MORE;
}

enum response_outcome response_feed(struct response *response, const char *data, size_t length,
                                    size_t *ret_used)
{
    size_t used = 0;
    enum response_outcome outcome = RESPONSE_MORE;
    while (used < length && outcome == RESPONSE_MORE) {
        response->begun = true;
        size_t slice_used = 0;
        outcome =
            feed_slice(response, data + used, next_slice(response, length - used), &slice_used);
        used += slice_used;
    }
    *ret_used = used;
    return outcome;
}

enum response_outcome response_end(struct response *response)
{
    if (response->fault == NULL && response->head_done) {
        llhttp_finish(&response->llhttp);
    }
    if (response->complete && response->fault == NULL) {
        return RESPONSE_COMPLETE;
    }
    fail(response, response->begun ? "the connection ended inside the answer"
                                   : "the connection ended before the answer");
    return RESPONSE_BROKEN;
}

// ---- for the connection

struct response_parts response_parts(const struct response *response)
{
    struct response_parts parts = {
        .status = response->status,
        .content_type = response->content_type,
        .body = &response->body,
    };
    for (size_t i = 0; i < HTTP_PASSED_ON; i++) {
        parts.passed_on[i] = response->passed_on[i][0] != '\0' ? response->passed_on[i] : NULL;
    }
    return parts;
}

bool response_is_stream(const struct response *response)
{
    return response->head_done && response->status == 200 &&
           media_type_is(response->content_type, "text/event-stream");
}

void response_forget_body(struct response *response)
{
    buffer_clear(&response->body);
    response->body_bytes = 0;
}

bool response_stays(const struct response *response)
{
    return response->complete && response->stays;
}

const char *response_fault(const struct response *response)
{
    return response->fault;
}

void response_expect(struct response *response, bool is_to_head, size_t maximum_body)
{
    expect_head(response);
    buffer_recycle(&response->body, RESPONSE_BUFFER_KEPT);
    response->body.maximum = maximum_body;
    response->is_to_head = is_to_head;
    response->head_bytes = 0;
    response->body_bytes = 0;
    response->begun = false;
    response->complete = false;
    response->stays = false;
    response->fault = NULL;
}

struct response *response_new(void)
{
    struct response *response = memory_zeroed(1, sizeof *response);
    response_expect(response, false, 0);
    return response;
}

void response_free(struct response **response)
{
    if (*response != NULL) {
        buffer_free(&(*response)->body);
        free(*response);
        *response = NULL;
    }
}
