// SPDX-License-Identifier: Apache-2.0
// The service's table of routes, and what lives from its start to its stop: the breaker before the
// risk model, the policy, the way to the cache, and the outbox of accepted offers.
#include "services/user_and_credit_service/service.h"

#include "domain/emotion.h"
#include "platform/memory.h"
#include "services/user_and_credit_service/acceptances.h"
#include "services/user_and_credit_service/deletions.h"
#include "services/user_and_credit_service/desk.h"
#include "services/user_and_credit_service/handlers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void release(struct user_credit *service)
{
    notification_feed_stop(&service->feed);
    deletions_stop(&service->deletions);
    erasure_news_stop(&service->erasures);
    outbox_stop(&service->acceptances);
    cache_generation_free(&service->decision_rules.generation);
    explicit_bzero(&service->decision_rules.seal, sizeof service->decision_rules.seal);
    policy_file_free(&service->policy);
    breaker_free(&service->breaker);
    rate_limit_free(&service->logins.account);
    rate_limit_free(&service->logins.address);
    rate_limit_free(&service->logins.registrations);
    free(service);
}

static bool start_erasures(struct user_credit *service, char error[static SERVICE_ERROR_SIZE])
{
    char why[SERVICE_ERROR_SIZE];
    service->erasures = erasure_news_start(service->environment, why);
    if (service->erasures == NULL) {
        snprintf(error, SERVICE_ERROR_SIZE, "USER_CREDIT_DATABASE_URL: %.400s", why);
    }
    return service->erasures != NULL;
}

static bool start_feed(struct user_credit *service, char error[static SERVICE_ERROR_SIZE])
{
    char why[SERVICE_ERROR_SIZE];
    service->feed = notification_feed_start(service->environment, why);
    if (service->feed == NULL) {
        snprintf(error, SERVICE_ERROR_SIZE, "USER_CREDIT_DATABASE_URL: %.400s", why);
    }
    return service->feed != NULL;
}

static bool start_outbox(struct user_credit *service, char error[static SERVICE_ERROR_SIZE])
{
    const struct service_environment *environment = service->environment;
    struct outbox_options options = {
        .database_url = environment->database_url,
        .bus = environment->bus,
        .publish_timeout_ms = config_number(environment->config, SETTING_PUBLISH_TIMEOUT_MS),
        .log = environment->log,
    };
    char why[DB_ERROR_SIZE];
    service->acceptances = outbox_start(&acceptances_outbox, &options, why);
    if (service->acceptances == NULL) {
        snprintf(error, SERVICE_ERROR_SIZE, "USER_CREDIT_DATABASE_URL: %s", why);
    }
    return service->acceptances != NULL;
}

#define LOGIN_SLOTS 16384 /* accounts, and addresses, remembered at a time */

static struct rate_limit *limit_of(const struct config *config, enum setting setting,
                                   int64_t seconds)
{
    return rate_limit_new(config_number(config, setting), seconds, LOGIN_SLOTS);
}

static struct login_limits make_limits(const struct config *config)
{
    const int64_t window = config_number(config, SETTING_LOGIN_WINDOW_SECONDS);
    return (struct login_limits){
        .account = limit_of(config, SETTING_LOGIN_ATTEMPTS_PER_ACCOUNT, window),
        .address = limit_of(config, SETTING_LOGIN_ATTEMPTS_PER_ADDRESS, window),
        .registrations = limit_of(config, SETTING_REGISTRATIONS_PER_ADDRESS, 60),
    };
}

static struct decision_rules make_decision_rules(const struct config *config)
{
    const char *secret = config_text(config, SETTING_SECRET_KEY);
    return (struct decision_rules){
        .seal = seal_for("cached credit decisions", secret, strlen(secret)),
        .generation = cache_generation_new(),
    };
}

static void *start(const struct service_environment *environment,
                   char error[static SERVICE_ERROR_SIZE])
{
    const struct config *config = environment->config;
    char why[POLICY_ERROR_SIZE];
    struct policy_file *policy = policy_file_load(config_text(config, SETTING_POLICY_PATH), why);
    if (policy == NULL) {
        snprintf(error, SERVICE_ERROR_SIZE, "POLICY_PATH: %s", why);
        return NULL;
    }
    struct user_credit *service = memory_zeroed(1, sizeof *service);
    service->environment = environment;
    service->policy = policy;
    atomic_flag_clear(&service->exporting);
    atomic_flag_clear(&service->counting);
    service->breaker = breaker_new((int)config_number(config, SETTING_BREAKER_FAILURES),
                                   config_number(config, SETTING_BREAKER_OPEN_SECONDS) * 1000);
    service->logins = make_limits(config);
    service->decision_rules = make_decision_rules(config);
    service->decision_seconds = config_number(config, SETTING_DECISION_CACHE_SECONDS);
    snprintf(service->stress_threshold, sizeof service->stress_threshold, "%ld",
             lround(config_decimal(config, SETTING_STRESS_THRESHOLD) * METRIC_ONE));
    if (!start_outbox(service, error) || !start_erasures(service, error) ||
        !start_feed(service, error)) {
        release(service);
        return NULL;
    }
    service->deletions = deletions_start(service);
    return service;
}

