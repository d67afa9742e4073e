// SPDX-License-Identifier: Apache-2.0
// Splits URLs and joins them. Nothing is decoded: what is no URL of a service is refused.
#include "platform/http/url.h"

#include "platform/buffer.h"
#include "platform/unix_address.h"

#include <stddef.h>
#include <string.h>

// Ends at `#`, since a fragment is never sent.
static size_t sendable_length(const char *text)
{
    size_t length = 0;
    for (unsigned char c = (unsigned char)text[0]; c > ' ' && c < 0x7f && c != '#';) {
        c = (unsigned char)text[++length];
    }
    return length;
}

static bool split_unix(const char *url, const char *path, struct url_parts *ret)
{
    const char *colon = strchrnul(path, ':');
    const char *target = *colon == ':' ? colon + 1 : colon;
    size_t length = sendable_length(target);
    *ret = (struct url_parts){
        .origin = {url, (size_t)(colon - url)},
        .host = {"localhost", sizeof "localhost" - 1},
        .target = {target, length},
    };
    return colon > path && (target[length] == '\0' || target[length] == '#');
}

bool url_split(const char *url, struct url_parts *ret)
{
    const char *path = unix_address_path(url);
    if (path != NULL) {
        return split_unix(url, path, ret);
    }
    size_t scheme = strncmp(url, "http://", 7) == 0 ? 7 : strncmp(url, "https://", 8) == 0 ? 8 : 0;
    size_t length = sendable_length(url);
    if (scheme == 0 || (url[length] != '\0' && url[length] != '#')) {
        return false;
    }
    const char *host = url + scheme;
    size_t authority = strcspn(host, "/?#");
    const char *end = host + authority;
    const char *user = memchr(host, '@', authority);
    ret->origin = (struct span){url, scheme + authority};
    ret->target = (struct span){end, length - ret->origin.length};
    while (user != NULL) {
        host = user + 1;
        user = memchr(host, '@', (size_t)(end - host));
    }
    ret->host = (struct span){host, (size_t)(end - host)};
    return ret->host.length > 0;
}

char *url_base(const char *service)
{
    struct buffer base = {0};
    size_t length = strlen(service);
    if (unix_address_path(service) != NULL) {
        buffer_add_format(&base, "%s:", service);
    } else {
        buffer_add(&base, service, length > 0 && service[length - 1] == '/' ? length - 1 : length);
    }
    return base.data;
}

char *url_base_of_listener(const char *address)
{
    struct buffer url = {0};
    if (unix_address_path(address) != NULL) {
        return url_base(address);
    }
    bool of_all = strncmp(address, "0.0.0.0:", 8) == 0 || strncmp(address, "[::]:", 5) == 0;
    buffer_add_format(&url, "http://%s%s", of_all ? "127.0.0.1" : "",
                      of_all ? strrchr(address, ':') : address);
    return url.data;
}
