# docker build --tag sgctl .
#
# Better with the digest that `docker pull` prints in both FROM lines: python:3.13-slim@sha256:...
FROM python:3.13-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE constraints.txt ./
COPY reconciler ./reconciler
COPY schemas ./schemas
COPY examples/ci ./examples/ci
RUN python -m venv --without-pip /opt/sgctl \
    && pip --python /opt/sgctl/bin/python install --no-cache-dir --no-compile --constraint constraints.txt '.[metrics,kubernetes]'

FROM python:3.13-slim
# Nothing is installed in a running container: whoever breaks into one finds no installer.
RUN pip uninstall --yes pip && rm -rf /usr/local/lib/python3.13/ensurepip
COPY --from=build /opt/sgctl /opt/sgctl
ENV PATH=/opt/sgctl/bin:$PATH PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /groups
ENTRYPOINT ["sgctl"]
CMD ["--help"]
