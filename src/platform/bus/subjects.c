// SPDX-License-Identifier: Apache-2.0
// Comparing subjects, as far as ours need it.
#include "platform/bus/subjects.h"

#include <string.h>

bool subject_is_of(const char *subject, const char *pattern)
{
    const size_t length = strlen(pattern);
    const bool all_below = length > 0 && pattern[length - 1] == '>';
    return all_below ? strncmp(subject, pattern, length - 1) == 0 : strcmp(subject, pattern) == 0;
}
