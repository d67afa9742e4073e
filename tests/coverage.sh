#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# coverage.sh: builds with coverage, runs the unit and integration tests, and prints the share of
# lines that were reached, by folder.
set -euo pipefail
cd "$(dirname "$0")/.."

export BUILD=build-coverage
[[ -e $BUILD/build.ninja ]] || meson setup "$BUILD" -Db_coverage=true
ninja -C "$BUILD"
find "$BUILD" -name '*.gcda' -delete
code=0
/usr/bin/python3 tests/run.py unit integration || code=$?

find "$BUILD" -path '*src_*' -name '*.gcda' -print0 |
    xargs -0 gcov --stdout --no-output --relative-only --source-prefix "$PWD" 2>/dev/null |
    awk -F "[':%]" '
        /^File / { file = $2; sub(/^.*src\//, "", file) }
        /^Lines executed/ && file ~ /\.c$/ {
            split($0, part, " of "); lines[file] = part[2]; share[file] = $3
            file = ""
        }
        END {
            for (file in lines) {
                folder = file; sub(/\/[^\/]*$/, "", folder)
                total[folder] += lines[file]; reached[folder] += lines[file] * share[file] / 100
                all += lines[file]; all_reached += lines[file] * share[file] / 100
            }
            for (folder in total)
                printf "%6.1f %% of %5d lines  %s\n", 100 * reached[folder] / total[folder], total[folder], folder | "sort -k6"
            close("sort -k6")
            if (all) printf "%6.1f %% of %5d lines  in all\n", 100 * all_reached / all, all
        }'
exit $code
