#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# fuzz.sh SECONDS: builds every fuzz target with clang under ASan and UBSan and runs each for its
# share of SECONDS, two at a time. What a target learns stays in the build folder; the seeds of
# tests/fuzz/corpus are only read. An input that ends a target is kept and its path printed.
# TARGETS="money token" runs some; CHECK_BUILD is the build folder.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
build=${CHECK_BUILD:-build-fuzz}
corpus=tests/fuzz/corpus
if [[ ! $seconds =~ ^[1-9][0-9]*$ ]]; then
    echo "usage: fuzz.sh SECONDS" >&2
    exit 2
fi

[[ -e $build/build.ninja ]] || CC=clang-14 meson setup "$build" -Dfuzzing=true \
    -Dwerror=false -Db_sanitize=address,undefined -Db_lundef=false -Dunit_tests=disabled
read -ra targets <<<"${TARGETS:-$(cd "$corpus" && echo *)}"
ninja -C "$build" "${targets[@]/#/tests/fuzz/fuzz_}"

# Two run at once.
share=$((seconds * 2 / ${#targets[@]}))
((share > 0)) || share=1
mkdir -p "$build/findings"

# run TARGET: one fuzzer for its share; its log says what it did.
run() {
    local name=$1 log=$build/findings/$1.log learnt=$build/corpus/$1
    mkdir -p "$learnt"
    UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
        nice "$build/tests/fuzz/fuzz_$name" -max_total_time="$share" -timeout=10 \
        -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix="$build/findings/$name-" \
        "$learnt" "$corpus/$name" >"$log" 2>&1
}

# report TARGET CODE: one line, and for a crash how to see it again.
report() {
    local name=$1 log=$build/findings/$1.log input
    if [[ $2 == 0 ]]; then
        printf '%-12s %10s runs\n' "$name" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
        return
    fi
    input=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
    printf '%-12s FAILED\n' "$name"
    grep -E 'ERROR|SUMMARY|does not hold|runtime error' "$log" | head -n 5 || tail -n 5 "$log"
    echo "  log:       $log"
    if [[ -n $input ]]; then
        echo "  input:     $input"
        echo "  reproduce: $build/tests/fuzz/fuzz_$name $input"
        echo "  keep it:   cp $input $corpus/$name/, once what it shows is put right"
    fi
}

failed=0
pids=()
for ((i = 0; i < ${#targets[@]}; i += 2)); do
    pair=("${targets[@]:i:2}")
    pids=()
    for name in "${pair[@]}"; do
        run "$name" &
        pids+=($!)
    done
    for j in "${!pair[@]}"; do
        code=0
        wait "${pids[j]}" || code=$?
        report "${pair[j]}" "$code"
        [[ $code == 0 ]] || failed=$((failed + 1))
    done
done
echo "fuzz: ${#targets[@]} targets, $share s each, $failed failed"
((failed == 0))
