// SPDX-License-Identifier: Apache-2.0
// The comparison of media types: without case, up to the parameters.
#include "platform/http/media_type.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

bool media_type_is(const char *content_type, const char *media_type)
{
    size_t length = strlen(media_type);
    if (content_type == NULL || strncasecmp(content_type, media_type, length) != 0) {
        return false;
    }
    const char *after = content_type + length;
    after += strspn(after, " \t");
    return *after == '\0' || *after == ';';
}
