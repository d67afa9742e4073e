// SPDX-License-Identifier: Apache-2.0
// Subjects and what is below them. Pure.
#pragma once

#include <stdbool.h>

// Whether a subject is the one that `pattern` names or, where the pattern ends with `>`, one of
// those that begin with what stands before that.
bool subject_is_of(const char *subject, const char *pattern);
