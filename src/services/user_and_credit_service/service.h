// SPDX-License-Identifier: Apache-2.0
// user-and-credit-service: people, their consents, their credit analyses and offers.
#pragma once

#include "services/service.h"

extern const struct service user_and_credit_service;
