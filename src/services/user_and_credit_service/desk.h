// SPDX-License-Identifier: Apache-2.0
// What the handlers of this service share: its state, and the desk of a worker thread with that
// thread's own connections.
#pragma once

#include "platform/breaker.h"
#include "platform/db/transaction.h"
#include "platform/outbox.h"
#include "platform/policy_file.h"
#include "services/service.h"
#include "services/user_and_credit_service/decision_cache.h"
#include "services/user_and_credit_service/erasure_news.h"
#include "services/user_and_credit_service/login_guard.h"
#include "services/user_and_credit_service/notification_feed.h"

#include <stdatomic.h>

// One for the process; its parts are safe from every thread.
struct user_credit {
    const struct service_environment *environment;
    struct breaker *breaker; /* before the risk model */
    struct policy_file *policy;
    atomic_llong policy_read_ms; /* when the file was looked at last */
    atomic_flag exporting;       /* a document of somebody's data is being made */
    atomic_flag counting;        /* insights are being made */
    struct decision_rules decision_rules;
    struct outbox *acceptances;
    struct erasure_news *erasures;
    struct notification_feed *feed;
    struct deletions *deletions;
    struct login_limits logins;
    char stress_threshold[16]; /* billionths, as text */
    int64_t decision_seconds;  /* how long an analysis is answered again unchanged */
};

// One for a worker thread: the context of every handler here.
struct desk {
    struct user_credit *service;
    struct log *log;
    struct db *db;
    struct decision_cache *decisions;
    struct cache *login_counts;
};

// A thread's desk, with connections of its own; PostgreSQL shows `name`, static text.
struct desk *desk_open(struct user_credit *service, const char *name);
void desk_close(struct desk *desk);

// Runs a transaction whose work recognises what an earlier run of it has done: when the answer to a
// commit is lost, the work is done again, and so finds out.
enum db_status desk_transaction(struct desk *desk, db_work *work, void *arg);

// The policy that holds now. A new file is picked up; one that is refused is logged, and the policy
// before it stays.
struct policy desk_policy(struct desk *desk);

// Answers what is not DB_OK: 503 where waiting helps; anything else is a defect, and logged.
void desk_answer_failure(struct desk *desk, struct http_exchange *exchange, enum db_status status);

// Runs a statement that answers rows for whoever has an account; its first parameter is the person
// of the token. NULL when it failed, or answered none since there is no account any more: that is
// answered then. The caller frees the result.
struct db_result *desk_find(struct desk *desk, struct http_exchange *exchange,
                            const struct db_statement *statement,
                            const struct db_parameter *parameters, size_t count);

// Reads the id that stands for `{name}` in the path, in its canonical form; false when it is none.
bool desk_path_id(struct http_exchange *exchange, const char *name, char id[static UUID_TEXT_SIZE]);

// Answers 404 with the detail (static text) for what was not found among the things of the person
// of the token; 401 when it is the account that is gone.
void desk_answer_unknown(struct desk *desk, struct http_exchange *exchange, const char *detail);

// Answers 401: the token is good, but its account is gone.
void desk_answer_no_account(struct http_exchange *exchange);
