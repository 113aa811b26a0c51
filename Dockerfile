# An image of the service: one binary that runs as its own user. Nothing else has to be configured.
#   docker build -t pentimento . && docker run -p 8080:8080 pentimento
FROM rust:1.95-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends cmake nasm && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY Cargo.toml Cargo.lock rust-toolchain.toml openapi.yaml ./
COPY core core
COPY config config
COPY migrations migrations
COPY src src
RUN cargo build --release --locked --bin pentimento && cp target/release/pentimento /pentimento && mkdir /data

FROM debian:bookworm-slim
COPY --from=build /pentimento /usr/local/bin/pentimento
COPY --from=build --chown=65532:65532 /data /data
COPY LICENSE THIRD-PARTY-NOTICES.md /usr/share/doc/pentimento/
USER 65532:65532
# Listen on all addresses: the container's loopback address cannot be reached from outside.
ENV PENTIMENTO_SERVER__ADDRESS=0.0.0.0:8080
# The folder of the jobs' data. Mount a volume to keep the jobs longer than the container. PENTIMENTO_DATASETS__ROOT names
# the folder of the datasets.
ENV PENTIMENTO_DATA__DIR=/data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=6s CMD ["pentimento", "health", "http://127.0.0.1:8080/health/live"]
ENTRYPOINT ["pentimento"]
CMD ["serve"]
