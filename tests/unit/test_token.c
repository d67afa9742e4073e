// SPDX-License-Identifier: Apache-2.0
// Access tokens: every refusal that RFC 8725 asks for, each signed well unless the signature is
// what the case is about.
#include "platform/auth/token.h"

#include "platform/buffer.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PERSON "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"
#define NOW_S INT64_C(1800000000)
#define NOW (NOW_S * MICROSECONDS_A_SECOND)
#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define CLAIMS(rest) "{\"iss\":\"ecs\",\"aud\":\"ecs-api\",\"sub\":\"" PERSON "\"," rest "}"
#define GOOD_CLAIMS CLAIMS("\"iat\":1800000000,\"exp\":1800003600")

static const char secret[] = "0123456789abcdef0123456789abcdef";
static const struct token_key key = {secret, sizeof secret - 1};

static void add_base64(struct buffer *buffer, const void *bytes, size_t length)
{
    size_t size = sodium_base64_ENCODED_LEN(length, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    char *text = malloc(size);
    assert_non_null(text);
    sodium_bin2base64(text, size, bytes, length, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    buffer_add_text(buffer, text);
    free(text);
}

static void add_signature(struct buffer *token)
{
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256(mac, (const unsigned char *)token->data, token->length,
                           (const unsigned char *)secret);
    buffer_add_text(token, ".");
    add_base64(token, mac, sizeof mac);
}

static struct buffer forge(const char *header, const char *claims)
{
    struct buffer token = {0};
    add_base64(&token, header, strlen(header));
    buffer_add_text(&token, ".");
    add_base64(&token, claims, strlen(claims));
    add_signature(&token);
    return token;
}

static enum token_verdict verify_text(const char *text, size_t length)
{
    struct token_access access;
    return token_verify(&key, ROLE_PERSON, text, length, NOW, &access);
}

static enum token_verdict verdict_of(const char *header, const char *claims)
{
    struct buffer token = forge(header, claims);
    enum token_verdict verdict = verify_text(token.data, token.length);
    buffer_free(&token);
    return verdict;
}

static void test_an_issued_token_is_good_for_its_person(void **state)
{
    (void)state;
    struct uuid person;
    struct token_access found = {0};
    assert_true(uuid_parse(PERSON, strlen(PERSON), &person));
    char *token = token_issue(&key, &person, NOW, 3600);
    size_t length = strlen(token);
    assert_true(length <= TOKEN_MAX);
    assert_int_equal(token_verify(&key, ROLE_PERSON, token, length, NOW, &found), TOKEN_GOOD);
    assert_true(uuid_equal(&person, &found.person));
    assert_int_equal(found.expires_at, NOW + 3600 * MICROSECONDS_A_SECOND);
    free(token);
}

static void test_an_operators_token_is_good_for_an_operator_alone(void **state)
{
    (void)state;
    struct uuid person;
    struct token_access found = {.expires_at = 7};
    assert_true(uuid_parse(PERSON, strlen(PERSON), &person));
    char *operators = token_issue_to_operator(&key, "ada@bank.example", NOW, 3600);
    char *persons = token_issue(&key, &person, NOW, 3600);
    size_t length = strlen(operators);
    assert_int_equal(token_verify(&key, ROLE_PERSON, operators, length, NOW, &found),
                     TOKEN_OTHER_ROLE);
    assert_int_equal(token_verify(&key, ROLE_OPERATOR, persons, strlen(persons), NOW, &found),
                     TOKEN_OTHER_ROLE);
    assert_int_equal(found.expires_at, 7);
    assert_int_equal(token_verify(&key, ROLE_OPERATOR, operators, length, NOW, &found), TOKEN_GOOD);
    assert_string_equal(found.operator_name, "ada@bank.example");
    assert_int_equal(found.expires_at, NOW + 3600 * MICROSECONDS_A_SECOND);
    timestamp end = NOW + 3600 * MICROSECONDS_A_SECOND;
    assert_int_equal(token_verify(&key, ROLE_OPERATOR, operators, length, end, &found),
                     TOKEN_EXPIRED);
    free(operators);
    free(persons);
}

#define OPERATORS(subject)                                                                         \
    "{\"iss\":\"ecs\",\"aud\":\"ecs-operators\",\"sub\":" subject                                  \
    ",\"iat\":1800000000,\"exp\":1800003600}"

static void test_an_operator_has_a_plain_name(void **state)
{
    (void)state;
    static const char *const subjects[] = {
        "\"\"",
        "7",
        "null",
        "[\"ada\"]",
        "\"ada lovelace\"",
        "\"ada\\n\"",
        "\"ad\u00e4\"",
        "\"ada\\u0000x\"",
        "\"<b>ada</b>\"",
        "\"a\\\"da\"",
        "\"ada;drop\"",
        "{}",
        "true",
        "\"a/b\"",
        "\"%s\"",
    };
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
        char claims[256];
        snprintf(claims, sizeof claims, OPERATORS("%s"), subjects[i]);
        assert_int_equal(verdict_of(HEADER, claims), TOKEN_MALFORMED);
    }
    assert_int_equal(verdict_of(HEADER, OPERATORS("\"ada\"")), TOKEN_OTHER_ROLE);
    assert_int_equal(verdict_of(HEADER, OPERATORS("\"" PERSON "\"")), TOKEN_OTHER_ROLE);
    char name[OPERATOR_NAME_SIZE + 1];
    memset(name, 'a', sizeof name);
    name[OPERATOR_NAME_MAX] = '\0';
    assert_true(operator_name_is_valid(name));
    name[OPERATOR_NAME_MAX] = 'a';
    name[OPERATOR_NAME_MAX + 1] = '\0';
    assert_false(operator_name_is_valid(name));
}

static void test_a_forged_twin_of_ours_is_good(void **state)
{
    (void)state;
    assert_int_equal(verdict_of(HEADER, GOOD_CLAIMS), TOKEN_GOOD);
    assert_int_equal(verdict_of("{\"typ\":\"JWT\",\"alg\":\"HS256\"}", GOOD_CLAIMS), TOKEN_GOOD);
    assert_int_equal(verdict_of("{\"alg\":\"HS256\"}", GOOD_CLAIMS), TOKEN_GOOD);
}

static void test_only_the_exact_header_is_taken(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "{\"alg\":\"none\",\"typ\":\"JWT\"}",
        "{\"alg\":\"None\",\"typ\":\"JWT\"}",
        "{\"alg\":\"NONE\",\"typ\":\"JWT\"}",
        "{\"alg\":\"hs256\",\"typ\":\"JWT\"}",
        "{\"alg\":\"Hs256\",\"typ\":\"JWT\"}",
        "{\"alg\":\"HS256 \",\"typ\":\"JWT\"}",
        "{\"alg\":\"HS384\",\"typ\":\"JWT\"}",
        "{\"alg\":\"HS512\",\"typ\":\"JWT\"}",
        "{\"alg\":\"RS256\",\"typ\":\"JWT\"}",
        "{\"alg\":\"ES256\",\"typ\":\"JWT\"}",
        "{\"alg\":\"\",\"typ\":\"JWT\"}",
        "{\"alg\":256,\"typ\":\"JWT\"}",
        "{\"alg\":null,\"typ\":\"JWT\"}",
        "{\"alg\":[\"HS256\"],\"typ\":\"JWT\"}",
        "{\"typ\":\"JWT\"}",
        "{}",
        "{\"alg\":\"HS256\",\"typ\":\"jwt\"}",
        "{\"alg\":\"HS256\",\"typ\":\"JWE\"}",
        "{\"alg\":\"HS256\",\"typ\":1}",
        "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"crit\":[\"exp\"]}",
        "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"../../dev/null\"}",
        "{\"alg\":\"HS256\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AA\"}}",
    };
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        assert_int_equal(verdict_of(headers[i], GOOD_CLAIMS), TOKEN_NOT_OURS);
    }
}

