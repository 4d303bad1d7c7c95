"""The command line: `framewatch-server`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import cyclopts
import grpc
from cyclopts import App
from grpc_health.v1 import health_pb2, health_pb2_grpc

from framewatch_core.errors import FramewatchError
from framewatch_server.config import ServerConfig
from framewatch_server.library_output import native_output_on_stderr
from framewatch_server.logs import configure_logs

_EXIT_HANGING = 3
"""Exit code of a server that has drained, but left a thread behind that hangs in a library."""

app = App(
    name="framewatch-server",
    help="Serves CLIP-family models over gRPC: zero-shot scores of images and events of video streams.",
    config=cyclopts.config.Env("FRAMEWATCH_", command=False),
    suppress_keyboard_interrupt=False,
)


@app.command
def serve(config: ServerConfig | None = None) -> None:
    """Loads models and serves them until SIGTERM or Ctrl-C; exit code 3 if a thread hung and was left behind."""
    config = config or ServerConfig()
    # OpenCV reads it when it is imported, and then refuses what our own checks would have to let through first
    os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"] = str(config.max_image_pixels)
    # torch is heavy: commands that don't need it stay quick, and wrong settings are reported before it is imported
    from framewatch_server.rpc.app import Ending  # noqa: PLC0415
    from framewatch_server.rpc.app import serve as serve_app  # noqa: PLC0415

    configure_logs(config.log_level, config.log_format)
    with asyncio.Runner() as runner:
        ending = runner.run(serve_app(config))
        if ending is not Ending.DRAINED:
            # No call is open, and nothing has to be put away. Threads are in libraries that can't be stopped, and that
            # abort the process, or keep it for as long as they hang, if the interpreter ends under them.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(_EXIT_HANGING if ending is Ending.HANGING else 0)


# by their paths: the health check, which runs twice a minute, must not import the libraries of benchmarks and the demo
app.command(
    "framewatch_bench.cli:app",
    name="bench",
    help="Measures this machine: the model alone, the server under load, peers, cameras.",
)


app.command(
    "framewatch_server.models.cli:app",
    name="models",
    help="Prepares models before they are served: downloads, lists and verifies them.",
)


app.command(
    "framewatch_bench.demo.run:demo",
    name="demo",
    help="Runs the main job on a rendered video with the demo model and checks the events; exit code 1 if it fails.",
)


@app.command
def health(server: str = ServerConfig.listen, *, timeout_s: float = 5.0) -> int:
    """Checks that a server serves; exit code 0 if it does, 1 if not.

    Args:
        server: HOST:PORT of the server.
        timeout_s: Seconds to wait for the answer.

    """
    with grpc.insecure_channel(server) as channel:
        try:
            check = health_pb2_grpc.HealthStub(channel).Check  # type: ignore[attr-defined]  # its stubs lack it
            answer = check(health_pb2.HealthCheckRequest(), timeout=timeout_s)
        except grpc.RpcError as error:
            print(f"not reachable: {error.code().name} {error.details()}", file=sys.stderr)  # noqa: T201
            return 1
    print(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))  # noqa: T201
    return 0 if answer.status == health_pb2.HealthCheckResponse.SERVING else 1


def main() -> None:
    """Entry point; exit code 0 on success, 1 on failure, 2 on wrong usage."""
    # for commands without settings of logs: standard output is for their figures and answers
    configure_logs("info", "auto")
    stopped_by = signal.SIGINT

    def stop(number: int, _: object) -> None:
        """Ends a command as Ctrl-C does, so that it stops the processes that it has started; `serve` drains instead.

        An exception raised here would leave asyncio in the middle of any code, with connections and threads that abort
        the process at its end.
        """
        nonlocal stopped_by
        stopped_by = signal.Signals(number)
        signal.raise_signal(signal.SIGINT)

    # a shell without job control has it ignored for what is started with `&`, and SIGTERM would do nothing either
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, stop)
    try:
        with native_output_on_stderr():
            sys.exit(app(result_action="return_value") or 0)
    except KeyboardInterrupt:
        sys.exit(128 + stopped_by)
    except FramewatchError as error:
        sys.exit(f"framewatch-server: {error.message}")
