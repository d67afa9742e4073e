# SPDX-License-Identifier: Apache-2.0
# Stands for nginx:1.30: the same version from Debian testing (whose signed index may be some days old on a
# mirror), with the user and the curl of that image.
FROM debian:bookworm-slim
RUN echo 'deb [check-valid-until=no] http://deb.debian.org/debian forky main' >/etc/apt/sources.list.d/forky.list \
    && apt-get update -q \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
        -o Dpkg::Options::=--force-overwrite nginx curl \
    && useradd --system --uid 101 --user-group --no-create-home nginx \
    && rm -rf /var/lib/apt/lists/*
