// SPDX-License-Identifier: Apache-2.0
// One set-up of libcurl for all its calls: HTTP only, no redirects, no proxies, a deadline, a
// bounded answer, and nothing that is unsafe to repeat is ever sent twice.
#include "platform/http/easy.h"

#include "platform/http/request_bytes.h"
#include "platform/unix_address.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define ANSWER_KEPT                                                                                \
    ((size_t)64 * 1024)  /* bytes; larger buffers are given back after their call                  \
                          */
#define IDLE_SECONDS 30L /* less than servers keep an idle connection */
#define NAME_SECONDS 1L  /* behind a name stand replicas that come and go */
#define CONNECT_MS 2000L /* half of it for an address that is followed by another */

static size_t body_came(char *data, size_t size, size_t count, void *arg)
{
    struct gathered *gathered = arg;
    return buffer_add(&gathered->body, data, size * count) ? size * count : 0;
}

static void copy_value(char *to, size_t size, const char *value, size_t length)
{
    while (length > 0 && strchr(" \t\r\n", value[length - 1]) != NULL) {
        length--;
    }
    size_t blank = 0;
    while (blank < length && (value[blank] == ' ' || value[blank] == '\t')) {
        blank++;
    }
    snprintf(to, size, "%.*s", (int)(length - blank), value + blank);
}

static size_t header_came(char *line, size_t size, size_t count, void *arg)
{
    static const char content_type[] = "content-type:";
    struct gathered *gathered = arg;
    size_t length = size * count;
    if (length >= sizeof content_type - 1 &&
        strncasecmp(line, content_type, sizeof content_type - 1) == 0) {
        copy_value(gathered->content_type, sizeof gathered->content_type,
                   line + sizeof content_type - 1, length - (sizeof content_type - 1));
    }
    return length;
}

// libcurl sends a request again when a kept connection turns out to be closed; whether the other
// side had acted on it is unknown then.
static int before_request(void *arg, char *ip, char *local_ip, int port, int local_port)
{
    struct gathered *gathered = arg;
    (void)ip, (void)local_ip, (void)port, (void)local_port;
    if (gathered->sent && !gathered->repeats.may_resend) {
        return CURL_PREREQFUNC_ABORT;
    }
    gathered->sent = true;
    return CURL_PREREQFUNC_OK;
}

static void add_headers(CURL *easy, const struct http_call *call, struct gathered *gathered)
{
    // Without a value libcurl leaves out what it would add by itself.
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    bool has_type = false;
    struct buffer line = {0};
    for (size_t i = 0; i < call->header_count; i++) {
        const struct http_pair *header = &call->headers[i];
        if (http_pair_is_clean(header)) {
            // With a colon and no value libcurl would send no such header at all.
            buffer_clear(&line);
            buffer_add_text(&line, header->name);
            buffer_add_text(&line, header->value[0] != '\0' ? ": " : ";");
            buffer_add_text(&line, header->value);
            list = curl_slist_append(list, line.data);
            has_type = has_type || strcasecmp(header->name, "Content-Type") == 0;
        }
    }
    if (!has_type) {
        list = curl_slist_append(list, "Content-Type:");
    }
    buffer_free(&line);
    gathered->headers = list;
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
}

static void set_method(CURL *easy, const struct http_call *call)
{
    enum http_method method = call->method;
    bool has_body =
        call->body.length > 0 || method == HTTP_POST || method == HTTP_PUT || method == HTTP_PATCH;
    if (method == HTTP_HEAD) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (has_body) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, call->body.length > 0 ? call->body.data : "");
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.length);
    } else {
        curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    }
    bool is_plain = method == HTTP_HEAD || method == HTTP_POST || (method == HTTP_GET && !has_body);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, is_plain ? NULL : http_method_name(method));
}

void easy_set_up_connecting(void *easy)
{
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    // Neither a deadline nor hanging up may wait for a name server that is silent.
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, NAME_SECONDS);
    curl_easy_setopt(easy, CURLOPT_DNS_SHUFFLE_ADDRESSES, 1L);
}

void easy_set_url(void *easy, const char *url)
{
    struct url_parts parts;
    if (unix_address_path(url) == NULL || !url_split(url, &parts)) {
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, NULL);
        curl_easy_setopt(easy, CURLOPT_URL, url);
        return;
    }
    struct buffer text = {0};
    buffer_add(&text, parts.origin.data, parts.origin.length);
    curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, unix_address_path(text.data));
    buffer_clear(&text);
    buffer_add_text(&text, "http://localhost");
    buffer_add(&text, parts.target.data, parts.target.length);
    curl_easy_setopt(easy, CURLOPT_URL, text.data);
    buffer_free(&text);
}

void easy_set_up(void *easy, struct gathered *gathered)
{
    easy_set_up_connecting(easy);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, IDLE_SECONDS);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, body_came);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, gathered);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, header_came);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, gathered);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, before_request);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, gathered);
}

void easy_prepare(void *easy, const struct http_call *call, struct gathered *gathered)
{
    easy_forget(gathered);
    repeats_begin(&gathered->repeats, call);
    gathered->body.maximum = call->maximum_answer;
    easy_set_url(easy, call->url);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)call->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 0L);
    set_method(easy, call);
    add_headers(easy, call, gathered);
}

struct http_result easy_result(void *easy, int code, struct gathered *gathered)
{
    long status = 0;
    if (code != CURLE_OK || curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK ||
        status == 0) {
        return (struct http_result){
            .content_type = "", .body = {"", 0}, .why = curl_easy_strerror((CURLcode)code)};
    }
    const struct buffer *body = &gathered->body;
    return (struct http_result){
        .status = (int)status,
        .content_type = gathered->content_type,
        .body = {body->data != NULL ? body->data : "", body->length},
        .why = "",
    };
}

bool easy_is_absence(int code)
{
    return code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_CONNECT ||
           code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR || code == CURLE_GOT_NOTHING;
}

static void forget_answer(struct gathered *gathered)
{
    gathered->sent = false;
    gathered->content_type[0] = '\0';
}

bool easy_restart(void *easy, int code, struct gathered *gathered)
{
    int64_t left_ms = easy_is_absence(code) ? repeats_take(&gathered->repeats, gathered->sent) : 0;
    if (left_ms == 0) {
        return false;
    }
    forget_answer(gathered);
    buffer_clear(&gathered->body);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)left_ms);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    return true;
}

void easy_forget(struct gathered *gathered)
{
    curl_slist_free_all(gathered->headers);
    gathered->headers = NULL;
    forget_answer(gathered);
    buffer_recycle(&gathered->body, ANSWER_KEPT);
}

void easy_release(struct gathered *gathered)
{
    easy_forget(gathered);
    buffer_free(&gathered->body);
}
