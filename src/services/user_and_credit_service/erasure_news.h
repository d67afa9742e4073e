// SPDX-License-Identifier: Apache-2.0
// Has the tokens of erased people refused everywhere: reads who was erased within the time that a
// token can last, revokes their tokens here and tells the other processes, at once when woken and
// then every few seconds.
#pragma once

#include "services/service.h"

struct erasure_news;

// NULL with one line in `error` when the database's URL cannot be used.
struct erasure_news *erasure_news_start(const struct service_environment *environment,
                                        char error[static SERVICE_ERROR_SIZE]);
void erasure_news_stop(struct erasure_news **news);

// Somebody was erased just now. From any thread.
void erasure_news_wake(struct erasure_news *news);
