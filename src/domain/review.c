// SPDX-License-Identifier: Apache-2.0
// The limits stand in the database too (sql/migrations/0011_reviews.sql).
#include "domain/review.h"

#include "domain/text.h"

void review_check_statement(const char *statement, struct faults *faults)
{
    if (statement[0] == '\0' || text_count_characters(statement) > REVIEW_TEXT_MAX) {
        faults_add(faults, "statement", "must be 1 to 2000 characters");
    }
    if (text_has_control(statement)) {
        faults_add(faults, "statement",
                   "must not contain control characters but tabs and new lines");
    }
}
