// SPDX-License-Identifier: Apache-2.0
// From what PostgreSQL says to what a caller can do about it, and to one line for the log.
#include "platform/db/internal.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum db_status db_status_of(const char *sqlstate)
{
    // The first row that is a prefix of the SQLSTATE counts.
    static const struct {
        const char *prefix;
        enum db_status status;
    } table[] = {
        {"08", DB_AWAY},     {"57P0", DB_AWAY},   {"53", DB_AWAY},     {"58", DB_AWAY},
        {"25P03", DB_AWAY},  {"40001", DB_RETRY}, {"40P01", DB_RETRY}, {"55P03", DB_RETRY},
        {"57014", DB_LATE},  {"26000", DB_RETRY}, {"23503", DB_RETRY}, {"23505", DB_CONFLICT},
        {"22", DB_REJECTED}, {"23", DB_REJECTED},
    };
    if (sqlstate == NULL) {
        return DB_BROKEN;
    }
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strncmp(sqlstate, table[i].prefix, strlen(table[i].prefix)) == 0) {
            return table[i].status;
        }
    }
    return DB_BROKEN;
}

bool db_may_pass(enum db_status status)
{
    return status == DB_AWAY || status == DB_RETRY || status == DB_LATE || status == DB_UNKNOWN;
}

static void make_one_line(char *text)
{
    size_t length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1])) {
        text[--length] = '\0';
    }
    for (char *at = text; *at != '\0'; at++) {
        if (iscntrl((unsigned char)*at)) {
            *at = ' ';
        }
    }
}

void db_set_error(struct db *db, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(db->error, sizeof db->error, format, arguments);
    va_end(arguments);
    make_one_line(db->error);
    db->sqlstate[0] = '\0';
}

// Refused data is quoted in the message of a data exception (class 22).
static void hide_quoted(char *text)
{
    char *to = text;
    bool quoted = false;
    for (const char *from = text; *from != '\0'; from++) {
        if (*from == '"') {
            quoted = !quoted;
            *to++ = '"';
        } else if (!quoted) {
            *to++ = *from;
        }
    }
    *to = '\0';
}

enum db_status db_take_error(struct db *db, const PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (sqlstate == NULL) {
        db_set_error(db, "%s", PQresultErrorMessage(result));
        return DB_AWAY;
    }
    // DETAIL and CONTEXT are left out: they hold what people sent.
    db_set_error(db, "%s (%s)", message != NULL ? message : "no message", sqlstate);
    snprintf(db->sqlstate, sizeof db->sqlstate, "%s", sqlstate);
    if (strncmp(sqlstate, "22", 2) == 0) {
        hide_quoted(db->error);
    }
    return db_status_of(sqlstate);
}

const char *db_error(const struct db *db)
{
    return db->error;
}
