#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# images.sh: makes the images that the compose files name from Debian's packages, where no registry can
# be reached. What exists is kept. Needs root for the base, which debootstrap makes.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

has() {
    docker image inspect "$1" >/dev/null 2>&1
}

make_base() {
    local folder
    command -v debootstrap >/dev/null || {
        apt-get update -q
        DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends debootstrap
    }
    folder=$(mktemp -d)
    # shellcheck disable=SC2064
    trap "rm -rf '$folder'" EXIT
    debootstrap --variant=minbase --include=ca-certificates bookworm "$folder" http://deb.debian.org/debian
    rm -rf "$folder"/var/cache/apt/* "$folder"/var/lib/apt/lists/* "$folder"/usr/share/{doc,man,locale,info}/*
    cat >"$folder/etc/apt/sources.list" <<END
deb http://deb.debian.org/debian bookworm main
deb http://deb.debian.org/debian bookworm-updates main
deb http://deb.debian.org/debian-security bookworm-security main
END
    tar -C "$folder" -c . | docker import -c 'CMD ["bash"]' - debian:bookworm-slim >/dev/null
}

has debian:bookworm-slim || make_base
while read -r name file; do
    if ! has "$name"; then
        echo "making $name"
        nice docker build -q -t "$name" --label ecs.local=true -f "$here/images/$file.Dockerfile" "$here/images"
    fi
done <<END
nats:2.10-alpine nats
postgres:15-bookworm postgres
redis:7-bookworm redis
nginx:1.30 nginx
END