static void stop(void *state)
{
    release(state);
}

static void *worker_open(void *state)
{
    return desk_open(state, "user-and-credit-service");
}

static void worker_close(void *context)
{
    desk_close(context);
}

static const struct route routes[] = {
    {HTTP_POST, "/v1/auth/register", AUTH_PUBLIC, RUN_ON_PASSWORDS, register_person,
     .has_body = true},
    {HTTP_POST, "/v1/auth/login", AUTH_PUBLIC, RUN_ON_PASSWORDS, login_person, .has_body = true,
     .repeatable = true},
    {HTTP_GET, "/v1/users/{user_id}", AUTH_PERSON, RUN_ON_WORKERS, show_profile, .has_body = false},
    {HTTP_DELETE, "/v1/users/{user_id}", AUTH_PERSON, RUN_ON_WORKERS, erase_person,
     .has_body = false},
    {HTTP_GET, "/v1/users/{user_id}/emotions", AUTH_PERSON, RUN_ON_WORKERS, list_emotional_days,
     .has_body = false},
    {HTTP_GET, "/v1/users/{user_id}/transactions", AUTH_PERSON, RUN_ON_WORKERS, list_transactions,
     .has_body = false},
    {HTTP_GET, "/v1/users/{user_id}/notifications", AUTH_PERSON, RUN_ON_WORKERS, list_notifications,
     .has_body = false},
    {HTTP_GET, "/v1/users/{user_id}/notifications/stream", AUTH_PERSON, RUN_ON_WORKERS,
     stream_notifications, .has_body = false},
    {HTTP_GET, "/v1/users/{user_id}/export", AUTH_PERSON, RUN_ON_WORKERS, export_data,
     .has_body = false},
    {HTTP_GET, "/v1/users/{user_id}/consents/emotional_data", AUTH_PERSON, RUN_ON_WORKERS,
     show_consent, .has_body = false},
    {HTTP_PUT, "/v1/users/{user_id}/consents/emotional_data", AUTH_PERSON, RUN_ON_WORKERS,
     change_consent, .has_body = true},
    {HTTP_POST, "/v1/users/{user_id}/credit-analysis", AUTH_PERSON, RUN_ON_WORKERS, analyse_credit,
     .on_loop_first = recall_credit, .has_body = false, .repeatable = true},
    {HTTP_POST, "/v1/credit-offers/{offer_id}/accept", AUTH_PERSON, RUN_ON_WORKERS, accept_offer,
     .has_body = true, .repeatable = true},
    {HTTP_GET, "/v1/users/{user_id}/offers", AUTH_PERSON, RUN_ON_WORKERS, list_offers,
     .has_body = false},
    {HTTP_GET, "/v1/decisions/{decision_id}", AUTH_PERSON, RUN_ON_WORKERS, explain_decision,
     .has_body = false},
    {HTTP_POST, "/v1/decisions/{decision_id}/review", AUTH_PERSON, RUN_ON_WORKERS, request_review,
     .has_body = true, .body_optional = true, .repeatable = true},
    {HTTP_GET, "/v1/insights/emotions", AUTH_OPERATOR, RUN_ON_WORKERS, show_emotion_insights,
     .has_body = false},
    {HTTP_GET, "/v1/insights/decisions", AUTH_OPERATOR, RUN_ON_WORKERS, show_decision_insights,
     .has_body = false},
    {HTTP_GET, "/v1/insights/reasons", AUTH_OPERATOR, RUN_ON_WORKERS, show_reason_insights,
     .has_body = false},
    {HTTP_GET, "/v1/insights/offers", AUTH_OPERATOR, RUN_ON_WORKERS, show_offer_insights,
     .has_body = false},
};

const struct service user_and_credit_service = {
    .name = "user-and-credit-service",
    .needs = NEEDS_DATABASE | NEEDS_BUS | NEEDS_CACHE | NEEDS_TOKEN_KEY | NEEDS_RISK,
    .listen = SETTING_USER_CREDIT_SERVICE_LISTEN,
    .url = SETTING_USER_CREDIT_SERVICE_URL,
    .database = SETTING_USER_CREDIT_DATABASE_URL,
    .broker = SETTING_USER_CREDIT_NATS_URL,
    .routes = routes,
    .route_count = sizeof routes / sizeof routes[0],
    .start = start,
    .stop = stop,
    .loop_open = recall_open,
    .loop_close = recall_close,
    .worker_open = worker_open,
    .worker_close = worker_close,
};
