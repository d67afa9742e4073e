// SPDX-License-Identifier: Apache-2.0
// Numbered migrations. The table schema_migrations holds what was applied and its checksum. Each
// file is claimed, run and committed in one transaction that holds an advisory lock, so that of
// several replicas that start at once one applies it and the others find it done.
#include "platform/db/migrations.h"

#include "platform/buffer.h"
#include "platform/db/internal.h"
#include "platform/db/transaction.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILES_MAX 9999 /* four digits */
#define FILE_SIZE_MAX (16 * 1024 * 1024)
#define NAME_SIZE 128
#define CHECKSUM_BYTES crypto_generichash_BYTES
#define CHECKSUM_SIZE (2 * CHECKSUM_BYTES + 1)

// A file that builds an index may take long. A replica waits three times 20 seconds for one that
// migrates (db_transaction tries again). The locks of a file keep the session's short deadline:
// who waits for one stops everybody behind.
#define PATIENCE_MS (11 * 60 * 1000)
static const char enter[] = "SET LOCAL statement_timeout = '10min';"
                            "SET LOCAL lock_timeout = '20s';"
                            "SELECT pg_advisory_xact_lock(hashtext('schema_migrations'));"
                            "SET LOCAL lock_timeout TO DEFAULT";

static const char make_table[] = "CREATE TABLE IF NOT EXISTS schema_migrations ("
                                 "  file       text PRIMARY KEY,"
                                 "  checksum   text NOT NULL,"
                                 "  applied_at timestamptz NOT NULL DEFAULT now())";

static const struct db_statement list_applied = {
    "migrations_list",
    "SELECT file, checksum FROM schema_migrations ORDER BY file COLLATE \"C\"",
};
static const struct db_statement claim_file = {
    "migrations_claim",
    "INSERT INTO schema_migrations (file, checksum) VALUES ($1, $2) ON CONFLICT DO NOTHING",
};

struct folder {
    const char *path;
    struct dirent **entries; /* sorted by name */
    size_t count;
};

// One run of migrations_run.
struct run {
    struct db *db;
    struct folder folder;
    migrations_report_fn *report;
    void *arg;
    struct migrations_result *ret;
};

static int is_sql(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return entry->d_name[0] != '.' && length > 4 && strcmp(entry->d_name + length - 4, ".sql") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

// NNNN_name.sql with the number that is due.
static bool name_is_due(const char *name, size_t number)
{
    char prefix[32];
    snprintf(prefix, sizeof prefix, "%04zu_", number);
    size_t stem = strlen(name) - strlen(".sql");
    if (strncmp(name, prefix, strlen(prefix)) != 0 || stem <= strlen(prefix) ||
        strlen(name) >= NAME_SIZE) {
        return false;
    }
    for (size_t i = 0; i < stem; i++) {
        if (!isalnum((unsigned char)name[i]) && name[i] != '_') {
            return false;
        }
    }
    return true;
}

static void folder_close(struct folder *folder)
{
    for (size_t i = 0; i < folder->count; i++) {
        free(folder->entries[i]);
    }
    free(folder->entries);
}

static enum db_status folder_open(struct run *run, const char *path)
{
    struct folder *folder = &run->folder;
    folder->path = path;
    int found = scandir(path, &folder->entries, is_sql, by_name);
    if (found <= 0) {
        db_set_error(run->db, "%s: %s", path, found < 0 ? strerror(errno) : "no .sql file there");
        return DB_BROKEN;
    }
    folder->count = (size_t)found;
    for (size_t i = 0; i < folder->count; i++) {
        if (i >= FILES_MAX || !name_is_due(folder->entries[i]->d_name, i + 1)) {
            db_set_error(run->db, "%s: a file %04zu_name.sql was expected here",
                         folder->entries[i]->d_name, i + 1);
            return DB_BROKEN;
        }
    }
    return DB_OK;
}

static enum db_status read_file(struct run *run, const char *name, struct buffer *text)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", run->folder.path, name);
    FILE *file = fopen(path, "rbe");
    bool read = file != NULL;
    char piece[4096];
    while (read && !feof(file)) {
        size_t length = fread(piece, 1, sizeof piece, file);
        read =
            !ferror(file) && memchr(piece, '\0', length) == NULL && buffer_add(text, piece, length);
    }
    if (file != NULL) {
        fclose(file);
    }
    if (!read) {
        db_set_error(run->db, "%s: cannot be read as a text of at most 16 MiB", name);
        return DB_BROKEN;
    }
    return DB_OK;
}

