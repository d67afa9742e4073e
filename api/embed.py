#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# embed.py OUTPUT.c NAME=FILE...: writes files as C arrays, so that the program carries them: NAME, and NAME_size.

import sys
from pathlib import Path

LINE = 24  # bytes


def array(name: str, content: bytes) -> str:
    lines = [", ".join(map(str, content[at : at + LINE])) for at in range(0, len(content), LINE)]
    body = ",\n    ".join(lines)
    return f"const unsigned char {name}[] = {{\n    {body},\n}};\nconst size_t {name}_size = sizeof {name};\n"


def main(arguments: list[str]) -> int:
    if len(arguments) < 2 or not all("=" in pair for pair in arguments[1:]):
        print("usage: embed.py OUTPUT.c NAME=FILE...", file=sys.stderr)
        return 2
    output, *pairs = arguments
    arrays = [array(name, Path(file).read_bytes()) for name, file in (pair.split("=", 1) for pair in pairs)]
    includes = '#include "services/api_gateway_ecs/pages.h"\n'
    Path(output).write_text("\n".join([includes, *arrays]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
