# Build:  docker build -t maas-stream-lint .
# Run:    docker run --rm -v "$PWD/mirror:/stream:ro" maas-stream-lint check /stream
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml hatch_build.py hatch_page.py README.md LICENSE ./
COPY man man
COPY rules rules
COPY maas_stream_lint maas_stream_lint
RUN python -m venv /opt/maas-stream-lint \
 && /opt/maas-stream-lint/bin/pip install --no-cache-dir --no-compile . \
 && /opt/maas-stream-lint/bin/pip uninstall --yes pip

FROM python:3.13-slim
# gpgv comes as the base's release has it: an exact version would be gone with its next update.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends gpgv \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 10001 lint
COPY --from=build /opt/maas-stream-lint /opt/maas-stream-lint
USER 10001
# Hashes are kept where any user can write; mount something here to have them at the next run.
ENV PATH=/opt/maas-stream-lint/bin:$PATH XDG_CACHE_HOME=/tmp/cache
WORKDIR /stream
ENTRYPOINT ["maas-stream-lint"]
CMD ["--help"]
