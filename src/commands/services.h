// SPDX-License-Identifier: Apache-2.0
// The table of every service there is; it stands in serve.c.
#pragma once

#include "services/service.h"

#include <stddef.h>

// The services, in the order in which they are mounted; *ret_count says how many.
const struct service *const *services_all(size_t *ret_count);
