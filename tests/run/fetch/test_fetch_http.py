"""Downloads: resumed, retried, verified, given up, and never there by half."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from assay.data.archive import Archive, UnavailableError
from assay.errors import MethodError
from assay.run.execute import of_the_machine
from assay.run.fetch.download import part_of
from assay.run.fetch.patience import Patience
from assay.run.fetch.shelf import Shelf
from served import Server

Archives = Callable[..., Archive]
Shelves = Callable[..., Shelf]

#: Fetches an archive in a process of its own.
_ALONE = """
import sys
from pathlib import Path
from assay.data.archive import Archive
from assay.run.fetch.shelf import Shelf
url, sha256, downloads = sys.argv[1:]
print("starting", flush=True)
print(Shelf([], Path(downloads)).get(Archive("toy/a.bin", (url,), sha256=sha256)), flush=True)
"""


def _alone(archive: Archive, downloads: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", _ALONE, archive.urls[0], archive.sha256, str(downloads)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _left(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.glob("toy/*"))


def test_a_file_arrives_once_and_then_lies_there(
    server: Server, archive: Archives, make_shelf: Shelves, body: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    served = server.put("a", body)
    wanted = archive("a")
    shelf = make_shelf()
    assert not shelf.has(wanted)
    assert shelf.get(wanted).read_bytes() == body
    assert shelf.has(wanted)
    assert shelf.get(wanted) == shelf.downloads / "toy/a.bin"
    assert served.sent == len(body)
    assert _left(shelf.downloads) == ["a.bin"]
    told = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"toy/a\.bin: \d\.\d MB of 3\.0 MB \(\d+%\), [\d.]+ [kM]B/s", told[-2])
    assert re.fullmatch(rf"toy/a\.bin: 3\.0 MB in .* s, .*/s, from {server.url('a')}", told[-1])


@pytest.mark.parametrize("cuts", [[1_000_000], [900_000, 1_100_000, 900_000]])
def test_a_broken_connection_is_gone_on_from_where_it_broke(
    server: Server, archive: Archives, make_shelf: Shelves, body: bytes, cuts: list[int]
) -> None:
    served = server.put("a", body, cuts=list(cuts))
    assert make_shelf().get(archive("a")).read_bytes() == body
    starts = [sum(cuts[:number]) for number in range(1, len(cuts) + 1)]
    assert served.asked == ["", *(f"bytes={start}-" for start in starts)]
    assert served.sent == len(body), "no byte came twice"


@pytest.mark.parametrize("lacks", ["ranges", "marks"])
def test_without_ranges_or_marks_it_starts_anew(
    server: Server, archive: Archives, make_shelf: Shelves, body: bytes, lacks: str
) -> None:
    served = server.put("a", body, cuts=[1_000_000], **{lacks: False})
    assert make_shelf().get(archive("a")).read_bytes() == body
    assert served.sent == 1_000_000 + len(body)


def test_a_file_that_changed_between_tries_is_read_from_its_start(
    server: Server, archive: Archives, make_shelf: Shelves, body: bytes
) -> None:
    old = bytes(len(body))
    server.put("a", old, cuts=[1_000_000] * 9)
    shelf = make_shelf()
    # Nothing states a digest here: only the server's mark tells the two apart.
    wanted = archive("a", md5="", sha256="")
    with pytest.raises(UnavailableError):
        make_shelf(tries=1).get(wanted)
    server.put("a", body)
    assert shelf.get(wanted).read_bytes() == body


def test_a_whole_part_needs_no_byte_more(server: Server, archive: Archives, make_shelf: Shelves, body: bytes) -> None:
    """As a kill between the last byte and the rename leaves it."""
    served = server.put("a", body, cuts=[len(body) - 1])
    with pytest.raises(UnavailableError):
        make_shelf(tries=1).get(archive("a"))
    shelf = make_shelf()
    (part,) = (shelf.downloads / "toy").glob(".a.bin.*.part")
    part.write_bytes(body)
    assert shelf.get(archive("a")).read_bytes() == body
    assert served.sent == len(body) - 1
    assert _left(shelf.downloads) == ["a.bin"]


def test_what_passes_is_tried_again_and_what_stays_is_not(
    server: Server, archive: Archives, make_shelf: Shelves, body: bytes
) -> None:
    flaky = server.put("flaky", body, failures=[500, 503, 429])
    forbidden = server.put("forbidden", body, failures=[403] * 9)
    assert make_shelf().get(archive("gone", "forbidden", "flaky")).read_bytes() == body
    assert server.gone == ["/gone"]
    assert len(forbidden.asked) == 1
    assert len(flaky.asked) == 4


def test_an_address_is_given_up_after_so_many_tries(
    server: Server, archive: Archives, make_shelf: Shelves, body: bytes
) -> None:
    broken = server.put("a", body, failures=[500] * 50)
    cut = server.put("b", body, cuts=[1000] * 50, ranges=False)
    shelf = make_shelf(tries=3)
    with pytest.raises(UnavailableError) as told:
        shelf.get(archive("a", "b", "c"))
    assert len(broken.asked) == len(cut.asked) == 3
    for words in (
        f"{server.url('a')}: 500 Internal Server Error (3 tries)",
        f"{server.url('b')}: the connection broke",
        f"{server.url('c')}: 404 Not Found",
        f"Put the file at {shelf.downloads / 'toy/a.bin'}, or run `assay fetch STUDY --into DIR`",
        "set `mirror: DIR` or ASSAY_MIRROR=DIR",
    ):
        assert words in str(told.value)
    assert "\n" not in str(told.value), "it becomes the reason of a record, on one line"


def test_tries_count_in_a_row_that_brings_nothing(
    server: Server, archive: Archives, make_shelf: Shelves, body: bytes
) -> None:
    """A large file over a line that breaks now and then arrives, whatever the number of breaks."""
    server.put("a", body, cuts=[1 << 20] * 2)
    assert make_shelf(tries=2).get(archive("a")).read_bytes() == body
    server.put("a", body, cuts=[1 << 18] * 3)
    with pytest.raises(UnavailableError, match=r"\(2 tries\)"):
        make_shelf(tries=2).get(archive("a", name="toy/b.bin"))


def test_the_pause_doubles_up_to_a_bound_and_a_server_may_name_it() -> None:
    patience = Patience(pause=1, longest=30)
    for failures, most in ((1, 1), (2, 2), (3, 4), (4, 8), (9, 30)):
        waits = [patience.wait(failures, None) for _ in range(200)]
        assert most / 2 <= min(waits) < max(waits) <= most
        assert len(set(waits)) > 100, "jobs that failed together do not come back together"
    assert patience.wait(1, 7) == 7
    assert patience.wait(1, 86400) == 30


def test_a_server_says_when_to_come_back(server: Server, archive: Archives, make_shelf: Shelves, body: bytes) -> None:
    server.put("a", body, failures=[503], headers={"Retry-After": "1"})
    started = time.monotonic()
    make_shelf(longest=5.0).get(archive("a"))
    assert time.monotonic() - started >= 1


def test_another_file_is_thrown_away_and_the_next_address_asked(
    server: Server, archive: Archives, make_shelf: Shelves, body: bytes
) -> None:
    other = body[:-1] + bytes([body[-1] ^ 1])
    server.put("wrong", other)
    server.put("right", body)
    shelf = make_shelf()
    wanted = archive("wrong", "right")
    assert shelf.get(wanted).read_bytes() == body
    assert _left(shelf.downloads) == ["a.bin"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "has MD5 {md5}, expected {}"),
        ({"md5": ""}, "has SHA256 {sha256}, expected {}"),
        ({"size": 7}, "has {size} bytes, expected 7"),
    ],
)
def test_both_digests_are_told(
    server: Server, archive: Archives, make_shelf: Shelves, body: bytes, changes: dict[str, Any], words: str
) -> None:
    other = bytes(len(body))
    server.put("wrong", other)
    wanted = archive("wrong", **changes)
    found = {name: hashlib.new(name, other).hexdigest() for name in ("md5", "sha256")}
    with pytest.raises(UnavailableError) as told:
        make_shelf().get(wanted)
    assert words.format(wanted.md5 or wanted.sha256, size=len(body), **found) in str(told.value)
    assert _left(make_shelf().downloads) == []


def test_a_portals_page_is_called_one(server: Server, archive: Archives, make_shelf: Shelves) -> None:
    server.put("a", b"\n<!DOCTYPE html><html>Please log in</html>")
    with pytest.raises(UnavailableError, match="and is a web page"):
        make_shelf().get(archive("a", size=0))


def test_a_silent_server_holds_nobody(server: Server, archive: Archives, make_shelf: Shelves, body: bytes) -> None:
    server.put("a", body, stall=100_000)
    started = time.monotonic()
    with pytest.raises(UnavailableError, match=r"nothing came for 0\.2 s \(2 tries\)"):
        make_shelf(read=0.2, tries=2).get(archive("a"))
    assert time.monotonic() - started < 5


def test_a_server_that_never_answers_holds_nobody(make_shelf: Shelves) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/a"
        with pytest.raises(UnavailableError, match=r"no answer for 0\.2 s \(2 tries\)"):
            make_shelf(read=0.2, tries=2).get(Archive("toy/a.bin", (url,)))


def test_a_server_that_drips_holds_nobody(server: Server, archive: Archives, make_shelf: Shelves, body: bytes) -> None:
    """Each byte resets the timeout of the socket; the rate does not forgive."""
    server.put("a", body)
    with pytest.raises(UnavailableError, match=r"slower than 1e\+12 bytes/s"):
        make_shelf(window=0.0, slowest=1e12, tries=1).get(archive("a"))


def test_a_server_out_of_reach_is_asked_twice_and_then_once_a_file(
    make_shelf: Shelves, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/a"
    shelf = make_shelf()
    with pytest.raises(UnavailableError, match=r"no connection \(.*refused.*\) \(2 tries\)"):
        shelf.get(Archive("toy/a.bin", (url,)))
    assert "again in" in capsys.readouterr().err
    with pytest.raises(UnavailableError, match=r"no connection \([^()]*refused[^()]*\)\. Put"):
        shelf.get(Archive("toy/b.bin", (url,)))
    assert "again in" not in capsys.readouterr().err


@pytest.mark.parametrize("url", ["gopher://a/b", "http://", "nonsense"])
def test_what_is_no_address_is_told(make_shelf: Shelves, url: str) -> None:
    with pytest.raises(UnavailableError, match="Tried: "):
        make_shelf().get(Archive("toy/a.bin", (url,)))


def test_a_file_address_is_copied(tmp_path: Path, archive: Archives, make_shelf: Shelves, body: bytes) -> None:
    source = tmp_path / "with space"
    source.write_bytes(body)
    wanted = archive(urls=((tmp_path / "not there").as_uri(), source.as_uri()))
    shelf = make_shelf(offline=True)
    assert shelf.get(wanted).read_bytes() == body
    assert source.exists()


def test_several_processes_fetch_once(
    server: Server, archive: Archives, tmp_path: Path, make_shelf: Shelves, body: bytes
) -> None:
    served = server.put("a", body, gate=threading.Event())
    assert served.gate
    both = [_alone(archive("a"), tmp_path / "downloads") for _ in range(2)]
    for process in both:
        assert process.stdout
        assert process.stdout.readline() == "starting\n"
    # Time for a second request, if there were to be one.
    time.sleep(0.5)
    served.gate.set()
    for process in both:
        out, _ = process.communicate(timeout=60)
        assert out == f"{tmp_path / 'downloads/toy/a.bin'}\n"
    assert served.asked == [""]
    assert served.sent == len(body)


def test_kill_9_in_the_middle_costs_only_what_was_missing(
    server: Server, archive: Archives, tmp_path: Path, make_shelf: Shelves, body: bytes
) -> None:
    served = server.put("a", body, stall=2_000_000)
    process = _alone(archive("a"), tmp_path / "downloads")
    deadline = time.monotonic() + 60
    while not any(part.stat().st_size == 2_000_000 for part in tmp_path.glob("downloads/toy/.a.bin.*.part")):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not make_shelf().has(archive("a"))
    served.stall = None
    assert make_shelf().get(archive("a")).read_bytes() == body
    assert served.asked == ["", "bytes=2000000-"]
    assert served.sent == len(body)
    assert _left(tmp_path / "downloads") == ["a.bin"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no file that is always full")
def test_a_full_disk_is_the_machines_fault(server: Server, archive: Archives, make_shelf: Shelves, body: bytes) -> None:
    """So that the job runs again, and no record says that the method failed."""
    server.put("a", body)
    shelf = make_shelf()
    part = part_of(shelf.downloads / "toy/a.bin", server.url("a"))
    part.parent.mkdir(parents=True)
    part.symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left") as told:
        shelf.get(archive("a"))
    assert of_the_machine(told.value)
    assert not isinstance(told.value, MethodError)
    part.unlink()
    assert shelf.get(archive("a")).read_bytes() == body
