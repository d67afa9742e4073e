// SPDX-License-Identifier: Apache-2.0
// What the gateway shows of itself: the description of the API and the page made of it (api/), and
// the operators' dashboard (web/). All are part of the program (meson.build).
#pragma once

#include "platform/http/router.h"

#include <stddef.h>

extern const unsigned char api_description[]; /* api/openapi.json */
extern const size_t api_description_size;
extern const unsigned char api_page[]; /* HTML */
extern const size_t api_page_size;
extern const unsigned char dashboard_page[]; /* web/dashboard.html, and what it loads */
extern const size_t dashboard_page_size;
extern const unsigned char dashboard_style[];
extern const size_t dashboard_style_size;
extern const unsigned char dashboard_script[];
extern const size_t dashboard_script_size;

http_handler show_api_description;  /* GET /openapi.json */
http_handler show_api_page;         /* GET /docs */
http_handler show_dashboard;        /* GET /dashboard */
http_handler show_dashboard_style;  /* GET /dashboard/dashboard.css */
http_handler show_dashboard_script; /* GET /dashboard/dashboard.js */
