// SPDX-License-Identifier: Apache-2.0
// Checks the tokens of requests, by the key that signs now and the one before it. A token that was
// good is remembered for a short time by its hash, because the same one comes again; its end holds
// all the same. One object for one thread.
#pragma once

#include "platform/auth/token.h"

#include <stddef.h>

struct token_checker;

// `previous.length` 0: there is only one key. The secrets must outlive the checker.
struct token_checker *token_checker_new(struct token_key key, struct token_key previous);
void token_checker_free(struct token_checker **checker);

// As token_verify for a person, with either key.
enum token_verdict token_check(struct token_checker *checker, const char *token, size_t length,
                               timestamp now, struct uuid *ret_person);

// The same for an operator; nothing is remembered of it.
enum token_verdict token_check_operator(const struct token_checker *checker, const char *token,
                                        size_t length, timestamp now,
                                        char name[static OPERATOR_NAME_SIZE]);
