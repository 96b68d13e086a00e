# docker build -t mksgn-neuro . && docker run --rm mksgn-neuro
# PyTorch for CPU only, some gigabytes less:
# docker build --build-arg PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu -t mksgn-neuro .
FROM python:3.10-slim-bookworm
RUN apt-get update && apt-get install -y --no-install-recommends make && rm -rf /var/lib/apt/lists/*
WORKDIR /mksgn-neuro
ARG PIP_EXTRA_INDEX_URL=""
COPY . .
RUN make install-demo
CMD ["make", "demo"]
