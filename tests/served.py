"""A real HTTP server on this machine that serves what a test gives it, and fails as a test asks."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Served:
    """One file of the server, and how it behaves.

    Attributes:
        body: what is served.
        ranges: whether `Range` is understood.
        marks: whether `ETag` and `Last-Modified` are sent.
        failures: status codes that the next requests get, one after another.
        headers: sent along with a failure.
        cuts: body bytes after which the next answers break off.
        stall: body bytes after which an answer falls silent until the server stops.
        gate: what an answer waits for before its first byte.
        sent: body bytes sent in all.
        asked: the `Range` header of each request, "" without one.
    """

    body: bytes
    ranges: bool = True
    marks: bool = True
    failures: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    stall: int | None = None
    gate: threading.Event | None = None
    sent: int = 0
    asked: list[str] = field(default_factory=list)

    @property
    def tag(self) -> str:
        return f'"{hashlib.md5(self.body).hexdigest()}"'


class Server:
    """Serves `files` by path; anything else is 404. `gone` lists the paths that were asked for in vain."""

    def __init__(self) -> None:
        self.files: dict[str, Served] = {}
        self.gone: list[str] = []
        self.stopping = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def put(self, name: str, body: bytes, **behaviour: object) -> Served:
        """Serve a file; what came before under its name is forgotten."""
        self.files[f"/{name}"] = Served(body, **behaviour)  # type: ignore[arg-type]
        return self.files[f"/{name}"]

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}/{name}"

    def stop(self) -> None:
        """Answer nobody any more."""
        self.stopping.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(timeout=10)


@contextmanager
def serving() -> Iterator[Server]:
    """A server for the length of a `with` block."""
    server = Server()
    try:
        yield server
    finally:
        if not server.stopping.is_set():
            server.stop()


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            self.close_connection = True
            file = server.files.get(self.path)
            if file is None:
                server.gone.append(self.path)
                self._answer(404, {})
                return
            file.asked.append(self.headers.get("Range", ""))
            if file.failures:
                self._answer(file.failures.pop(0), file.headers)
                return
            self._serve(file)

        def _answer(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": "0", **headers}.items():
                self.send_header(name, value)
            self.end_headers()

        def _serve(self, file: Served) -> None:
            if file.gate:
                file.gate.wait(60)
            first, size = 0, len(file.body)
            wanted = self.headers.get("Range", "")
            if file.ranges and wanted and self.headers.get("If-Range", file.tag) == file.tag:
                first = int(wanted.removeprefix("bytes=").rstrip("-"))
            if first and first >= size:
                self._answer(416, {"Content-Range": f"bytes */{size}"})
                return
            self.send_response(206 if first else 200)
            self.send_header("Content-Length", str(size - first))
            if first:
                self.send_header("Content-Range", f"bytes {first}-{size - 1}/{size}")
            if file.marks:
                self.send_header("ETag", file.tag)
            self.end_headers()
            stop = min(
                [size, *([first + file.cuts.pop(0)] if file.cuts else []), *([file.stall] if file.stall else [])]
            )
            for at in range(first, stop, 1 << 16):
                block = file.body[at : min(at + (1 << 16), stop)]
                self.wfile.write(block)
                file.sent += len(block)
            self.wfile.flush()
            if file.stall and stop == file.stall:
                server.stopping.wait(60)

    return Handler
