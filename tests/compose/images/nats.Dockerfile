# SPDX-License-Identifier: Apache-2.0
# Stands for nats:2.10-alpine: the same version from Debian 13, with a wget.
FROM debian:bookworm-slim
RUN echo 'deb http://deb.debian.org/debian trixie main' >/etc/apt/sources.list.d/trixie.list \
    && printf 'Package: *\nPin: release n=trixie\nPin-Priority: 100\n' >/etc/apt/preferences.d/trixie \
    && apt-get update -q \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends busybox nats-server/trixie \
    && ln -s /bin/busybox /usr/bin/wget \
    && rm -rf /var/lib/apt/lists/*
