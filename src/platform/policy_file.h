// SPDX-License-Identifier: Apache-2.0
// The credit policy's file (versioned JSON): read and checked at start, read anew when it changes.
#pragma once

#include "domain/policy.h"

#include <stdbool.h>

#define POLICY_ERROR_SIZE 256

struct policy_file;

// Reads and checks the file. NULL with one line in `error` when it is missing, broken or makes no
// sense. Safe from every thread afterwards.
struct policy_file *policy_file_load(const char *path, char error[static POLICY_ERROR_SIZE]);
void policy_file_free(struct policy_file **file);

// Reads the file anew when it changed since; a bad one is refused and the old policy stays: false
// then, with one line in `error` (which is "" when the same bad file was reported before).
bool policy_file_refresh(struct policy_file *file, char error[static POLICY_ERROR_SIZE]);

// The policy that holds now.
struct policy policy_file_current(struct policy_file *file);
