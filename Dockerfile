# SPDX-License-Identifier: Apache-2.0
# One image for every service: the command picks (`serve api-gateway-ecs`, `migrate`, ...).
#
# APT_SNAPSHOT=20260101T000000Z takes every package from that moment of snapshot.debian.org: together
# with BASE by digest, the same sources give the same image.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS packages
ARG APT_SNAPSHOT=
RUN if [ -n "$APT_SNAPSHOT" ]; then \
        rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*; \
        for at in "debian $APT_SNAPSHOT bookworm" "debian-security $APT_SNAPSHOT bookworm-security"; do \
            set -- $at; \
            echo "deb [check-valid-until=no] http://snapshot.debian.org/archive/$1/$2 $3 main"; \
        done >/etc/apt/sources.list; \
    fi

FROM packages AS build
RUN apt-get update -q \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
        build-essential meson ninja-build pkg-config node-llhttp libuv1-dev libnats-dev libpq-dev \
        libhiredis-dev libxgboost-dev libjansson-dev libsodium-dev uuid-dev libcurl4-openssl-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY meson.build meson_options.txt ./
COPY api api
COPY web web
COPY src src
# The tests and the benchmark stay outside: only the program itself is built here.
RUN sed -i "/^ *subdir('\(tests\|bench\)/d" meson.build \
    && meson setup /build --buildtype=release \
    && ninja -C /build ecs \
    && strip /build/ecs

FROM packages
RUN apt-get update -q \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
        ca-certificates libcurl4 libgomp1 libhiredis0.14 libjansson4 libnats3.4 libpq5 libsodium23 \
        libuuid1 libuv1 libxgboost0 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/*-old /var/log/* \
        /usr/share/doc/* /usr/share/man/* /usr/share/locale/* \
    && groupadd --gid 10001 ecs \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin ecs
COPY --from=build /build/ecs /usr/bin/ecs
COPY models/risk.json /usr/share/ecs/models/risk.json
COPY config/policy.json /usr/share/ecs/config/policy.json
COPY sql/migrations /usr/share/ecs/sql/migrations
COPY LICENSE /usr/share/ecs/LICENSE
ENV MODEL_PATH=/usr/share/ecs/models/risk.json \
    POLICY_PATH=/usr/share/ecs/config/policy.json \
    MIGRATIONS_PATH=/usr/share/ecs/sql/migrations \
    METRICS_LISTEN=0.0.0.0:9100 \
    OMP_NUM_THREADS=1
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=
LABEL org.opencontainers.image.title="Empathic Credit System" \
      org.opencontainers.image.description="Credit decisions with a person's recent state of mind in view" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.base.name="docker.io/library/debian:bookworm-slim"
USER 10001:10001
HEALTHCHECK --interval=5s --timeout=4s --start-period=30s --retries=3 CMD ["ecs", "healthcheck"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["ecs"]
CMD ["help"]
