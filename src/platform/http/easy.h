// SPDX-License-Identifier: Apache-2.0
// How a call is set up on a libcurl easy handle and how its answer is gathered, for the blocking
// client; how every connection of ours is made. Internal to platform/http.
#pragma once

#include "platform/buffer.h"
#include "platform/http/client.h"
#include "platform/http/repeats.h"

struct gathered {
    struct buffer body;
    char content_type[128];
    void *headers; /* of the request: a list of libcurl */
    struct repeats repeats;
    bool sent;
};

// Sets up how any handle (CURL *) connects: to whom, how long, by which protocols.
void easy_set_up_connecting(void *easy);

// Sets whom a handle calls: an http or https URL, or one of a Unix domain socket (see url.h).
void easy_set_url(void *easy, const char *url);

// Whether a code of libcurl says that the other side was not there, or went away.
bool easy_is_absence(int code);

// Sets up what all calls on a new handle share; `gathered` is its own for good.
void easy_set_up(void *easy, struct gathered *gathered);

// Sets a call up on a handle, which may have made calls before.
void easy_prepare(void *easy, const struct http_call *call, struct gathered *gathered);

// What came of a call that ended with this code of libcurl; lives in `gathered` until easy_forget.
struct http_result easy_result(void *easy, int code, struct gathered *gathered);

// Makes ready to send the same call again, if it shall be, after it ended with this code.
bool easy_restart(void *easy, int code, struct gathered *gathered);

// Makes ready for the next call, or releases everything.
void easy_forget(struct gathered *gathered);
void easy_release(struct gathered *gathered);