static void test_what_is_no_json_object_is_malformed(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "[]",
        "null",
        "\"HS256\"",
        "{",
        "{\"alg\":\"HS256\"} x",
        "{\"alg\":\"HS256\",\"alg\":\"HS256\"}",
        "{\"alg\":\"none\",\"alg\":\"HS256\"}",
    };
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        assert_int_equal(verdict_of(broken[i], GOOD_CLAIMS), TOKEN_MALFORMED);
        assert_int_equal(verdict_of(HEADER, broken[i]), TOKEN_MALFORMED);
    }
}

static void test_claims_missing_or_of_the_wrong_kind_are_malformed(void **state)
{
    (void)state;
    static const char *const claims[] = {
        "{}",
        "{\"iss\":\"ecs\",\"aud\":\"ecs-api\",\"iat\":1800000000,\"exp\":1800003600}",
        "{\"iss\":\"ecs\",\"aud\":\"ecs-api\",\"sub\":\"me\",\"iat\":1800000000,\"exp\":"
        "1800003600}",
        "{\"iss\":\"ecs\",\"aud\":\"ecs-api\",\"sub\":7,\"iat\":1800000000,\"exp\":1800003600}",
        "{\"iss\":\"ecs\",\"aud\":\"ecs-api\",\"sub\":\"{" PERSON
        "}\",\"iat\":1800000000,\"exp\":1800003600}",
        CLAIMS("\"iat\":1800000000"),
        CLAIMS("\"exp\":1800003600"),
        CLAIMS("\"iat\":1800000000,\"exp\":\"1800003600\""),
        CLAIMS("\"iat\":1800000000,\"exp\":1800003600.0"),
        CLAIMS("\"iat\":1800000000,\"exp\":1.8e9"),
        CLAIMS("\"iat\":1800000000,\"exp\":null"),
        CLAIMS("\"iat\":true,\"exp\":1800003600"),
        CLAIMS("\"iat\":-1,\"exp\":1800003600"),
        CLAIMS("\"iat\":1800000000,\"exp\":9223372036854775807"),
        CLAIMS("\"iat\":-9223372036854775808,\"exp\":9223372036854775807"),
        CLAIMS("\"iat\":1800000000,\"exp\":18446744073709551616"),
        CLAIMS("\"iat\":1800000000,\"exp\":1800003600,\"nbf\":\"0\""),
        CLAIMS("\"iat\":1800000000,\"exp\":1800003600,\"nbf\":null"),
        CLAIMS("\"iat\":1800000000,\"exp\":1800000001,\"exp\":1800003600"),
        CLAIMS("\"iat\":1800000000,\"exp\":1800003600,\"sub\":\"" PERSON "\""),
    };
    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
        assert_int_equal(verdict_of(HEADER, claims[i]), TOKEN_MALFORMED);
    }
}

