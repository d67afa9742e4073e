#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# checked.sh SANITIZERS SECTION...: builds with those sanitizers and runs those tests; a report of a
# sanitizer ends the process it comes from, and so fails the test.
set -euo pipefail
cd "$(dirname "$0")/.."

sanitizers=$1
shift
export BUILD=build-${sanitizers%%,*}
[[ -e $BUILD/build.ninja ]] || meson setup "$BUILD" -Db_sanitize="$sanitizers" -Db_lundef=false
ninja -C "$BUILD"
export ASAN_OPTIONS=abort_on_error=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:suppressions=$PWD/tests/tsan.supp
export LSAN_OPTIONS=suppressions=$PWD/tests/lsan.supp
exec /usr/bin/python3 tests/run.py "$@"
