// SPDX-License-Identifier: Apache-2.0
// Calls to the risk model. The remote way keeps idle HTTP clients, each used by one thread at a
// time, so that connections are kept too; there are never more of them than callers at once.
#include "services/risk_client.h"

#include "platform/buffer.h"
#include "platform/http/client.h"
#include "platform/http/url.h"
#include "platform/memory.h"
#include "platform/model/prediction_json.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define IDLE_MAX 64      /* clients kept between calls */
#define ANSWER_MAX 16384 /* bytes; a good answer has less than 1,000 */

struct risk_remote {
    char *url;
    char *internal_key;
    int64_t timeout_ms;
    pthread_mutex_t lock; /* guards all below */
    struct http_client *idle[IDLE_MAX];
    size_t idle_count;
};

static bool predict_local(void *arg, const struct http_exchange *asker,
                          const struct features *features, struct prediction *ret)
{
    (void)asker;
    return risk_model_predict(arg, features, ret);
}

struct risk_client risk_client_local(struct risk_model *model)
{
    return (struct risk_client){.predict = predict_local, .arg = model};
}

struct risk_remote *risk_remote_new(const char *url, const char *internal_key, int64_t timeout_ms)
{
    struct buffer path = {0};
    char *base = url_base(url);
    buffer_add_format(&path, "%s/v1/predict", base);
    free(base);
    struct risk_remote *remote = memory_zeroed(1, sizeof *remote);
    remote->url = path.data;
    remote->internal_key = memory_copy_text(internal_key);
    remote->timeout_ms = timeout_ms;
    pthread_mutex_init(&remote->lock, NULL);
    return remote;
}

void risk_remote_free(struct risk_remote **remote)
{
    if (*remote == NULL) {
        return;
    }
    for (size_t i = 0; i < (*remote)->idle_count; i++) {
        http_client_free(&(*remote)->idle[i]);
    }
    pthread_mutex_destroy(&(*remote)->lock);
    explicit_bzero((*remote)->internal_key, strlen((*remote)->internal_key));
    free((*remote)->internal_key);
    free((*remote)->url);
    free(*remote);
    *remote = NULL;
}

static struct http_client *take_client(struct risk_remote *remote)
{
    struct http_client *client = NULL;
    pthread_mutex_lock(&remote->lock);
    if (remote->idle_count > 0) {
        client = remote->idle[--remote->idle_count];
    }
    pthread_mutex_unlock(&remote->lock);
    return client != NULL ? client : http_client_new();
}

static void give_client(struct risk_remote *remote, struct http_client *client)
{
    pthread_mutex_lock(&remote->lock);
    bool kept = remote->idle_count < IDLE_MAX;
    if (kept) {
        remote->idle[remote->idle_count++] = client;
    }
    pthread_mutex_unlock(&remote->lock);
    if (!kept) {
        http_client_free(&client);
    }
}

static struct http_result call(const struct risk_remote *remote, const struct http_exchange *asker,
                               struct http_client *client, struct span body)
{
    char traceparent[TRACEPARENT_SIZE];
    trace_write(http_trace(asker), traceparent);
    const struct http_pair headers[] = {
        {"Content-Type", "application/json"},
        {"X-Internal-Key", remote->internal_key},
        {"X-Request-ID", http_request_id(asker)},
        {"traceparent", traceparent},
    };
    return http_client_call(client, &(struct http_call){
                                        .method = HTTP_POST,
                                        .url = remote->url,
                                        .headers = headers,
                                        .header_count = sizeof headers / sizeof headers[0],
                                        .body = body,
                                        .timeout_ms = remote->timeout_ms,
                                        .maximum_answer = ANSWER_MAX,
                                        .repeatable = true,
                                    });
}

static bool read_answer(const struct http_result *result, struct prediction *ret)
{
    char error[JSON_ERROR_SIZE];
    if (result->status != 200) {
        return false;
    }
    __attribute__((cleanup(json_release))) json_t *answer =
        json_read_object(result->body.data, result->body.length, error);
    return answer != NULL && prediction_from_json(answer, ret);
}

static bool predict_remote(void *arg, const struct http_exchange *asker,
                           const struct features *features, struct prediction *ret)
{
    struct risk_remote *remote = arg;
    __attribute__((cleanup(json_release))) json_t *request = features_to_json(features);
    size_t length = 0;
    char *body = json_text(request, &length);
    struct http_client *client = take_client(remote);
    struct http_result result = call(remote, asker, client, (struct span){body, length});
    bool good = read_answer(&result, ret);
    give_client(remote, client);
    free(body);
    return good;
}

struct risk_client risk_client_remote(struct risk_remote *remote)
{
    return (struct risk_client){.predict = predict_remote, .arg = remote};
}
