"""Whatever bytes a user's file holds, a source returns a whole dataset or says what is wrong, and nothing else."""

from __future__ import annotations

import contextlib
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from assay.data.archive import NoFiles
from assay.data.given import Given
from assay.data.raw import Raw
from assay.errors import MethodError
from assay.streams import Streams
from assay.study.registry import bind
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

GENTLE = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
PIXELS = np.random.default_rng(0).integers(0, 256, (6, 6, 3), dtype=np.uint8)


def picture(form: str) -> bytes:
    stream = io.BytesIO()
    frames = {"save_all": True, "append_images": [Image.fromarray(PIXELS[::-1])]} if form in ("GIF", "TIFF") else {}
    Image.fromarray(PIXELS).save(stream, form, **frames)
    return stream.getvalue()


def damaged(whole: bytes) -> st.SearchStrategy[bytes]:
    """A file with a few bytes changed, cut short, or replaced by anything at all."""
    place = st.integers(0, len(whole) - 1)

    def put(changes: list[tuple[int, int]]) -> bytes:
        made = bytearray(whole)
        for at, value in changes:
            made[at] = value
        return bytes(made)

    changed = st.lists(st.tuples(place, st.integers(0, 255)), max_size=6).map(put)
    return st.one_of(changed, place.map(lambda end: whole[:end]), st.binary(max_size=200))


@pytest.fixture
def source(registry, entry):
    """`source(name, path)`: call a source under its defaults; only a MethodError may come of it."""

    def call(name, path, **options):
        made = entry("source", name, path=str(path), **options)
        with contextlib.suppress(MethodError):
            raw = bind(registry, "source", made)(Given(Streams({}), None, NoFiles()))
            assert isinstance(raw, Raw)
            assert len(raw.images) == len(raw.labels) > 0

    return call


FORMATS = ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "ICO", "TGA", "PCX", "JPEG2000", "AVIF", "DDS", "SGI"]


@pytest.mark.parametrize("form", FORMATS)
def test_any_picture(form, source, tmp_path):
    suffix = {"TGA": "tga"}.get(form, "png")
    (tmp_path / "a").mkdir()
    file = tmp_path / f"a/x.{suffix}"

    @GENTLE
    @given(damaged(picture(form)))
    def check(content):
        file.write_bytes(content)
        source("folder", tmp_path)

    check()


def npz() -> bytes:
    stream = io.BytesIO()
    np.savez(stream, images=PIXELS, labels=np.arange(6), class_names=np.array(list("abcdef")))
    return stream.getvalue()


def parquet() -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table({"image": [picture("PNG")] * 3, "label": ["a", "b", "b"]}), stream)
    return stream.getvalue()


def arrow() -> bytes:
    table = pa.table({"image": [picture("PNG")] * 3, "label": [0, 1, 1]})
    stream = io.BytesIO()
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "file", "whole"),
    [
        ("npz", "x.npz", npz()),
        ("parquet", "x.parquet", parquet()),
        ("parquet", "x.arrow", arrow()),
        ("csv", "x.csv", b"path,label,split,soft.a,soft.b\np.png,a,train,1,0\nq.png,b,test,0.5,0.5\n"),
    ],
    ids=["npz", "parquet", "arrow", "csv"],
)
def test_any_file(name, file, whole, source, tmp_path):
    for each in ("p.png", "q.png"):
        (tmp_path / each).write_bytes(picture("PNG"))

    @GENTLE
    @given(damaged(whole))
    def check(content):
        (tmp_path / file).write_bytes(content)
        source(name, tmp_path / file)

    check()


@GENTLE
@given(st.binary(max_size=60), st.binary(max_size=60))
def test_any_notes_of_a_saved_dataset(source, tmp_path, state, info):
    (tmp_path / "data-00000-of-00001.arrow").write_bytes(arrow())
    (tmp_path / "state.json").write_bytes(state)
    (tmp_path / "dataset_info.json").write_bytes(info)
    source("parquet", tmp_path)


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda inner: st.one_of(
    st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(
        ["_data_files", "filename", "features", "image", "label", "_type", "names", "splits"]) | st.text(max_size=5),
        inner, max_size=4)), max_leaves=12)  # fmt: skip


@GENTLE
@given(JSON, JSON, JSON)
def test_any_json_in_the_notes_of_a_saved_dataset(source, tmp_path, state, info, splits):
    (tmp_path / "data-00000-of-00001.arrow").write_bytes(arrow())
    for name, value in (("state", state), ("dataset_info", info)):
        (tmp_path / f"{name}.json").write_text(json.dumps(value))
    source("parquet", tmp_path)
    (tmp_path / "dataset_dict.json").write_text(json.dumps(splits))
    source("parquet", tmp_path)
    (tmp_path / "dataset_dict.json").unlink()
