"""One try at an address: bring what is still missing of a file that may be there in part."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from assay import __version__
from assay.run.fetch.patience import Patience, TroubleError
from assay.run.fetch.progress import Progress
from assay.run.files import read_json, write_json

#: Bytes that are read at a time.
BLOCK = 1 << 18

#: Answers that may be another one a moment later: timeout, too early, too many requests; and all from 500 on.
_PASSING = (408, 425, 429)


def bring(url: str, part: Path, size: int, patience: Patience, progress: Progress) -> None:
    """Make `part` the whole file at `url`, going on where an earlier try stopped if the file is still the same.

    Whether it is the same the server decides by its own mark (a strong `ETag`, else `Last-Modified`), which is kept
    beside the part and sent as `If-Range` (RFC 9110, section 13.1.5). A server that gives no mark, or knows no ranges,
    is read from the start.

    Args:
        url: http, https or file.
        part: where the bytes go.
        size: of the whole in bytes, 0 when unknown; only shown.
        patience: timeouts.
        progress: told of what arrives.

    Raises:
        TroubleError: the address did not give the file, or not all of it.
        OSError: the disk did not take it.
    """
    if urlsplit(url).scheme == "file":
        _copy(url, part, progress)
    else:
        _request(url, part, size, patience, progress)


def mark_file(part: Path) -> Path:
    """Where the server's mark of a part is kept."""
    return part.with_name(f"{part.name}.json")


def _copy(url: str, part: Path, progress: Progress) -> None:
    source = Path(unquote(urlsplit(url).path))
    try:
        stream = source.open("rb")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError) as error:
        raise TroubleError(str(error.strerror), again=False) from None
    with stream, part.open("wb") as file:
        total = os.fstat(stream.fileno()).st_size
        while block := stream.read(BLOCK):
            file.write(block)
            progress.add(len(block), file.tell(), total)


def _request(url: str, part: Path, size: int, patience: Patience, progress: Progress) -> None:
    have = part.stat().st_size if part.exists() else 0
    mark = (read_json(mark_file(part)) or {}).get("mark") if have else None
    # Encodings would be undone on the way: what is wanted is the file, byte by byte.
    headers = {"Accept-Encoding": "identity", "User-Agent": f"assay/{__version__}"}
    if mark:
        headers |= {"Range": f"bytes={have}-", "If-Range": mark}
    response = _open(url, headers, patience)
    with response:
        first, total = _answer(response, part, have if mark else 0)
        if first is None:
            return
        if first == 0:
            # Emptied before the new mark is written: bytes and mark never belong to different files.
            with part.open("wb"):
                pass
            write_json(mark_file(part), {"url": url, "mark": _mark(response.headers)})
        done = _receive(response, part, total or size, patience, progress)
    if total and done != total:
        raise TroubleError(f"the answer ended after {done} of {total} bytes", again=True)


def _open(url: str, headers: dict[str, str], patience: Patience) -> Any:
    """The answer of a server, its body still to be read. Proxies and certificates are those of the environment."""
    import requests
    from urllib3 import exceptions

    try:
        return requests.get(url, headers=headers, stream=True, timeout=(patience.connect, patience.read))
    except requests.exceptions.SSLError as error:
        verified = "CERTIFICATE_VERIFY_FAILED" in str(error)
        reason = "its certificate is not trusted here" if verified else f"no secure connection ({_innermost(error)})"
        raise TroubleError(reason, again=not verified, reached=False) from None
    except requests.exceptions.ReadTimeout:
        raise TroubleError(f"no answer for {patience.read:g} s", again=True) from None
    except requests.exceptions.ConnectionError as error:
        cause = getattr(error.args[0] if error.args else None, "reason", None)
        never = isinstance(
            cause, exceptions.NewConnectionError | exceptions.ConnectTimeoutError | exceptions.ProxyError
        )
        reason = (
            f"no connection within {patience.connect:g} s"
            if isinstance(error, requests.exceptions.ConnectTimeout)
            else f"no connection ({_innermost(error)})"
        )
        raise TroubleError(reason, again=True, reached=not never) from None
    except (requests.exceptions.RequestException, ValueError) as error:
        raise TroubleError(str(error), again=False) from None


def _answer(response: Any, part: Path, asked: int) -> tuple[int | None, int]:
    """The first byte that the body holds (None: nothing is missing) and the size of the whole (0: unknown)."""
    status = response.status_code
    length = response.headers.get("Content-Length", "")
    if status == 200:
        return 0, int(length) if length.isdigit() else 0
    found = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", response.headers.get("Content-Range", ""))
    total = int(found[2]) if found and found[2].isdigit() else 0
    if status == 206 and asked and found and found[1] and int(found[1]) == asked:
        return asked, total
    if status == 416 and asked and total == asked:
        return None, total
    if status in (206, 416):
        part.unlink(missing_ok=True)
        raise TroubleError("it gave another range than was asked for", again=True)
    passing = status in _PASSING or status >= 500
    wait = response.headers.get("Retry-After", "")
    reason = f"{status} {response.reason or ''}".rstrip()
    raise TroubleError(reason, again=passing, wait=float(wait) if wait.isdigit() else None)


def _mark(headers: Any) -> str | None:
    """What tells this version of the file from others, by the server's word."""
    tag = headers.get("ETag", "")
    return tag if tag.startswith('"') else headers.get("Last-Modified")


def _receive(response: Any, part: Path, total: int, patience: Patience, progress: Progress) -> int:
    """Append the body to the part; the part's size at the end."""
    from urllib3 import exceptions

    with part.open("ab") as file:
        since, before = time.monotonic(), file.tell()
        while True:
            try:
                # What has arrived, without waiting for a whole block: a file that drips in shows as one.
                block = response.raw.read1(BLOCK, decode_content=False)
            except exceptions.ReadTimeoutError:
                raise TroubleError(f"nothing came for {patience.read:g} s", again=True) from None
            except exceptions.HTTPError as error:
                raise TroubleError(f"the connection broke ({_innermost(error)})", again=True) from None
            if not block:
                return file.tell()
            file.write(block)
            progress.add(len(block), file.tell(), total)
            now = time.monotonic()
            if now - since >= patience.window:
                if file.tell() - before < patience.slowest * (now - since):
                    raise TroubleError(f"slower than {patience.slowest:g} bytes/s", again=True)
                since, before = now, file.tell()


def _innermost(error: BaseException) -> str:
    """The words of the error at the bottom, where the operating system says what happened."""
    text = str(error)
    while True:
        below = getattr(error, "reason", None) or error.__cause__ or error.__context__
        if not isinstance(below, BaseException):
            below = next((each for each in error.args if isinstance(each, BaseException)), None)
        if below is None:
            break
        error = below
        text = getattr(error, "strerror", None) or str(error) or text
    return text
