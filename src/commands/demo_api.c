// SPDX-License-Identifier: Apache-2.0
// The demo's HTTP calls: each builds its JSON, sends it, counts it, and reads what it needs of the
// answer. Whatever the answer holds is taken with care: the gateway may be any version.
#include "commands/demo_api.h"

#include "platform/clock.h"
#include "platform/http/client.h"
#include "platform/ids.h"
#include "platform/json.h"
#include "platform/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CALL_TIMEOUT_MS 15000
#define ANSWER_MAX 65536
#define GIVE_UP_MS 15000 /* an event without an answer for this long is given up */
#define FIRST_PAUSE_MS 100
#define LONGEST_PAUSE_MS 1000
#define REGISTER_TRIES 5
#define TOKEN_MARGIN_MS 10000 /* a token that ends within this is fetched anew */

struct demo_api {
    struct http_client *client;
    struct demo_api_options options;
};

struct request {
    enum demo_call call;
    const char *path;
    const char *token;           /* or NULL */
    const char *internal_key;    /* or NULL */
    const char *idempotency_key; /* or NULL */
    json_t *body;                /* or NULL; taken over */
};

struct demo_api *demo_api_new(const struct demo_api_options *options)
{
    struct demo_api *api = memory_new(sizeof *api);
    *api = (struct demo_api){.client = http_client_new(), .options = *options};
    return api;
}

void demo_api_free(struct demo_api **api)
{
    if (*api == NULL) {
        return;
    }
    http_client_free(&(*api)->client);
    free(*api);
    *api = NULL;
}