static void checksum_of(const struct buffer *text, char checksum[static CHECKSUM_SIZE])
{
    unsigned char hash[CHECKSUM_BYTES];
    if (sodium_init() < 0) {
        abort(); // no source of random numbers: the machine is unusable
    }
    crypto_generichash(hash, sizeof hash, (const unsigned char *)text->data, text->length, NULL, 0);
    sodium_bin2hex(checksum, CHECKSUM_SIZE, hash, sizeof hash);
}

// A file on its way; what came before it is in the database.
struct step {
    const struct run *run;
    const char *name;
    const char *sql;
    const char *checksum;
    bool applied; /* by us, not by a replica at the same time */
};

static enum db_status apply(struct db *db, void *arg)
{
    struct step *step = arg;
    step->applied = false;
    struct db_result *claim __attribute__((cleanup(db_result_free))) = NULL;
    const struct db_parameter row[] = {db_text_parameter(step->name),
                                       db_text_parameter(step->checksum)};
    enum db_status status = db_run_script(db, enter);
    if (status == DB_OK) {
        status = db_run(db, &claim_file, row, 2, &claim);
    }
    if (status != DB_OK || db_affected(claim) == 0) {
        return status;
    }
    if (step->run->report != NULL) {
        step->run->report(step->run->arg, step->name);
    }
    status = db_run_script(db, step->sql);
    step->applied = status == DB_OK;
    return status;
}

// Compares a file with what was applied in its place, or applies it.
static enum db_status visit(struct run *run, const struct db_result *applied, size_t i)
{
    const char *name = run->folder.entries[i]->d_name;
    struct buffer sql __attribute__((cleanup(buffer_free))) = {.maximum = FILE_SIZE_MAX};
    char checksum[CHECKSUM_SIZE];
    enum db_status status = read_file(run, name, &sql);
    if (status != DB_OK) {
        return status;
    }
    checksum_of(&sql, checksum);
    if (i >= db_rows(applied)) {
        struct step step = {.run = run, .name = name, .sql = sql.data, .checksum = checksum};
        status = db_transaction(run->db, apply, &step);
        run->ret->applied += status == DB_OK && step.applied;
        return status;
    }
    if (strcmp(db_text(applied, i, 0), name) != 0) {
        db_set_error(run->db, "%s was applied in the place of %s", db_text(applied, i, 0), name);
        return DB_BROKEN;
    }
    if (strcmp(db_text(applied, i, 1), checksum) != 0) {
        db_set_error(run->db, "%s has changed since it was applied", name);
        return DB_BROKEN;
    }
    return DB_OK;
}

static enum db_status list(struct db *db, void *arg)
{
    struct db_result **ret_applied = arg;
    db_result_free(ret_applied);
    enum db_status status = db_run_script(db, enter);
    if (status == DB_OK) {
        status = db_run_script(db, make_table);
    }
    return status == DB_OK ? db_run(db, &list_applied, NULL, 0, ret_applied) : status;
}

static enum db_status visit_all(struct run *run)
{
    struct db_result *applied __attribute__((cleanup(db_result_free))) = NULL;
    enum db_status status = db_transaction(run->db, list, &applied);
    if (status != DB_OK) {
        return status;
    }
    if (db_rows(applied) > run->folder.count) {
        db_set_error(run->db, "%s was applied and is missing in %s",
                     db_text(applied, run->folder.count, 0), run->folder.path);
        return DB_BROKEN;
    }
    for (size_t i = 0; i < run->folder.count; i++) {
        status = visit(run, applied, i);
        if (status != DB_OK) {
            snprintf(run->ret->failed, sizeof run->ret->failed, "%.*s", NAME_SIZE - 1,
                     run->folder.entries[i]->d_name);
            return status;
        }
    }
    return DB_OK;
}

enum db_status migrations_run(struct db *db, const char *folder, migrations_report_fn *report,
                              void *arg, struct migrations_result *ret)
{
    *ret = (struct migrations_result){0};
    struct run run = {.db = db, .report = report, .arg = arg, .ret = ret};
    enum db_status status = folder_open(&run, folder);
    ret->total = run.folder.count;
    if (status == DB_OK) {
        status = db_ping(db);
    }
    if (status == DB_OK) {
        int64_t patience_ms = db->patience_ms;
        db->patience_ms = PATIENCE_MS;
        status = visit_all(&run);
        db->patience_ms = patience_ms;
    }
    folder_close(&run.folder);
    return status;
}
