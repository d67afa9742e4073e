// SPDX-License-Identifier: Apache-2.0
// What a person had deleted and is very much: the request that asks for it begins, and a thread of
// the service goes on until it is gone, also with what another process left behind.
#pragma once

#include "platform/db/db.h"
#include "services/service.h"

struct deletions;
struct user_credit;

// What is to go; the text stands in the table.
#define DELETION_OF_EMOTIONS "emotions"
#define DELETION_OF_ACCOUNT "account"

// Inside a transaction that holds the person's lock: from its commit on it will be gone some time.
enum db_status deletion_begin(struct db *db, const char *person, const char *what);

// Inside such a transaction: it is gone, or need not go any more.
enum db_status deletion_end(struct db *db, const char *person, const char *what);

// Starts the thread.
struct deletions *deletions_start(struct user_credit *service);
void deletions_stop(struct deletions **deletions);

// Something was begun just now. From any thread.
void deletions_wake(struct deletions *deletions);
