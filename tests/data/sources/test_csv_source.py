"""Lists of pictures with labels: columns, splits, groups, soft labels, and lists that do not fit their pictures."""

from __future__ import annotations

import numpy as np
import pytest
from assay.data.archive import NoFiles
from assay.data.given import Given
from assay.data.own.labels import EMPTY
from assay.data.own.pictures import SKIPPED
from assay.data.sources.csv import VOTES, csv
from assay.errors import MethodError
from assay.streams import Streams
from PIL import Image

OPTIONS = {
    "delimiter": ",", "path_column": "path", "label_column": "label", "split_column": None, "group_column": None,
    "soft_prefix": "soft.", "soft_column": None, "classes": None, "resolution": None, "channels": None,
    "corrupt": "refuse", "licence": "", "citation": "",
}  # fmt: skip


@pytest.fixture
def read(tmp_path):
    """`read(text, **options)`: the source over a CSV file beside pictures whose pixels are 0, 1, 2, 3."""
    for number in range(4):
        (tmp_path / "images").mkdir(exist_ok=True)
        Image.new("L", (4, 4), number).save(tmp_path / f"images/{number}.png")

    def make(text, **changes):
        content = text if isinstance(text, bytes) else text.encode()
        (tmp_path / "labels.csv").write_bytes(content)
        given = Given(Streams({}), None, NoFiles())
        return csv(given, path=str(tmp_path / "labels.csv"), **{**OPTIONS, **changes})

    return make


def rows(*lines: str, head: str = "path,label") -> str:
    return "\n".join([head, *lines]) + "\n"


def test_pictures_come_in_the_order_of_the_list(read):
    raw = read(rows("images/3.png,dog", "images/0.png,cat", "./images/1.png,dog"))
    assert raw.ids.tolist() == ["images/3.png", "images/0.png", "images/1.png"]
    assert raw.images[:, 0, 0, 0].tolist() == [3, 0, 1]
    assert raw.classes == ["cat", "dog"]
    assert raw.labels.tolist() == [1, 0, 1]
    assert raw.parts is None
    assert raw.groups is None


def test_splits_and_groups_are_read(read):
    text = rows("images/0.png,a,train,p1", "images/1.png,b,Validation,p2", "images/2.png,a,test,p3",
                head="path,label,split,group")  # fmt: skip
    raw = read(text)
    assert raw.parts.tolist() == ["train", "val", "test"]
    assert raw.groups.tolist() == ["p1", "p2", "p3"]
    with pytest.raises(MethodError, match="line 3: split 'dve' is none of train, val and test"):
        read(text.replace("Validation", "dve"))


def test_columns_may_have_other_names_and_separators(read):
    raw = read("file;what;fold\nimages/2.png;x;train\n", delimiter=";", path_column="file", label_column="what",
               split_column="fold")  # fmt: skip
    assert (raw.ids.tolist(), raw.classes, raw.parts.tolist()) == (["images/2.png"], ["x"], ["train"])
    with pytest.raises(MethodError, match="no column 'labl'; it has 'path', 'label'; did you mean 'label'"):
        read(rows("images/0.png,a"), label_column="labl")


def test_numbers_are_ordered_as_numbers_and_count_into_the_classes(read):
    raw = read(rows("images/0.png,10", "images/1.png,9"))
    assert (raw.classes, raw.labels.tolist()) == (["9", "10"], [1, 0])
    raw = read(rows("images/0.png,1", "images/1.png,0"), classes=["cat", "dog", "eel"])
    assert (raw.classes, raw.labels.tolist()) == (["cat", "dog", "eel"], [1, 0])
    assert raw.decisions == {EMPTY: {"count": 1, "ids": ["eel"]}}


def test_shares_and_votes_become_soft_labels(read):
    text = rows("images/0.png,a,0.75,0.25", "images/1.png,b,0,1", head="path,label,soft.a,soft.b")
    raw = read(text)
    assert raw.soft.tolist() == [[0.75, 0.25], [0, 1]]
    assert raw.decisions == {}
    votes = read(rows("images/0.png,a,3,1", "images/1.png,b,0,4", head="path,label,soft.b,soft.a"))
    assert votes.soft.tolist() == [[0.25, 0.75], [1, 0]]
    assert votes.decisions[VOTES]["count"] == 2
    told = read('path,label,people\nimages/0.png,a,"{""a"": 0.5, ""b"": 0.5}"\nimages/1.png,b,"[0.25, 0.75]"\n',
                soft_column="people")  # fmt: skip
    assert told.soft.tolist() == [[0.5, 0.5], [0.25, 0.75]]


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ("0.5,0.4", "line 2: soft labels must be shares that sum to 1"),
        ("1.5,-0.5", "line 2: soft labels must be shares"),
        ("0,0", "line 2: soft labels must be shares"),
        ("nan,1", "line 2: expected a number, found 'nan'"),
        ("many,1", "expected a number, found 'many'"),
    ],
)
def test_soft_labels_that_are_none_are_refused(read, cells, says):
    with pytest.raises(MethodError, match=says):
        read(rows(f"images/0.png,a,{cells}", "images/1.png,b,0,1", head="path,label,soft.a,soft.b"))


