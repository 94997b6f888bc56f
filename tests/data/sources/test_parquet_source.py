"""Parquet files and folders that Hugging Face `datasets` saved, both written here by pyarrow in their true layout."""

from __future__ import annotations

import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from assay.data.archive import NoFiles
from assay.data.given import Given
from assay.data.own.pictures import SKIPPED
from assay.data.sources.parquet import parquet
from assay.errors import MethodError
from assay.streams import Streams
from PIL import Image

OPTIONS = {
    "image_column": None, "label_column": None, "split_column": None, "group_column": None, "id_column": None,
    "classes": None, "resolution": None, "channels": None, "corrupt": "refuse", "licence": "", "citation": "",
}  # fmt: skip
#: As `datasets` writes the features of a set of pictures.
FEATURES = {"image": {"_type": "Image"}, "label": {"names": ["cat", "dog"], "_type": "ClassLabel"}}
PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def read(path, **changes):
    return parquet(Given(Streams({}), None, NoFiles()), path=str(path), **{**OPTIONS, **changes})


def drawn(value: int) -> bytes:
    stream = io.BytesIO()
    Image.new("L", (4, 4), value).save(stream, "PNG")
    return stream.getvalue()


def table(values, labels, **columns) -> pa.Table:
    images = pa.array([{"bytes": drawn(value), "path": None} for value in values], PICTURE)
    return pa.table({"image": images, "label": labels, **columns})


def saved(folder, parts):
    """Write a split as `Dataset.save_to_disk` does: Arrow streams, state.json, dataset_info.json."""
    folder.mkdir(parents=True)
    names = []
    for number, part in enumerate(parts):
        names.append(f"data-{number:05d}-of-{len(parts):05d}.arrow")
        with pa.ipc.new_stream(str(folder / names[-1]), part.schema) as writer:
            writer.write_table(part, max_chunksize=2)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": name} for name in names]}))
    (folder / "dataset_info.json").write_text(json.dumps({"features": FEATURES}))


def test_a_file_with_pictures_as_structures_or_as_bytes(tmp_path):
    file = tmp_path / "set.parquet"
    pq.write_table(table([5, 6, 7], [2, 0, 1]), file)
    raw = read(file)
    assert raw.images[:, 0, 0, 0].tolist() == [5, 6, 7]
    assert (raw.labels.tolist(), raw.classes) == ([2, 0, 1], ["0", "1", "2"])
    assert raw.ids.tolist() == ["set-0", "set-1", "set-2"]
    assert raw.parts is None
    pq.write_table(pa.table({"img": [drawn(3), drawn(4)], "label": ["dog", "cat"]}), file)
    raw = read(file)
    assert (raw.images[:, 0, 0, 0].tolist(), raw.labels.tolist(), raw.classes) == ([3, 4], [1, 0], ["cat", "dog"])


def test_class_names_come_from_what_datasets_noted(tmp_path):
    noted = json.dumps({"info": {"features": FEATURES}})
    marked = table([1, 2], [1, 0]).replace_schema_metadata({"huggingface": noted})
    pq.write_table(marked, tmp_path / "x.parquet")
    assert read(tmp_path / "x.parquet").classes == ["cat", "dog"]
    assert read(tmp_path / "x.parquet", classes=["katze", "hund"]).classes == ["katze", "hund"]


def test_a_saved_dataset_is_read_in_the_order_of_its_state(tmp_path):
    saved(tmp_path / "set", [table([1, 2, 3], [0, 1, 1]), table([4], [0])])
    raw = read(tmp_path / "set")
    assert raw.images[:, 0, 0, 0].tolist() == [1, 2, 3, 4]
    assert (raw.labels.tolist(), raw.classes) == ([0, 1, 1, 0], ["cat", "dog"])
    state = json.loads((tmp_path / "set/state.json").read_text())
    state["_data_files"].reverse()
    (tmp_path / "set/state.json").write_text(json.dumps(state))
    assert read(tmp_path / "set").images[:, 0, 0, 0].tolist() == [4, 1, 2, 3]


def test_a_saved_dict_of_splits(tmp_path):
    for name, values in (("train", [1, 2]), ("validation", [3]), ("test", [4])):
        saved(tmp_path / "set" / name, [table(values, [0] * len(values))])
    (tmp_path / "set/dataset_dict.json").write_text(json.dumps({"splits": ["train", "validation", "test"]}))
    raw = read(tmp_path / "set")
    assert raw.parts.tolist() == ["train", "train", "val", "test"]
    assert raw.ids.tolist() == ["train-0", "train-1", "val-0", "test-0"]
    saved(tmp_path / "set/extra", [table([9], [0])])
    (tmp_path / "set/dataset_dict.json").write_text(json.dumps({"splits": ["train", "extra"]}))
    with pytest.raises(MethodError, match="split 'extra' is none of train, val and test"):
        read(tmp_path / "set")


def test_a_folder_of_files_called_by_their_splits(tmp_path):
    (tmp_path / "data").mkdir()
    for name, values in (("train-00000-of-00002", [1]), ("train-00001-of-00002", [2]), ("test-00000-of-00001", [3])):
        pq.write_table(table(values, [0]), tmp_path / f"data/{name}.parquet")
    raw = read(tmp_path)
    assert raw.images[:, 0, 0, 0].tolist() == [3, 1, 2]
    assert raw.parts.tolist() == ["test", "train", "train"]
    pq.write_table(table([4], [0]), tmp_path / "data/other.parquet")
    with pytest.raises(MethodError, match=r"other.parquet is called by no split"):
        read(tmp_path)


