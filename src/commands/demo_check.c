// SPDX-License-Identifier: Apache-2.0
// The comparison is made person by person: raw events, the sums of the daily summaries, and
// transactions. An event that was never answered may be stored or not; nothing else may differ.
#include "commands/demo_check.h"

#include "commands/demo_api.h"
#include "platform/clock.h"
#include "platform/db/array.h"
#include "platform/db/db.h"
#include "platform/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define DEADLINE_MS 30000
#define POLL_MS 250
#define DIFFERENCES_SHOWN 5

static const struct db_statement rows_held = {
    "demo_rows_held",
    "SELECT person.id,"
    "       (SELECT count(*) FROM emotional_events WHERE user_id = person.id),"
    "       (SELECT coalesce(sum(event_count), 0) FROM emotional_events_summary"
    "         WHERE user_id = person.id),"
    "       (SELECT count(*) FROM transactions WHERE user_id = person.id)"
    "  FROM unnest($1::uuid[]) WITH ORDINALITY AS person (id, place)"
    " ORDER BY person.place",
};

enum column { PERSON, RAW_EMOTIONS, SUMMED_EMOTIONS, TRANSACTIONS };

struct outcome {
    uint64_t emotions;     /* held of people with consent */
    uint64_t transactions; /* held */
    size_t differences;
};

// Whether as many are held as `expected` says; a difference is printed when `aloud`.
static bool fits(const struct demo_person *person, const char *what,
                 const struct demo_sent *expected, const char *held_how, uint64_t held, bool aloud)
{
    if (held >= expected->acknowledged && held <= expected->acknowledged + expected->unknown) {
        return true;
    }
    if (aloud) {
        printf("  %s: %" PRIu64 " %s, but %" PRIu64 " %s\n", person->id, expected->acknowledged,
               what, held, held_how);
    }
    return false;
}

static bool person_fits(const struct demo_person *person, const struct db_result *rows, size_t row,
                        bool aloud)
{
    static const struct demo_sent nothing = {0};
    struct demo_sent stored = {.acknowledged = (uint64_t)db_number(rows, row, RAW_EMOTIONS)};
    return fits(person, "emotions acknowledged and allowed",
                person->consents ? &person->emotions : &nothing, "stored", stored.acknowledged,
                aloud) &&
           fits(person, "emotions stored", &stored, "counted by day",
                (uint64_t)db_number(rows, row, SUMMED_EMOTIONS), aloud) &&
           fits(person, "transactions acknowledged", &person->transactions, "stored",
                (uint64_t)db_number(rows, row, TRANSACTIONS), aloud);
}

static struct outcome compare(const struct demo *demo, const struct db_result *rows, bool aloud)
{
    struct outcome outcome = {0};
    size_t row = 0;
    for (size_t i = 0; i < demo->options.users && row < db_rows(rows); i++) {
        const struct demo_person *person = &demo->people[i];
        if (!person->registered) {
            continue;
        }
        outcome.emotions += (uint64_t)db_number(rows, row, SUMMED_EMOTIONS);
        outcome.transactions += (uint64_t)db_number(rows, row, TRANSACTIONS);
        if (!person_fits(person, rows, row, aloud && outcome.differences < DIFFERENCES_SHOWN)) {
            outcome.differences++;
        }
        row++;
    }
    return outcome;
}

static void registered_people(const struct demo *demo, struct db_array *ids)
{
    db_array_init(ids, DB_UUIDS);
    for (size_t i = 0; i < demo->options.users; i++) {
        struct uuid id;
        const struct demo_person *person = &demo->people[i];
        if (person->registered && uuid_parse(person->id, strlen(person->id), &id)) {
            db_array_add_uuid(ids, &id);
        }
    }
}

static bool say(const struct outcome *outcome)
{
    if (outcome->differences == 0) {
        printf("all %" PRIu64 " emotions and %" PRIu64
               " transactions are in PostgreSQL, each once; nothing emotional is kept of people "
               "without consent\n",
               outcome->emotions, outcome->transactions);
    } else {
        printf("PostgreSQL differs for %zu people after %d s\n", outcome->differences,
               DEADLINE_MS / 1000);
    }
    return outcome->differences == 0;
}

static bool wait_and_compare(const struct demo *demo, struct db *db, struct db_array *ids)
{
    int64_t deadline = clock_monotonic_ms() + DEADLINE_MS;
    for (;;) {
        struct db_parameter people = db_array_parameter(ids);
        struct db_result *rows = NULL;
        enum db_status status = db_run(db, &rows_held, &people, 1, &rows);
        bool last = clock_monotonic_ms() >= deadline;
        if (status != DB_OK && (last || !db_may_pass(status))) {
            fprintf(stderr, "ecs demo: cannot compare with PostgreSQL: %s\n", db_error(db));
            return false;
        }
        if (status == DB_OK) {
            struct outcome outcome = compare(demo, rows, last);
            db_result_free(&rows);
            if (outcome.differences == 0 || last) {
                return say(&outcome);
            }
        }
        demo_pause_ms(POLL_MS);
    }
}

bool demo_check(const struct demo *demo, const char *database_url)
{
    struct log *log = log_open("demo", LOG_ERROR, LOG_AS_TEXT);
    char error[DB_ERROR_SIZE];
    struct db *db = db_open(database_url, "ecs demo", log, error);
    bool same = false;
    if (db == NULL) {
        fprintf(stderr, "ecs demo: DATABASE_URL: %s\n", error);
    } else {
        struct db_array ids;
        registered_people(demo, &ids);
        same = wait_and_compare(demo, db, &ids);
        db_array_free(&ids);
    }
    db_close(&db);
    log_close(&log);
    return same;
}