@pytest.mark.parametrize("cell", ['{"a": 1, "c": 0}', "[1]", "half", "3", '["x", 1]', "[true, 0]", "[" * 5000])
def test_soft_labels_in_json_that_are_none_are_refused(read, cell):
    quoted = '"' + cell.replace('"', '""') + '"'
    with pytest.raises(MethodError, match="line 2"):
        read(f'path,label,people\nimages/0.png,a,{quoted}\nimages/1.png,b,"[0, 1]"\n', soft_column="people")


def test_each_class_needs_a_soft_column(read):
    with pytest.raises(MethodError, match=r"one column soft\.<class> for each class; see b"):
        read(rows("images/0.png,a,1", "images/1.png,b,0", head="path,label,soft.a"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (rows("images/0.png,a", "images/1.png,b", "./images/0.png,b"), "line 4: images/0.png is listed twice.*line 2"),
        (rows("images/0.png,a", "images/9.png,b", "other/1.png,b"), "line 3: 2 of 3 pictures are not there.*images/9"),
        (rows("images/0.pgn,a"), "did you mean '0.png'"),
        (rows("images/0.png,"), "line 2: the label is empty"),
        (rows("images/0.png"), r"line 2: expected 2 cells \(path, label\), found 1"),
        (rows("images/0.png,a,b"), "line 2: expected 2 cells.*found 3"),
        (rows("images/0.png,1", "images/1.png,01"), "written in two ways"),
        (rows(), "there are no images"),
        ("", "expected a first line"),
        ("path,path\n", "'path' stands in the header twice"),
        (b"path,label\nimages/\xff.png,a\n", "UTF-8"),
        (b"path,label\n\"images/0.png,a\n", "cannot be read as CSV"),
        (b"path,label\nimages\x00/0.png,a\n", "not there|cannot be read"),
    ],
)  # fmt: skip
def test_a_list_that_does_not_fit_is_refused(read, text, says):
    with pytest.raises(MethodError, match=says):
        read(text)


@pytest.mark.parametrize(
    ("label", "classes", "says"),
    [
        ("2", ["cat", "dog"], "line 3: label 2 is out of range: expected 0 to 1"),
        ("-1", ["cat", "dog"], "line 3: label -1 is out of range"),
        ("9" * 40, ["cat", "dog"], "out of range"),
    ],
)
def test_numbers_out_of_range_are_refused(read, label, classes, says):
    with pytest.raises(MethodError, match=says):
        read(rows("images/0.png,0", f"images/1.png,{label}"), classes=classes)


def test_a_label_that_is_no_class_is_refused(read):
    with pytest.raises(MethodError, match="line 3: label 'dgo' is none of the 2 classes cat, dog; did you mean 'dog'"):
        read(rows("images/0.png,cat", "images/1.png,dgo"), classes=["cat", "dog"])


def test_labels_groups_and_soft_labels_stay_with_their_pictures_when_one_is_skipped(read, tmp_path):
    text = rows("images/0.png,a,p0,1,0", "images/bad.png,b,p1,0.5,0.5", "images/2.png,b,p2,0,1",
                head="path,label,group,soft.a,soft.b")  # fmt: skip
    (tmp_path / "images/bad.png").write_bytes((tmp_path / "images/1.png").read_bytes()[:50])
    with pytest.raises(MethodError, match=r"1 of 3 images cannot be read: images/bad.png"):
        read(text)
    raw = read(text, corrupt="skip")
    assert raw.labels.tolist() == [0, 1]
    assert raw.groups.tolist() == ["p0", "p2"]
    assert raw.soft.tolist() == [[1, 0], [0, 1]]
    assert raw.images[:, 0, 0, 0].tolist() == [0, 2]
    assert raw.decisions[SKIPPED]["count"] == 1


def test_a_byte_order_mark_is_no_part_of_a_name(read):
    assert read(b"\xef\xbb\xbf" + rows("images/0.png,a").encode()).classes == ["a"]


def test_a_cell_may_hold_commas_and_line_ends(read):
    raw = read('path,label\nimages/0.png,"a, b"\nimages/1.png,"c\nd"\nimages/2.png,e\n')
    assert raw.classes == ["a, b", "c\nd", "e"]
    with pytest.raises(MethodError, match="line 5: label 'x'"):
        read('path,label\nimages/0.png,"a, b"\nimages/1.png,"c\nd"\nimages/2.png,x\n', classes=["a, b", "c\nd"])
    assert raw.labels.dtype == np.int64