def test_columns_of_splits_groups_and_names(tmp_path):
    more = {"fold": ["train", "test"], "patient": [7, 8], "name": ["x", "y"]}
    pq.write_table(table([1, 2], [0, 1], **more), tmp_path / "x.parquet")
    raw = read(tmp_path / "x.parquet", split_column="fold", group_column="patient", id_column="name")
    assert (raw.parts.tolist(), raw.groups.tolist(), raw.ids.tolist()) == (["train", "test"], ["7", "8"], ["x", "y"])
    pq.write_table(table([1, 2], [0, 1], name=["x", "x"]), tmp_path / "x.parquet")
    with pytest.raises(MethodError, match="ids of images must differ; x stands there 2 times"):
        read(tmp_path / "x.parquet", id_column="name")


def test_pictures_that_cannot_be_read_are_refused_or_skipped(tmp_path):
    images = pa.array(
        [{"bytes": drawn(1), "path": None}, {"bytes": None, "path": "x.png"}, {"bytes": drawn(2)[:40], "path": None}],
        PICTURE,
    )
    pq.write_table(pa.table({"image": images, "label": [0, 1, 0]}), tmp_path / "x.parquet")
    with pytest.raises(MethodError, match=r"2 of 3 images cannot be read: x-1 holds no bytes .*, x-2 "):
        read(tmp_path / "x.parquet")
    raw = read(tmp_path / "x.parquet", corrupt="skip")
    assert (raw.ids.tolist(), raw.decisions[SKIPPED]["count"]) == (["x-0"], 2)


@pytest.mark.parametrize(
    ("made", "options", "says"),
    [
        (table([1, 2], [0, -1]), {"classes": ["a", "b"]}, "row 1: label -1 is out of range: expected 0 to 1"),
        (table([1, 2], [0, 2]), {"classes": ["a", "b"]}, "row 1: label 2 is out of range"),
        (table([1, 2], [0, 10**9]), {}, "row 1: label 1000000000 is out of range: there are only 2"),
        (table([1, 2], [0, None]), {}, "row 1: expected labels that are all whole numbers or all text, found None"),
        (table([1, 2], [0.5, 1.0]), {}, "row 0: expected labels.*found 0.5"),
        (table([1, 2], [True, False]), {}, "row 0: expected labels.*found True"),
        (table([1], [[0]]), {}, "holds list.*not single values"),
        (table([1], ["a"]), {"label_column": "lable"}, "no column 'lable'; it has 'image', 'label'; did you mean"),
        (pa.table({"label": [0]}), {}, "no column 'image'"),
        (pa.table({"image": [1.5], "label": [0]}), {}, "holds double, not pictures"),
        (
            table([1, 2], ["a", "b"], fold=["train", None]),
            {"split_column": "fold"},
            "row 1: column 'fold' has no value",
        ),
        (table([], pa.array([], pa.int64())), {}, "there are no images"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path, made, options, says):
    pq.write_table(made, tmp_path / "x.parquet")
    with pytest.raises(MethodError, match=says):
        read(tmp_path / "x.parquet", **options)


@pytest.mark.parametrize("name", ["/etc/passwd", "../data-00000-of-00001.arrow", "a\\b", "..", None, 5])
def test_a_state_that_leads_out_of_its_folder_is_refused(tmp_path, name):
    saved(tmp_path / "set", [table([1], [0])])
    (tmp_path / "set/state.json").write_text(json.dumps({"_data_files": [{"filename": name}]}))
    with pytest.raises(MethodError, match="expected the name of a file beside it"):
        read(tmp_path / "set")


def test_broken_files_are_refused(tmp_path):
    saved(tmp_path / "set", [table([1, 2, 3], [0, 1, 1])])
    arrow = tmp_path / "set/data-00000-of-00001.arrow"
    whole = arrow.read_bytes()
    arrow.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(MethodError, match="cannot be read"):
        read(tmp_path / "set")
    arrow.unlink()
    with pytest.raises(MethodError, match=r"names data-00000-of-00001.arrow, which is not there"):
        read(tmp_path / "set")
    (tmp_path / "set/state.json").write_text("{")
    with pytest.raises(MethodError, match="is not JSON"):
        read(tmp_path / "set")
    pq.write_table(table([1, 2], [0, 1]), tmp_path / "x.parquet")
    whole = (tmp_path / "x.parquet").read_bytes()
    (tmp_path / "x.parquet").write_bytes(whole[:-20])
    with pytest.raises(MethodError, match="cannot be read"):
        read(tmp_path / "x.parquet")
    (tmp_path / "empty").mkdir()
    with pytest.raises(MethodError, match="neither Parquet files nor a saved dataset"):
        read(tmp_path / "empty")
    with pytest.raises(MethodError, match="there is no file or folder"):
        read(tmp_path / "nowhere")


def test_many_pictures_are_read_in_batches(tmp_path):
    values = np.arange(600) % 251
    pq.write_table(table(values.tolist(), (values % 3).tolist()), tmp_path / "x.parquet", row_group_size=100)
    assert read(tmp_path / "x.parquet").images[:, 0, 0, 0].tolist() == values.tolist()
