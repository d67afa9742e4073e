# SPDX-License-Identifier: Apache-2.0
# Stands for redis:7-bookworm: Debian's Redis 7, whose package makes the user `redis` too.
FROM debian:bookworm-slim
RUN apt-get update -q \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends redis-server \
    && rm -rf /var/lib/apt/lists/*
