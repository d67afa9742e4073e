// SPDX-License-Identifier: Apache-2.0
// credit-application-worker: activates accepted offers and tells their people.
#pragma once

#include "services/service.h"

extern const struct service credit_application_worker;