static void test_tokens_of_others_are_refused(void **state)
{
    (void)state;
#define TIMES "\"sub\":\"" PERSON "\",\"iat\":1800000000,\"exp\":1800003600}"
    static const char *const claims[] = {
        "{\"aud\":\"ecs-api\"," TIMES,
        "{\"iss\":\"ecs\"," TIMES,
        "{\"iss\":\"ECS\",\"aud\":\"ecs-api\"," TIMES,
        "{\"iss\":\"other\",\"aud\":\"ecs-api\"," TIMES,
        "{\"iss\":\"ecs\",\"aud\":\"ecs-api2\"," TIMES,
        "{\"iss\":\"ecs\",\"aud\":\"\"," TIMES,
        "{\"iss\":\"ecs\",\"aud\":[\"ecs-api\"]," TIMES,
        "{\"iss\":\"ecs\",\"aud\":[\"other\",\"ecs-api\"]," TIMES,
        "{\"iss\":{\"ecs\":1},\"aud\":\"ecs-api\"," TIMES,
    };
    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
        assert_int_equal(verdict_of(HEADER, claims[i]), TOKEN_NOT_OURS);
    }
}

static void test_times_are_checked_to_the_second(void **state)
{
    (void)state;
    static const struct {
        const char *claims;
        enum token_verdict verdict;
    } cases[] = {
        {CLAIMS("\"iat\":1799996401,\"exp\":1800000001"), TOKEN_GOOD},
        {CLAIMS("\"iat\":1799996400,\"exp\":1800000000"), TOKEN_EXPIRED},
        {CLAIMS("\"iat\":0,\"exp\":3600"), TOKEN_EXPIRED},
        {CLAIMS("\"iat\":1800000000,\"exp\":0"), TOKEN_EXPIRED},
        {CLAIMS("\"iat\":1800000060,\"exp\":1800000120"), TOKEN_GOOD},
        {CLAIMS("\"iat\":1800000061,\"exp\":1800000120"), TOKEN_NOT_OURS},
        {CLAIMS("\"iat\":1800000000,\"exp\":1800003601"), TOKEN_NOT_OURS},
        {CLAIMS("\"iat\":0,\"exp\":253402300799"), TOKEN_NOT_OURS},
        {CLAIMS("\"iat\":1800000000,\"exp\":1800003600,\"nbf\":1800000000"), TOKEN_GOOD},
        {CLAIMS("\"iat\":1800000000,\"exp\":1800003600,\"nbf\":1800000001"), TOKEN_NOT_OURS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(verdict_of(HEADER, cases[i].claims), cases[i].verdict);
    }
}

static void test_a_token_ends_on_the_clock_of_the_check(void **state)
{
    (void)state;
    struct uuid person = {{7}};
    struct token_access found = {0};
    char *token = token_issue(&key, &person, NOW, 60);
    size_t length = strlen(token);
    timestamp end = NOW + 60 * MICROSECONDS_A_SECOND;
    timestamp day_before = NOW - MICROSECONDS_A_DAY;
    assert_int_equal(token_verify(&key, ROLE_PERSON, token, length, end - 1, &found), TOKEN_GOOD);
    assert_int_equal(token_verify(&key, ROLE_PERSON, token, length, end, &found), TOKEN_EXPIRED);
    assert_int_equal(token_verify(&key, ROLE_PERSON, token, length, day_before, &found),
                     TOKEN_NOT_OURS);
    free(token);
}

static void test_another_key_or_a_changed_letter_is_a_bad_signature(void **state)
{
    (void)state;
    static const char other[] = "0123456789abcdef0123456789abcdeF";
    struct token_key wrong = {other, sizeof other - 1};
    struct token_access found = {0};
    struct buffer token = forge(HEADER, GOOD_CLAIMS);
    assert_int_equal(token_verify(&wrong, ROLE_PERSON, token.data, token.length, NOW, &found),
                     TOKEN_BAD_SIGNATURE);
    for (size_t i = 0; i < token.length; i++) {
        char kept = token.data[i];
        token.data[i] = kept == 'A' ? 'B' : 'A';
        assert_int_not_equal(verify_text(token.data, token.length), TOKEN_GOOD);
        token.data[i] = kept;
    }
    assert_int_equal(verify_text(token.data, token.length), TOKEN_GOOD);
    buffer_free(&token);
}

static void test_a_key_longer_than_a_block_signs_too(void **state)
{
    (void)state;
    char text[200];
    memset(text, 'k', sizeof text);
    struct token_key long_key = {text, sizeof text};
    struct uuid person = {{1}};
    struct token_access found = {0};
    char *token = token_issue(&long_key, &person, NOW, 60);
    assert_int_equal(token_verify(&long_key, ROLE_PERSON, token, strlen(token), NOW, &found),
                     TOKEN_GOOD);
    assert_int_not_equal(verify_text(token, strlen(token)), TOKEN_GOOD);
    free(token);
}

static void test_there_are_exactly_three_segments(void **state)
{
    (void)state;
    static const char *const texts[] = {"",    ".",       "..",   "...", "a",
                                        "a.b", "a.b.c.d", "a..c", ".b.c"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        assert_int_equal(verify_text(texts[i], strlen(texts[i])), TOKEN_MALFORMED);
    }
    struct buffer token = forge(HEADER, GOOD_CLAIMS);
    buffer_add_text(&token, ".");
    assert_int_equal(verify_text(token.data, token.length), TOKEN_MALFORMED);
    buffer_add_text(&token, "AAAA");
    assert_int_equal(verify_text(token.data, token.length), TOKEN_MALFORMED);
    buffer_free(&token);
}

static void test_an_empty_or_short_signature_is_malformed(void **state)
{
    (void)state;
    struct buffer token = forge(HEADER, GOOD_CLAIMS);
    size_t signature = (size_t)(strrchr(token.data, '.') + 1 - token.data);
    assert_int_equal(verify_text(token.data, signature), TOKEN_MALFORMED);
    assert_int_equal(verify_text(token.data, signature + 22), TOKEN_MALFORMED);
    assert_int_equal(verify_text(token.data, token.length - 1), TOKEN_MALFORMED);
    buffer_free(&token);
}

// The last letter of 32 bytes carries two bits that must be zero: three other letters decode to the
// same bytes where a reader is lax.
static void test_base64_is_taken_in_its_one_canonical_form(void **state)
{
    (void)state;
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    struct buffer token = forge(HEADER, GOOD_CLAIMS);
    char *last = &token.data[token.length - 1];
    size_t value = (size_t)(strchr(letters, *last) - letters);
    char kept = *last;
    for (size_t bits = 1; bits < 4; bits++) {
        *last = letters[value | bits];
        assert_int_equal(verify_text(token.data, token.length), TOKEN_MALFORMED);
    }
    *last = kept;
    static const char *const tails[] = {"=", "==", " ", "\n", "\r\n", "%3D"};
    size_t length = token.length;
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        buffer_add_text(&token, tails[i]);
        assert_int_equal(verify_text(token.data, token.length), TOKEN_MALFORMED);
        token.length = length;
    }
    buffer_free(&token);
}

