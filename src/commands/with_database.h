// SPDX-License-Identifier: Apache-2.0
// The common set-up of the commands that talk to PostgreSQL: settings, a log that shows errors
// only, and a connection.
#pragma once

#include "platform/config.h"
#include "platform/db/db.h"

// What the command does; answers its exit status.
typedef int database_command(struct db *db, const struct config *config, void *arg);

// Loads the settings, opens the database of the setting `url`, or of DATABASE_URL when that is
// unset, runs the command and takes everything down again. `name` is shown in pg_stat_activity.
// When something is amiss, one line on standard error and EXIT_FAILURE.
int with_database(enum setting url, const char *name, database_command *command, void *arg);
