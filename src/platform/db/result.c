// SPDX-License-Identifier: Apache-2.0
// Reading the rows of a result, which are in text form. A row or column that does not exist reads
// as NULL.
#include "platform/db/internal.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t db_rows(const struct db_result *result)
{
    return (size_t)PQntuples(result->rows);
}

int64_t db_affected(const struct db_result *result)
{
    return strtoll(PQcmdTuples(result->rows), NULL, 10);
}

bool db_null(const struct db_result *result, size_t row, int column)
{
    return row >= db_rows(result) || PQgetisnull(result->rows, (int)row, column) != 0;
}

const char *db_text(const struct db_result *result, size_t row, int column)
{
    return db_null(result, row, column) ? "" : PQgetvalue(result->rows, (int)row, column);
}

int64_t db_number(const struct db_result *result, size_t row, int column)
{
    return strtoll(db_text(result, row, column), NULL, 10);
}

double db_real(const struct db_result *result, size_t row, int column)
{
    return db_null(result, row, column) ? NAN : strtod(db_text(result, row, column), NULL);
}

bool db_flag(const struct db_result *result, size_t row, int column)
{
    return strcmp(db_text(result, row, column), "t") == 0;
}

struct uuid db_uuid(const struct db_result *result, size_t row, int column)
{
    struct uuid id = {0};
    const char *text = db_text(result, row, column);
    uuid_parse(text, strlen(text), &id);
    return id;
}

// From `2026-01-31 23:59:59.5+00` or `+05:30` to the form of RFC 3339.
timestamp db_timestamp(const struct db_result *result, size_t row, int column)
{
    timestamp at = 0;
    char text[48];
    int length = snprintf(text, sizeof text - 3, "%s", db_text(result, row, column));
    if (length < 19 || length >= (int)sizeof text - 3 || text[10] != ' ') {
        return 0;
    }
    text[10] = 'T';
    if (strchr("+-", text[length - 3]) != NULL) {
        memcpy(text + length, ":00", 4);
        length += 3;
    }
    timestamp_parse(text, (size_t)length, &at);
    return at;
}

void db_result_free(struct db_result **result)
{
    if (*result == NULL) {
        return;
    }
    PQclear((*result)->rows);
    free(*result);
    *result = NULL;
}
