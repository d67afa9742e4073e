// SPDX-License-Identifier: Apache-2.0
// `ecs migrate`: brings the database to the schema of this version. Safe to run by several at once.
#include "commands/command.h"
#include "platform/config.h"
#include "platform/db/migrations.h"
#include "platform/log.h"

#include <argp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static void say_file(void *arg, const char *file)
{
    (void)arg;
    printf("applying %s\n", file);
    fflush(stdout);
}

static bool migrate(struct db *db, const char *folder)
{
    struct migrations_result result;
    enum db_status status = migrations_run(db, folder, say_file, NULL, &result);
    if (status != DB_OK) {
        fprintf(stderr, "ecs: %s%s%s%s\n", result.failed[0] != '\0' ? "migration " : "",
                result.failed, result.failed[0] != '\0' ? " failed: " : "", db_error(db));
        return false;
    }
    printf("%zu of %zu migrations applied now; the database is up to date\n", result.applied,
           result.total);
    return true;
}

int command_migrate(int argc, char **argv)
{
    static const struct argp parser = {
        .doc =
            "Applies the numbered migrations of MIGRATIONS_PATH that DATABASE_URL lacks, each in "
            "a transaction. Needs the owner of the tables. Exits with 1 and one line when "
            "something fails.",
    };
    argp_parse(&parser, argc, argv, 0, NULL, NULL);

    char error[CONFIG_ERROR_SIZE];
    struct config *config = config_load(error);
    if (config == NULL || !config_require(config, SETTING_DATABASE_URL, error)) {
        fprintf(stderr, "ecs: %s\n", error);
        config_free(&config);
        return EXIT_FAILURE;
    }
    char db_problem[DB_ERROR_SIZE];
    struct log *log = log_open("ecs-migrate", LOG_ERROR, LOG_AS_TEXT);
    struct db *db =
        db_open(config_text(config, SETTING_DATABASE_URL), "ecs-migrate", log, db_problem);
    bool done = false;
    if (db != NULL) {
        done = migrate(db, config_text(config, SETTING_MIGRATIONS_PATH));
    } else {
        fprintf(stderr, "ecs: DATABASE_URL: %s\n", db_problem);
    }
    db_close(&db);
    log_close(&log);
    config_free(&config);
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
