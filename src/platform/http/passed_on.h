// SPDX-License-Identifier: Apache-2.0
// The headers of a service's answer that the gateway passes on as they are, beside its content
// type: Retry-After and RateLimit-*.
#pragma once

#define HTTP_PASSED_ON 4

extern const char *const http_passed_on[HTTP_PASSED_ON]; /* their names */
