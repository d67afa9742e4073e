// SPDX-License-Identifier: Apache-2.0
// What the gateway says of itself: the description of the API, and the page made of it. Both are
// part of the program (api/ and meson.build).
#pragma once

#include "platform/http/router.h"

#include <stddef.h>

extern const unsigned char api_description[]; /* api/openapi.json */
extern const size_t api_description_size;
extern const unsigned char api_page[]; /* HTML */
extern const size_t api_page_size;

http_handler show_api_description; /* GET /openapi.json */
http_handler show_api_page;        /* GET /docs */