static void test_other_alphabets_and_nul_are_malformed(void **state)
{
    (void)state;
    static const char bad[] = {'+', '/', '=', ' ', '\n', '\0', '\x7f', '\x80'};
    struct buffer token = forge(HEADER, GOOD_CLAIMS);
    for (size_t i = 0; i < sizeof bad; i++) {
        char *middle = strrchr(token.data, '.') + 10;
        char kept = *middle;
        *middle = bad[i];
        assert_int_equal(verify_text(token.data, token.length), TOKEN_MALFORMED);
        *middle = kept;
    }
    buffer_free(&token);
}

static void test_padded_segments_are_malformed_though_signed(void **state)
{
    (void)state;
    struct buffer token = {0};
    add_base64(&token, HEADER, strlen(HEADER));
    buffer_add_text(&token, "=.");
    add_base64(&token, GOOD_CLAIMS, strlen(GOOD_CLAIMS));
    add_signature(&token);
    assert_int_equal(verify_text(token.data, token.length), TOKEN_MALFORMED);
    buffer_free(&token);
}

static void test_a_huge_token_is_malformed(void **state)
{
    (void)state;
    char claims[4096];
    int length = snprintf(claims, sizeof claims,
                          CLAIMS("\"iat\":1800000000,\"exp\":1800003600,"
                                 "\"pad\":\"%02000d\""),
                          0);
    assert_true(length > 2000);
    assert_int_equal(verdict_of(HEADER, claims), TOKEN_MALFORMED);

    size_t size = 10u << 20;
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, 'A', size);
    assert_int_equal(verify_text(text, size), TOKEN_MALFORMED);
    free(text);
}

