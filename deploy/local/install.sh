#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# install.sh run|test|lint|bench|fuzz|coverage ...: installs the Debian packages that are missing for
# that. Asks nothing, and does nothing at all when all are there.
set -euo pipefail

run=(
    build-essential meson ninja-build pkg-config
    node-llhttp libuv1-dev libnats-dev libpq-dev libhiredis-dev libxgboost-dev libjansson-dev
    libsodium-dev uuid-dev libcurl4-openssl-dev
    nats-server postgresql-15 redis-server curl
)
test=(
    "${run[@]}"
    libcmocka-dev python3-pytest python3-pytest-xdist python3-requests python3-psycopg2 python3-hypothesis
    python3-jsonschema procps openssl strace libfaketime nodejs
)
lint=("${run[@]}" libcmocka-dev clang-format clang-tidy python3)
bench=("${test[@]}" nginx-light wrk)
fuzz=("${run[@]}" clang-14 libclang-rt-14-dev)
coverage=("${test[@]}" gcovr)

wanted=()
for purpose in "$@"; do
    case $purpose in
    run) wanted+=("${run[@]}") ;;
    test) wanted+=("${test[@]}") ;;
    lint) wanted+=("${lint[@]}") ;;
    bench) wanted+=("${bench[@]}") ;;
    fuzz) wanted+=("${fuzz[@]}") ;;
    coverage) wanted+=("${coverage[@]}") ;;
    *)
        echo "usage: install.sh run|test|lint|bench|fuzz|coverage ..." >&2
        exit 2
        ;;
    esac
done

missing=()
for package in "${wanted[@]}"; do
    state=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || state=absent
    [[ $state == installed ]] || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

if [[ $EUID -ne 0 ]]; then
    if sudo -n true 2>/dev/null; then
        exec sudo -n "$0" "$@"
    fi
    echo "packages are missing; as root: apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
fi

echo "installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1

# Our engines are private ones: the packages' own services are not started, and Debian's default
# database cluster is not made.
policy=/usr/sbin/policy-rc.d
cluster_settings=/etc/postgresql-common/createcluster.conf
made=()
restore() {
    [[ ${#made[@]} -eq 0 ]] || rm -f "${made[@]}"
    local shipped=/usr/share/postgresql-common/createcluster.conf
    if [[ ! -e $cluster_settings && -e $shipped ]]; then
        cp "$shipped" "$cluster_settings"
    fi
}
trap restore EXIT
if [[ ! -e $policy ]]; then
    made+=("$policy")
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
if [[ ! -e $cluster_settings ]]; then
    made+=("$cluster_settings")
    mkdir -p "${cluster_settings%/*}"
    echo 'create_main_cluster = false' >"$cluster_settings"
fi

install_missing() {
    apt-get install -y -q --no-install-recommends "${missing[@]}"
}

# The lists may be absent or name versions that are gone: fetched when needed, then tried again.
if ! apt-cache show "${missing[@]}" >/dev/null 2>&1; then
    apt-get update -q
    install_missing
elif ! install_missing; then
    apt-get update -q
    install_missing
fi
