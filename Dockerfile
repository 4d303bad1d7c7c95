# The framewatch server. `docker build -t framewatch .` makes an image for CPUs, `--build-arg TORCH=cuda` one for NVIDIA GPUs.
# Run it with the demo model:     docker run -p 50051:50051 framewatch serve --model demo
# with a model from the hub:      docker run -p 50051:50051 -v framewatch-models:/var/cache/framewatch framewatch
# downloaded beforehand:          docker run -v framewatch-models:/var/cache/framewatch framewatch models download ID
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS build
# cpu: PyTorch's CPU wheel (about 200 MB); cuda: the wheel of PyPI, with CUDA (several GB)
ARG TORCH=cpu
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
RUN python3 -m venv /opt/framewatch
ENV PATH=/opt/framewatch/bin:$PATH
COPY constraints.txt ./
# the heavy layers first: they change with constraints.txt only
RUN set -e; version=$(sed -n 's/^torch==//p' constraints.txt); \
    case "$TORCH" in \
      cpu) pip install --constraint constraints.txt --retries 1 \
             --extra-index-url https://download.pytorch.org/whl/cpu "torch==${version}+cpu" ;; \
      cuda) pip install --constraint constraints.txt "torch==${version}" ;; \
      *) echo "TORCH is '$TORCH': expected cpu or cuda" >&2; exit 2 ;; \
    esac
RUN pip install --constraint constraints.txt transformers matplotlib opencv-python-headless \
 && if [ "$TORCH" = cpu ]; then pip install --constraint constraints.txt openvino nncf; fi
COPY pyproject.toml README.md LICENSE ./
COPY proto proto
COPY server server
COPY client client
# opencv-python is what pyproject.toml asks for; a slim image has no libGL for it, so the same module without windows stays
RUN pip install --constraint constraints.txt . ./server \
 && pip uninstall --yes opencv-python \
 && pip install --constraint constraints.txt --force-reinstall --no-deps opencv-python-headless \
 && python -c 'import cv2, framewatch_cli.app, framewatch_client, framewatch_server.rpc.app' \
 && pip uninstall --yes pip

FROM ${BASE_IMAGE}
RUN useradd --system --uid 10001 --create-home framewatch \
 && install --directory --owner framewatch --group framewatch /var/cache/framewatch
COPY --from=build /opt/framewatch /opt/framewatch
ENV PATH=/opt/framewatch/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HF_HOME=/var/cache/framewatch \
    FRAMEWATCH_CACHE_DIR=/var/cache/framewatch \
    FRAMEWATCH_LISTEN=0.0.0.0:50051
VOLUME /var/cache/framewatch
USER framewatch
WORKDIR /home/framewatch
EXPOSE 50051
HEALTHCHECK --interval=30s --timeout=6s --start-period=120s CMD ["framewatch-server", "health", "127.0.0.1:50051"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["framewatch-server"]
CMD ["serve"]