void demo_pause_ms(int64_t milliseconds)
{
    struct timespec pause = {.tv_sec = milliseconds / 1000,
                             .tv_nsec = milliseconds % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

// ---- one call

static json_t *read_answer(const struct http_result *result)
{
    char error[JSON_ERROR_SIZE];
    return json_read_object(result->body.data, result->body.length, error);
}

// Keeps the first fault or the detail of a problem document (RFC 9457) for the summary.
static void complain(struct demo_api *api, enum demo_call call, const struct http_result *result)
{
    __attribute__((cleanup(json_release))) json_t *problem = read_answer(result);
    const char *field = NULL, *message = NULL, *detail = NULL;
    char text[DEMO_COMPLAINT_MAX];
    if (json_unpack(problem, "{s:[{s:s, s:s}]}", "errors", "field", &field, "message", &message) ==
        0) {
        snprintf(text, sizeof text, "%d: %s %s", result->status, field, message);
    } else if (json_unpack(problem, "{s:s}", "detail", &detail) == 0) {
        snprintf(text, sizeof text, "%d: %s", result->status, detail);
    } else {
        snprintf(text, sizeof text, "%d without an explanation", result->status);
    }
    demo_tally_complain(api->options.tally, call, text);
}

static size_t fill_headers(const struct request *request, const char *bearer,
                           struct http_pair headers[static 4])
{
    size_t count = 0;
    if (request->body != NULL) {
        headers[count++] = (struct http_pair){"Content-Type", "application/json"};
    }
    if (request->token != NULL) {
        headers[count++] = (struct http_pair){"Authorization", bearer};
    }
    if (request->internal_key != NULL) {
        headers[count++] = (struct http_pair){"X-Internal-Key", request->internal_key};
    }
    if (request->idempotency_key != NULL) {
        headers[count++] = (struct http_pair){"Idempotency-Key", request->idempotency_key};
    }
    return count;
}

static bool no_final_answer(int status)
{
    return status == 0 || status == 429 || (status >= 502 && status <= 504);
}

static struct http_result call_once(struct demo_api *api, enum demo_call kind,
                                    const struct http_call *call)
{
    int64_t begun = clock_monotonic_us();
    struct http_result result = http_client_call(api->client, call);
    demo_tally_add(api->options.tally, kind, result.status, clock_monotonic_us() - begun);
    if (result.status >= 400 && !no_final_answer(result.status)) {
        complain(api, kind, &result);
    }
    return result;
}

// Makes the call until there is a final answer, with growing pauses; status 0 or 5xx when it gave
// up. Takes request->body over.
static struct http_result call_until_answered(struct demo_api *api, struct request *request,
                                              int64_t give_up_ms)
{
    char url[512], bearer[2048];
    snprintf(url, sizeof url, "%s%s", api->options.url, request->path);
    snprintf(bearer, sizeof bearer, "Bearer %s", request->token == NULL ? "" : request->token);
    struct http_pair headers[4];
    struct http_call call = {
        .method = HTTP_POST,
        .url = url,
        .headers = headers,
        .header_count = fill_headers(request, bearer, headers),
        .timeout_ms = CALL_TIMEOUT_MS,
        .maximum_answer = ANSWER_MAX,
    };
    char *text = request->body == NULL ? NULL : json_text(request->body, &call.body.length);
    call.body.data = text;

    int64_t deadline = clock_monotonic_ms() + give_up_ms;
    int64_t pause = FIRST_PAUSE_MS;
    struct http_result result = call_once(api, request->call, &call);
    while (no_final_answer(result.status) && !*api->options.stop &&
           clock_monotonic_ms() + pause < deadline) {
        demo_pause_ms(pause);
        pause = pause * 2 < LONGEST_PAUSE_MS ? pause * 2 : LONGEST_PAUSE_MS;
        result = call_once(api, request->call, &call);
    }
    free(text);
    json_decref(request->body);
    request->body = NULL;
    return result;
}

bool demo_api_answers(struct demo_api *api)
{
    char url[512];
    snprintf(url, sizeof url, "%s/healthz", api->options.url);
    struct http_call call = {
        .method = HTTP_GET, .url = url, .timeout_ms = 3000, .maximum_answer = ANSWER_MAX};
    return http_client_call(api->client, &call).status == 200;
}

// ---- registering and logging in

static void new_credentials(struct demo_person *person)
{
    char unique[25];
    ids_random_hex(unique, 12);
    ids_random_hex(person->password, 16);
    snprintf(person->email, sizeof person->email, "demo-%s@example.com", unique);
}

// A registration whose answer was lost may have happened, so every try takes another email.
bool demo_api_register(struct demo_api *api, struct demo_person *person)
{
    struct http_result result = {0};
    for (int tries = 0; tries < REGISTER_TRIES && result.status != 201; tries++) {
        new_credentials(person);
        struct request request = {
            .call = DEMO_REGISTER,
            .path = "/v1/auth/register",
            .body = json_pack("{s:s, s:s, s:{s:b}}", "email", person->email, "password",
                              person->password, "consents", "emotional_data", person->consents),
        };
        result = call_until_answered(api, &request, 0);
        if (result.status != 201 && !no_final_answer(result.status)) {
            return false;
        }
        if (result.status != 201) {
            demo_pause_ms(LONGEST_PAUSE_MS);
        }
    }
    __attribute__((cleanup(json_release))) json_t *answer = read_answer(&result);
    const char *id = NULL;
    struct uuid parsed;
    if (json_unpack(answer, "{s:s}", "id", &id) != 0 || !uuid_parse(id, strlen(id), &parsed)) {
        return false;
    }
    uuid_format(&parsed, person->id);
    person->registered = true;
    return true;
}

bool demo_api_log_in(struct demo_api *api, struct demo_person *person)
{
    struct request request = {
        .call = DEMO_LOGIN,
        .path = "/v1/auth/login",
        .body = json_pack("{s:s, s:s}", "email", person->email, "password", person->password),
    };
    struct http_result result = call_until_answered(api, &request, GIVE_UP_MS);
    __attribute__((cleanup(json_release))) json_t *answer = read_answer(&result);
    const char *token = NULL;
    json_int_t seconds = 0;
    if (result.status != 200 ||
        json_unpack(answer, "{s:s, s:I}", "access_token", &token, "expires_in", &seconds) != 0) {
        return false;
    }
    free(person->token);
    person->token = memory_copy_text(token);
    person->token_ends_ms = clock_monotonic_ms() + seconds * 1000;
    return true;
}

// The person's token, fetched anew when it is about to end; NULL when that fails.
static const char *token_of(struct demo_api *api, struct demo_person *person)
{
    if (clock_monotonic_ms() + TOKEN_MARGIN_MS > person->token_ends_ms) {
        demo_api_log_in(api, person);
    }
    return person->token;
}

// ---- events

static bool count_event(struct demo_sent *sent, int status)
{
    if (status == 202) {
        sent->acknowledged++;
    } else if (no_final_answer(status)) {
        sent->unknown++;
    } else {
        sent->refused++;
    }
    return status == 202;
}

static double three_decimals(double value)
{
    return round(value * 1000) / 1000;
}

bool demo_api_send_emotion(struct demo_api *api, struct demo_person *person,
                           const struct demo_emotion *emotion, timestamp at)
{
    char event_id[UUID_TEXT_SIZE], time[TIMESTAMP_TEXT_SIZE];
    struct uuid id = ids_new();
    uuid_format(&id, event_id);
    timestamp_format(at, time);
    struct request request = {
        .call = DEMO_EMOTION,
        .path = "/v1/emotions/stream",
        .internal_key = api->options.internal_key,
        .body = json_pack(
            "{s:s, s:s, s:s, s:{s:s, s:{s:f, s:f, s:f}}}", "eventId", event_id, "userId",
            person->id, "timestamp", time, "emotionEvent", "type", emotion->type, "metrics",
            "positivity", three_decimals(emotion->positivity), "intensity",
            three_decimals(emotion->intensity), "stress_level", three_decimals(emotion->stress)),
    };
    int status = call_until_answered(api, &request, GIVE_UP_MS).status;
    return count_event(&person->emotions, status);
}

bool demo_api_send_transaction(struct demo_api *api, struct demo_person *person, money_cents amount,
                               timestamp at)
{
    char key[UUID_TEXT_SIZE];
    struct uuid id = ids_new();
    uuid_format(&id, key);
    struct request request = {
        .call = DEMO_TRANSACTION,
        .path = "/v1/transactions",
        .token = token_of(api, person),
        .idempotency_key = key,
        .body = json_pack("{s:s, s:o, s:o}", "userId", person->id, "amount", json_money(amount),
                          "occurredAt", json_timestamp(at)),
    };
    int status = call_until_answered(api, &request, GIVE_UP_MS).status;
    return count_event(&person->transactions, status);
}

// ---- credit

static void copy_text(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from == NULL ? "" : from);
}

// Figures are kept as the text to show.
static void read_offer(const json_t *answer, struct demo_person *person)
{
    json_t *offer = json_object_get(answer, "offer");
    struct demo_decision *decision = &person->decision;
    const char *offer_id = json_string_value(json_object_get(offer, "offer_id"));
    if (offer_id == NULL) {
        return;
    }
    copy_text(decision->offer_id, sizeof decision->offer_id, offer_id);
    copy_text(decision->credit_type, sizeof decision->credit_type,
              json_string_value(json_object_get(offer, "credit_type")));
    snprintf(decision->limit, sizeof decision->limit, "%.2f",
             json_number_value(json_object_get(offer, "credit_limit")));
    snprintf(decision->interest, sizeof decision->interest, "%.2f",
             json_number_value(json_object_get(offer, "interest_rate")));
    person->offer = OFFER_OPEN;
}

bool demo_api_analyse(struct demo_api *api, struct demo_person *person)
{
    char path[96];
    snprintf(path, sizeof path, "/v1/users/%s/credit-analysis", person->id);
    struct request request = {.call = DEMO_ANALYSIS, .path = path, .token = token_of(api, person)};
    struct http_result result = call_until_answered(api, &request, GIVE_UP_MS);
    __attribute__((cleanup(json_release))) json_t *answer = read_answer(&result);
    if (result.status != 200 || answer == NULL) {
        return false;
    }
    struct demo_decision *decision = &person->decision;
    decision->answered = true;
    decision->approved = json_is_true(json_object_get(answer, "approved"));
    decision->score = json_number_value(json_object_get(answer, "ml_risk_score"));
    copy_text(decision->reason, sizeof decision->reason,
              json_string_value(json_object_get(answer, "reason")));
    read_offer(answer, person);
    return true;
}

bool demo_api_accept(struct demo_api *api, struct demo_person *person)
{
    char path[96];
    snprintf(path, sizeof path, "/v1/credit-offers/%s/accept", person->decision.offer_id);
    struct request request = {
        .call = DEMO_ACCEPT,
        .path = path,
        .token = token_of(api, person),
        .body = json_pack("{s:s}", "userId", person->id),
    };
    struct http_result result = call_until_answered(api, &request, GIVE_UP_MS);
    if (result.status == 202) {
        person->offer = OFFER_ACCEPTED;
    }
    if (result.status == 200) {
        person->offer = OFFER_IS_ACTIVE;
    }
    return result.status == 202 || result.status == 200;
}
