// SPDX-License-Identifier: Apache-2.0
// Media types (RFC 9110 section 8.3.1).
#pragma once

#include <stdbool.h>

// Whether a Content-Type is this media type (in lower case), whatever its parameters. NULL is none.
bool media_type_is(const char *content_type, const char *media_type);
