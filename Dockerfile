ARG PYTHON=python:3.13.16-slim

FROM ${PYTHON} AS build

RUN pip install --no-cache-dir uv==0.13.9
ENV UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
WORKDIR /demands

# The packages change less often than the code, so they are a layer of their own.
COPY pyproject.toml README.md ./
RUN uv sync --no-dev --no-install-project

COPY app app
COPY migrations migrations
COPY seed seed
RUN uv sync --no-dev


FROM ${PYTHON}

RUN useradd --system --uid 10001 demands && install --directory --owner=demands --mode=0700 /data
COPY --from=build /demands /demands
WORKDIR /demands
ENV PATH="/demands/.venv/bin:$PATH" PYTHONUNBUFFERED=1 DEMANDS_DATA_DIR=/data
USER demands
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["demands", "serve", "--host", "0.0.0.0"]
