// SPDX-License-Identifier: Apache-2.0
// Numbers of options, by strtol.
#include "commands/number.h"

#include <errno.h>
#include <stdlib.h>

bool number_parse(const char *text, long least, long most, long *ret)
{
    char *end = NULL;
    errno = 0;
    const long number = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number < least || number > most) {
        return false;
    }
    *ret = number;
    return true;
}
