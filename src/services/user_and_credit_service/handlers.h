// SPDX-License-Identifier: Apache-2.0
// The handlers of this service's routes: `state` is a struct user_credit, and `context` a struct
// desk on worker threads, or what recall_open made on a loop.
#pragma once

#include "platform/http/router.h"
#include "services/service.h"

http_handler register_person;      /* POST /v1/auth/register */
http_handler login_person;         /* POST /v1/auth/login */
http_handler show_profile;         /* GET /v1/users/{user_id} */
http_handler erase_person;         /* DELETE /v1/users/{user_id} */
http_handler list_emotional_days;  /* GET /v1/users/{user_id}/emotions */
http_handler list_transactions;    /* GET /v1/users/{user_id}/transactions */
http_handler list_notifications;   /* GET /v1/users/{user_id}/notifications */
http_handler stream_notifications; /* GET /v1/users/{user_id}/notifications/stream */
http_handler export_data;          /* GET /v1/users/{user_id}/export */
http_handler show_consent;         /* GET /v1/users/{user_id}/consents/emotional_data */
http_handler change_consent;       /* PUT /v1/users/{user_id}/consents/emotional_data */
http_handler analyse_credit;       /* POST /v1/users/{user_id}/credit-analysis */
http_handler recall_credit;        /* the same, on the loop: what was decided lately */
http_handler explain_decision;     /* GET /v1/decisions/{decision_id} */
http_handler request_review;       /* POST /v1/decisions/{decision_id}/review */
http_handler accept_offer;         /* POST /v1/credit-offers/{offer_id}/accept */
http_handler list_offers;          /* GET /v1/users/{user_id}/offers */

// For operators.
http_handler show_emotion_insights;  /* GET /v1/insights/emotions */
http_handler show_decision_insights; /* GET /v1/insights/decisions */
http_handler show_reason_insights;   /* GET /v1/insights/reasons */
http_handler show_offer_insights;    /* GET /v1/insights/offers */

// The service's loop_open and loop_close: a loop's own way to the cache.
void *recall_open(void *state, const struct service_loop *on);
void recall_close(void *context);