static void test_a_refusal_gives_nothing_and_has_words(void **state)
{
    (void)state;
    struct token_access access = {.person = {{42}}};
    struct buffer token = forge(HEADER, CLAIMS("\"iat\":1799990000,\"exp\":1799990060"));
    assert_int_equal(token_verify(&key, ROLE_PERSON, token.data, token.length, NOW, &access),
                     TOKEN_EXPIRED);
    assert_int_equal(access.person.bytes[0], 42);
    buffer_free(&token);
    for (enum token_verdict verdict = TOKEN_GOOD; verdict <= TOKEN_REVOKED; verdict++) {
        assert_true(strlen(token_verdict_text(verdict)) > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_issued_token_is_good_for_its_person),
        cmocka_unit_test(test_an_operators_token_is_good_for_an_operator_alone),
        cmocka_unit_test(test_an_operator_has_a_plain_name),
        cmocka_unit_test(test_a_forged_twin_of_ours_is_good),
        cmocka_unit_test(test_only_the_exact_header_is_taken),
        cmocka_unit_test(test_what_is_no_json_object_is_malformed),
        cmocka_unit_test(test_claims_missing_or_of_the_wrong_kind_are_malformed),
        cmocka_unit_test(test_tokens_of_others_are_refused),
        cmocka_unit_test(test_times_are_checked_to_the_second),
        cmocka_unit_test(test_a_token_ends_on_the_clock_of_the_check),
        cmocka_unit_test(test_another_key_or_a_changed_letter_is_a_bad_signature),
        cmocka_unit_test(test_a_key_longer_than_a_block_signs_too),
        cmocka_unit_test(test_there_are_exactly_three_segments),
        cmocka_unit_test(test_an_empty_or_short_signature_is_malformed),
        cmocka_unit_test(test_base64_is_taken_in_its_one_canonical_form),
        cmocka_unit_test(test_other_alphabets_and_nul_are_malformed),
        cmocka_unit_test(test_padded_segments_are_malformed_though_signed),
        cmocka_unit_test(test_a_huge_token_is_malformed),
        cmocka_unit_test(test_a_refusal_gives_nothing_and_has_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
