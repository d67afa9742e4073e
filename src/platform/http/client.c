// SPDX-License-Identifier: Apache-2.0
// The blocking client: one easy handle, and with it its kept connections, for one thread.
#include "platform/http/client.h"

#include "platform/http/easy.h"
#include "platform/memory.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

struct http_client {
    CURL *easy;
    struct gathered gathered;
};

struct http_client *http_client_new(void)
{
    struct http_client *client = memory_zeroed(1, sizeof *client);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    client->easy = curl_easy_init();
    if (client->easy == NULL) {
        fputs("ecs: libcurl cannot start\n", stderr);
        abort();
    }
    easy_set_up(client->easy, &client->gathered);
    return client;
}

void http_client_free(struct http_client **client)
{
    struct http_client *old = *client;
    if (old == NULL) {
        return;
    }
    curl_easy_cleanup(old->easy);
    easy_release(&old->gathered);
    curl_global_cleanup();
    free(old);
    *client = NULL;
}

struct http_result http_client_call(struct http_client *client, const struct http_call *call)
{
    easy_prepare(client->easy, call, &client->gathered);
    CURLcode code = curl_easy_perform(client->easy);
    while (easy_restart(client->easy, code, &client->gathered)) {
        code = curl_easy_perform(client->easy);
    }
    return easy_result(client->easy, code, &client->gathered);
}
