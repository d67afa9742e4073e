#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# coverage.sh: builds with coverage, runs the unit and integration tests, prints the share of lines
# that were reached, by folder, and fails when domain/ is below 100 % or all of it below 85 %.
# CHECK_BUILD is the build folder; SECTIONS="unit" runs some of the tests.
set -euo pipefail
cd "$(dirname "$0")/.."

export BUILD=${CHECK_BUILD:-build-coverage}
[[ -e $BUILD/build.ninja ]] || meson setup "$BUILD" -Db_coverage=true
ninja -C "$BUILD"
find "$BUILD" -name '*.gcda' -delete
code=0
read -ra sections <<<"${SECTIONS:-unit integration}"
/usr/bin/python3 tests/run.py "${sections[@]}" || code=$?

gcovr --root "$PWD" --object-directory "$BUILD" --filter "$PWD/src/" --json-summary "$BUILD/coverage.json" \
    --json-summary-pretty --txt "$BUILD/coverage.txt" --html-details "$BUILD/coverage.html" "$BUILD"
/usr/bin/python3 tests/coverage.py "$BUILD/coverage.json" || code=1
echo "line by line: $BUILD/coverage.html"
exit "$code"
