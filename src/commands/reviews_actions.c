// SPDX-License-Identifier: Apache-2.0
// Reads and resolves reviews through the view and the function that a reviewer's role may use
// (sql/migrations/0011_reviews.sql).
#include "commands/reviews_actions.h"

#include "commands/plain_text.h"
#include "domain/decision.h"
#include "platform/db/transaction.h"
#include "platform/ids.h"
#include "platform/json.h"
#include "platform/model/prediction_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct db_statement sql_reviews = {
    "reviews",
    "SELECT row_to_json(c) FROM contested_decisions c"
    " WHERE $1::boolean OR status = 'requested' ORDER BY requested_at, decision_id",
};

static const struct db_statement sql_review = {
    "review",
    "SELECT row_to_json(c) FROM contested_decisions c WHERE decision_id = $1",
};

static const struct db_statement sql_resolve = {
    "resolve",
    "SELECT resolve_review($1, $2, $3, $4, $5, $6, $7, $8, $9)",
};

static int say_failure(const struct db *db)
{
    fprintf(stderr, "ecs: %s\n", db_error(db));
    return EXIT_FAILURE;
}

static json_t *read_row(const struct db_result *rows, size_t row)
{
    return json_loads(db_text(rows, row, 0), 0, NULL);
}

static const char *text_of(const json_t *review, const char *name)
{
    const char *text = json_string_value(json_object_get(review, name));
    return text != NULL ? text : "-";
}

static const char *verdict(const json_t *review)
{
    return json_is_true(json_object_get(review, "approved")) ? "approved" : "denied";
}

// In ASCII, so that no text of anybody reaches the terminal as it is.
static void print_json(const struct db_result *rows, size_t row)
{
    __attribute__((cleanup(json_release))) json_t *review = read_row(rows, row);
    json_dumpf(review, stdout, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15));
    putchar('\n');
}

// ---- list

static void print_row(const json_t *review, bool first)
{
    if (first) {
        printf("%-36s  %-20s  %-8s  %s\n", "decision", "asked for", "decided", "status");
    }
    printf("%-36s  %.19sZ  %-8s  %s\n", text_of(review, "decision_id"),
           text_of(review, "requested_at"), verdict(review), text_of(review, "status"));
}

static void print_rows(const struct db_result *rows)
{
    for (size_t row = 0; row < db_rows(rows); row++) {
        __attribute__((cleanup(json_release))) json_t *review = read_row(rows, row);
        print_row(review, row == 0);
    }
    if (db_rows(rows) == 0) {
        puts("no reviews");
    }
}

int reviews_list(struct db *db, const struct review_choice *choice)
{
    struct db_parameter all[] = {db_text_parameter(choice->all ? "true" : "false")};
    __attribute__((cleanup(db_result_free))) struct db_result *rows = NULL;
    if (db_run(db, &sql_reviews, all, 1, &rows) != DB_OK) {
        return say_failure(db);
    }
    if (!choice->json) {
        print_rows(rows);
        return EXIT_SUCCESS;
    }
    for (size_t row = 0; row < db_rows(rows); row++) {
        print_json(rows, row);
    }
    return EXIT_SUCCESS;
}

// ---- show

// What people and reviewers wrote is not trusted with the terminal.
static void print_text(const json_t *review, const char *label, const char *name)
{
    const char *text = text_of(review, name);
    printf("%-12s", label);
    print_plain(stdout, text, strlen(text));
    putchar('\n');
}

static void print_value(double value)
{
    if (isnan(value)) {
        printf("%12s", "-");
    } else {
        printf("%12.10g", value);
    }
}

static void print_contribution(double contribution)
{
    if (isnan(contribution)) {
        printf("%12s", "-");
    } else {
        printf("%+12.4f", contribution);
    }
}

static void print_features(const json_t *review)
{
    const json_t *values = json_object_get(review, "features");
    const json_t *contributions = json_object_get(review, "contributions");
    for (enum feature feature = 0; feature < FEATURE_COUNT; feature++) {
        const double value = feature_number(values, feature);
        const double contribution = feature_number(contributions, feature);
        printf("  %-26s", feature_name(feature));
        print_value(value);
        print_contribution(contribution);
        printf("  %s\n", effect_words(feature, isnan(value), contribution));
    }
}

static void print_decision(const json_t *review)
{
    print_text(review, "decision", "decision_id");
    print_text(review, "person", "user_id");
    printf("%-12s%s, %s\n", "decided", text_of(review, "decided_at"), verdict(review));
    printf("%-12s%.6f; without emotions %.6f; consent to emotional data: %s\n", "score",
           json_number_value(json_object_get(review, "risk_score")),
           json_number_value(json_object_get(review, "risk_score_without_emotions")),
           json_is_true(json_object_get(review, "emotional_consent")) ? "yes" : "no");
    print_text(review, "reason", "reason");
    print_text(review, "model", "model_version");
    print_text(review, "policy", "policy_version");
    puts("features    name, value, contribution in log-odds");
    print_features(review);
}

