# SPDX-License-Identifier: Apache-2.0
"""The rule of the layers: who may include whom, and which one module knows a library."""

import re
import sys

from sources import SOURCE, Findings, c_files, without_comments

# What a layer may include, as beginnings of paths below src/. A service's own folder is added to
# what services may include; a header right in services/ is shared by all of them.
MAY_INCLUDE = {
    "domain": ["domain/"],
    "platform": ["domain/", "platform/"],
    "events": ["domain/", "platform/", "events/"],
    "services": ["domain/", "platform/", "events/"],
    "commands": ["domain/", "platform/", "events/", "services/", "commands/"],
    "main.c": ["commands/", "platform/"],
}

# The header of a library, and the only places that include it.
LIBRARIES = [
    (r"nats\.h|nats/.*", ["platform/bus/"]),
    (r"libpq-fe\.h|postgresql/.*|libpq/.*", ["platform/db/"]),
    (r"hiredis\.h|hiredis/.*", ["platform/cache/"]),
    (r"xgboost/.*", ["platform/model/"]),
    (r"uv\.h|uv/.*", ["platform/loop.c", "platform/http/", "platform/cache/reader.c"]),
    (r"llhttp\.h", ["platform/http/"]),
    (r"curl/.*", ["platform/http/"]),
    (r"jansson\.h", ["platform/json.h", "platform/http/exchange.h"]),
    (r"uuid/.*|uuid\.h", ["platform/ids.c"]),
    (
        r"sodium\.h|sodium/.*",
        [
            "platform/auth/",
            "platform/config.c",
            "platform/db/migrations.c",
            "platform/http/router.c",
            "platform/ids.c",
            "platform/rate_limit.c",
            "platform/used_keys.c",
        ],
    ),
    (r"cmocka\.h", []),
]

C_STANDARD = set(  # <endian.h> is of POSIX, 2024
    "assert ctype endian errno float inttypes limits locale math setjmp signal stdalign stdarg stdatomic "
    "stdbool stddef stdint stdio stdlib stdnoreturn string threads time".split()
)


def begins_with(path, beginnings):
    return any(path == b or (b.endswith("/") and path.startswith(b)) for b in beginnings)


def check_own(path, included):
    """Why the file must not include that header of ours, or None."""
    if not (SOURCE / included).exists():
        return f'"{included}" is not below src/'
    layer = path.split("/")[0]
    allowed = list(MAY_INCLUDE.get(layer, []))
    if layer == "services":
        folder = path.split("/")[1] if path.count("/") > 1 else None
        if included.startswith("services/") and included.count("/") == 1:
            return None
        if folder:
            allowed.append(f"services/{folder}/")
    if begins_with(included, allowed):
        return None
    return f'{layer} must not include "{included}"'


def check_library(path, included):
    """Why the file must not include that header of a library, or None."""
    if path.startswith("domain/"):
        if included.removesuffix(".h") not in C_STANDARD:
            return f"domain/ must not include <{included}>: only the C library"
        return None
    for pattern, places in LIBRARIES:
        if re.fullmatch(pattern, included) and not begins_with(path, places):
            return f"<{included}> belongs to {', '.join(places) or 'tests/'} alone"
    return None


def main():
    findings = Findings()
    for file in c_files():
        if SOURCE not in file.parents:
            continue
        path = file.relative_to(SOURCE).as_posix()
        lines = without_comments(file.read_text()).splitlines()
        for number, line in enumerate(lines, 1):
            match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if not match:
                continue
            check = check_own if match.group(1) == '"' else check_library
            fault = check(path, match.group(2))
            if fault:
                findings.add(file, number, fault)
    return findings.count


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
