// SPDX-License-Identifier: Apache-2.0
// What the blocking client and the forwarder share: how a call is set up on a libcurl easy handle,
// and how its answer is gathered. Internal to platform/http.
#pragma once

#include "platform/buffer.h"
#include "platform/http/client.h"

struct gathered {
    struct buffer body;
    char content_type[128];
    char retry_after[32];
    void *headers; /* of the request: a list of libcurl */
    bool may_resend;
    bool sent;
    bool connecting; /* since it was sent last, if ever; set by who opens sockets */
    unsigned repeats;
    int64_t deadline_ms; /* by the monotonic clock; of all its repeats together */
};

// Sets up what all calls on a new handle (CURL *) share; `gathered` is its own for good.
void easy_set_up(void *easy, struct gathered *gathered);

// Sets a call up on a handle, which may have made calls before.
void easy_prepare(void *easy, const struct http_call *call, struct gathered *gathered);

// What came of a call that ended with this code of libcurl; lives in `gathered` until easy_forget.
struct http_result easy_result(void *easy, int code, struct gathered *gathered);

// Makes ready to send the same call again when a replica went away before it answered: on a new
// connection, since one that was kept may lead to the replica that is gone, and within the time
// that is left of the first. False when that could do harm, was done often enough, or no time is
// left.
bool easy_restart(void *easy, int code, struct gathered *gathered);

// Makes ready for the next call, or releases everything.
void easy_forget(struct gathered *gathered);
void easy_release(struct gathered *gathered);