static void print_review(const json_t *review)
{
    print_text(review, "asked for", "requested_at");
    print_text(review, "statement", "statement");
    print_text(review, "status", "status");
    if (strcmp(text_of(review, "status"), "requested") != 0) {
        print_text(review, "resolved", "resolved_at");
        print_text(review, "reviewer", "reviewer");
        print_text(review, "login", "reviewer_role");
        print_text(review, "explanation", "explanation");
        print_text(review, "offer", "offer_id");
    }
}

// One row; NULL, and one line said, when the database does not answer or nobody asked for a review.
static struct db_result *find_review(struct db *db, const struct review_choice *choice)
{
    struct db_parameter decision[] = {db_text_parameter(choice->decision)};
    struct db_result *row = NULL;
    if (db_run(db, &sql_review, decision, 1, &row) != DB_OK) {
        say_failure(db);
    } else if (db_rows(row) == 0) {
        fprintf(stderr, "ecs: nobody asked for a review of decision %s\n", choice->decision);
        db_result_free(&row);
    }
    return row;
}

int reviews_show(struct db *db, const struct review_choice *choice)
{
    __attribute__((cleanup(db_result_free))) struct db_result *row = find_review(db, choice);
    if (row == NULL) {
        return EXIT_FAILURE;
    }
    if (choice->json) {
        print_json(row, 0);
        return EXIT_SUCCESS;
    }
    __attribute__((cleanup(json_release))) json_t *review = read_row(row, 0);
    print_decision(review);
    print_review(review);
    return EXIT_SUCCESS;
}

// ---- uphold and overturn

static int say_not_open(struct db *db, const struct review_choice *choice)
{
    __attribute__((cleanup(db_result_free))) struct db_result *row = find_review(db, choice);
    if (row != NULL) {
        __attribute__((cleanup(json_release))) json_t *review = read_row(row, 0);
        fprintf(stderr, "ecs: the review of decision %s is resolved already: %s\n",
                choice->decision, text_of(review, "status"));
    }
    return EXIT_FAILURE;
}

struct resolution {
    const struct review_choice *choice;
    const char *outcome;
    const char *offer; /* NULL: the decision stands */
    bool done;
};

static enum db_status resolve_in_transaction(struct db *db, void *arg)
{
    struct resolution *resolution = arg;
    const struct review_choice *choice = resolution->choice;
    struct db_parameter parameters[] = {
        db_text_parameter(choice->decision),      db_text_parameter(resolution->outcome),
        db_text_parameter(choice->explanation),   db_text_parameter(choice->reviewer),
        db_text_parameter(resolution->offer),     db_text_parameter(choice->credit_limit),
        db_text_parameter(choice->interest_rate), db_text_parameter(choice->credit_type),
        db_text_parameter(choice->days),
    };
    __attribute__((cleanup(db_result_free))) struct db_result *row = NULL;
    enum db_status status =
        db_run(db, &sql_resolve, parameters, sizeof parameters / sizeof *parameters, &row);
    resolution->done = status == DB_OK && db_flag(row, 0, 0);
    return status;
}

static int resolve(struct db *db, struct resolution *resolution)
{
    const struct review_choice *choice = resolution->choice;
    enum db_status status = db_transaction(db, resolve_in_transaction, resolution);
    if (status == DB_UNKNOWN) {
        fprintf(stderr, "ecs: the connection was lost at the end: `ecs reviews show %s` tells\n",
                choice->decision);
        return EXIT_FAILURE;
    }
    if (status != DB_OK) {
        return say_failure(db);
    }
    if (!resolution->done) {
        return say_not_open(db, choice);
    }
    const char *offer = resolution->offer;
    printf("decision %s is %s%s%s\n", choice->decision, resolution->outcome,
           offer != NULL ? " by offer " : "", offer != NULL ? offer : "");
    return EXIT_SUCCESS;
}

int reviews_uphold(struct db *db, const struct review_choice *choice)
{
    struct resolution resolution = {.choice = choice, .outcome = "upheld"};
    return resolve(db, &resolution);
}

int reviews_overturn(struct db *db, const struct review_choice *choice)
{
    char offer[UUID_TEXT_SIZE];
    const struct uuid id = ids_new();
    uuid_format(&id, offer);
    struct resolution resolution = {.choice = choice, .outcome = "overturned", .offer = offer};
    return resolve(db, &resolution);
}
