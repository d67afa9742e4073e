// SPDX-License-Identifier: Apache-2.0
// Sets up and takes down what a command needs to talk to PostgreSQL.
#include "commands/with_database.h"

#include "platform/log.h"

#include <stdio.h>
#include <stdlib.h>

static int run(const struct config *config, enum setting url, const char *name,
               database_command *command, void *arg)
{
    char error[DB_ERROR_SIZE];
    struct log *log = log_open(name, LOG_ERROR, LOG_AS_TEXT);
    struct db *db = db_open(config_text(config, url), name, log, error);
    int status = EXIT_FAILURE;
    if (db != NULL) {
        status = command(db, config, arg);
    } else {
        fprintf(stderr, "ecs: %s: %s\n", config_name(url), error);
    }
    db_close(&db);
    log_close(&log);
    return status;
}

int with_database(enum setting url, const char *name, database_command *command, void *arg)
{
    char error[CONFIG_ERROR_SIZE];
    struct config *config = config_load(error);
    if (config != NULL && !config_is_set(config, url)) {
        url = SETTING_DATABASE_URL;
    }
    if (config == NULL || !config_require(config, url, error)) {
        fprintf(stderr, "ecs: %s\n", error);
        config_free(&config);
        return EXIT_FAILURE;
    }
    const int status = run(config, url, name, command, arg);
    config_free(&config);
    return status;
}
