// SPDX-License-Identifier: Apache-2.0
// Reads redis:// URLs from left to right; each step takes its part off the front of the text.
#include "platform/cache/url.h"

#include "domain/hex.h"

#include <ctype.h>
#include <string.h>

// userinfo of RFC 3986 section 3.2.1 without the percent sign.
static bool is_userinfo(char c)
{
    return isalnum((unsigned char)c) || (c != '\0' && strchr("-._~!$&'()*+,;=:", c) != NULL);
}

// One character of a password, decoded; 0 when there is none.
static char take_character(const char **at)
{
    char c = **at;
    if (is_userinfo(c)) {
        (*at)++;
        return c;
    }
    if (c != '%' || hex_value((*at)[1]) < 0 || hex_value((*at)[2]) < 0) {
        return '\0';
    }
    c = (char)(hex_value((*at)[1]) * 16 + hex_value((*at)[2]));
    *at += 3;
    return c;
}

static bool take_password(const char **at, char password[static CACHE_PASSWORD_MAX + 1])
{
    if (strchr(*at, '@') == NULL) {
        return true;
    }
    if (**at != ':') {
        return false;
    }
    (*at)++;
    size_t length = 0;
    while (**at != '@') {
        char c = take_character(at);
        if (c == '\0' || length == CACHE_PASSWORD_MAX) {
            return false;
        }
        password[length++] = c;
    }
    (*at)++;
    return length > 0;
}

static bool take_host(const char **at, char host[static CACHE_HOST_MAX + 1])
{
    bool bracketed = **at == '[';
    *at += bracketed;
    size_t length = strspn(*at, bracketed ? "0123456789abcdefABCDEF:."
                                          : "0123456789abcdefghijklmnopqrstuvwxyz"
                                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ.-_");
    if (length == 0 || length > CACHE_HOST_MAX) {
        return false;
    }
    memcpy(host, *at, length);
    host[length] = '\0';
    *at += length;
    if (bracketed && *(*at)++ != ']') {
        return false;
    }
    return true;
}

static bool take_number(const char **at, int maximum, int *ret)
{
    if (!isdigit((unsigned char)**at)) {
        return false;
    }
    int number = 0;
    while (isdigit((unsigned char)**at)) {
        number = number * 10 + (**at - '0');
        if (number > maximum) {
            return false;
        }
        (*at)++;
    }
    *ret = number;
    return true;
}

bool cache_url_parse(const char *url, struct cache_address *ret)
{
    static const char scheme[] = "redis://";
    struct cache_address address = {0};
    if (strncmp(url, scheme, strlen(scheme)) != 0) {
        return false;
    }
    const char *at = url + strlen(scheme);
    if (!take_password(&at, address.password) || !take_host(&at, address.host) || *at++ != ':' ||
        !take_number(&at, 65535, &address.port) || address.port == 0) {
        return false;
    }
    if (*at == '/' && at[1] != '\0') {
        at++;
        if (!take_number(&at, CACHE_DATABASE_MAX, &address.database)) {
            return false;
        }
    } else if (*at == '/') {
        at++;
    }
    if (*at != '\0') {
        return false;
    }
    *ret = address;
    return true;
}
