// SPDX-License-Identifier: Apache-2.0
// The headers of a service's answer that the gateway passes on as they are, beside its content
// type: Retry-After, RateLimit-* and WWW-Authenticate.
#pragma once

#define HTTP_PASSED_ON 5
#define HTTP_PASSED_ON_SIZE 160 /* of a value and its NUL; a longer one is cut */

extern const char *const http_passed_on[HTTP_PASSED_ON]; /* their names */
