// SPDX-License-Identifier: Apache-2.0
// `ecs migrate`: brings the database to the schema of this version. Safe to run by several at once.
#include "commands/command.h"
#include "commands/with_database.h"
#include "platform/db/migrations.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

static void say_file(void *arg, const char *file)
{
    (void)arg;
    printf("applying %s\n", file);
    fflush(stdout);
}

static int migrate(struct db *db, const struct config *config, void *arg)
{
    (void)arg;
    struct migrations_result result;
    enum db_status status =
        migrations_run(db, config_text(config, SETTING_MIGRATIONS_PATH), say_file, NULL, &result);
    if (status != DB_OK) {
        fprintf(stderr, "ecs: %s%s%s%s\n", result.failed[0] != '\0' ? "migration " : "",
                result.failed, result.failed[0] != '\0' ? " failed: " : "", db_error(db));
        return EXIT_FAILURE;
    }
    printf("%zu of %zu migrations applied now; the database is up to date\n", result.applied,
           result.total);
    return EXIT_SUCCESS;
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
    return with_database(SETTING_DATABASE_URL, "ecs-migrate", migrate, NULL);
}
