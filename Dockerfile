# The steps are the Makefile's own: what works here works on any Debian 12 that has make.
#
#     docker build --target develop .     every check of the source
#     docker build -t vpnunit .           the slim image

FROM debian:12 AS build
RUN apt-get update && apt-get install --yes --no-install-recommends make
WORKDIR /src
COPY Makefile ./
COPY .ci .ci
RUN make deps
COPY . .
RUN make && make install DESTDIR=/install PREFIX=/usr

FROM build AS develop
RUN make deps-test deps-qa
RUN make qa

FROM debian:12-slim
COPY .ci /src/.ci
RUN /src/.ci/deps image && rm -rf /src /var/lib/apt/lists/*
COPY --from=build /install /
RUN useradd --system --uid 998 --user-group --home-dir / --shell /usr/sbin/nologin openvpn && \
    useradd --system --uid 999 --user-group --groups openvpn --home-dir /data --shell /usr/sbin/nologin vpnunit && \
    install -d -o vpnunit -g vpnunit -m 0711 /data
USER vpnunit
ENV VPNUNIT_DATA=/data
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["vpnunit", "status", "--data", "/data"]
ENTRYPOINT ["vpnunit"]
CMD ["serve", "--listen", "127.0.0.1:8080"]
