#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# checked.sh SANITIZERS SECTION...: builds with those sanitizers and runs those tests. A report ends
# the process that it comes from with a code of its own. Those of ASan and TSan are also kept in a
# file, and fail the run when no test looked at that process's end; UBSan writes to the process's
# log. CHECK_BUILD is the build folder; PYTEST_ADDOPTS chooses tests.
set -euo pipefail
cd "$(dirname "$0")/.."

sanitizers=$1
shift
export BUILD=${CHECK_BUILD:-build-${sanitizers%%,*}}
# The checks that a sanitizer adds make GCC warn of what they rule out; the plain build is strict.
[[ -e $BUILD/build.ninja ]] ||
    meson setup "$BUILD" -Db_sanitize="$sanitizers" -Db_lundef=false -Dwerror=false
ninja -C "$BUILD"

reports=$(realpath "$BUILD")/reports
rm -rf "$reports"
mkdir -p "$reports"
common=log_path=$reports/report:exitcode=66
export ASAN_OPTIONS=$common:detect_stack_use_after_return=1
export UBSAN_OPTIONS=$common:halt_on_error=1:print_stacktrace=1
# It waits a second at a process's end, which is all that one has that must stop within a second.
export TSAN_OPTIONS=$common:halt_on_error=1:second_deadlock_stack=1:atexit_sleep_ms=200:suppressions=$PWD/tests/tsan.supp
export LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp:print_suppressions=0
# The threads of libgomp, which load a model, wait for each other in a way that TSan cannot see.
export OMP_NUM_THREADS=1

code=0
/usr/bin/python3 tests/run.py "$@" || code=$?
shopt -s nullglob
found=("$reports"/report*)
for report in "${found[@]}"; do
    echo "== $report"
    head -n 60 "$report"
done
echo "$sanitizers: ${#found[@]} reports"
[[ ${#found[@]} -eq 0 && $code -eq 0 ]]
