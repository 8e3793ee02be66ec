"""The list of erased people after a power cut in the middle of a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from siaga_gateway.adapters.files.erasure_list import FILE_NAME, ErasureList
from siaga_gateway.config.loading import SettingsError


@pytest.mark.parametrize("torn", ['{"owner_id": 2, "regist', "{", '{"responder": "bu', '"', '{"owner_id": 2}, \udc80'])
def test_a_torn_last_line_is_told_and_stands_before_no_other(
    torn: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    erased = ErasureList(tmp_path)
    erased.add(1, 11)
    with (tmp_path / FILE_NAME).open("ab") as file:
        file.write(torn.encode("utf-8", "surrogateescape"))
    assert list(erased) == [(1, 11)] and "2" in caplog.text
    erased.add(3, 33)
    erased.add_responders({"wati": 44})
    caplog.clear()
    assert list(erased) == [(1, 11), (3, 33)] and list(erased.responders()) == [("wati", 44)]
    assert FILE_NAME in caplog.text, "until somebody completes it"


def test_a_line_that_lacks_its_end_alone_is_whole(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    erased = ErasureList(tmp_path)
    erased.add(1, 11)
    file = tmp_path / FILE_NAME
    file.write_text(file.read_text().rstrip("\n"))
    assert list(erased) == [(1, 11)]
    erased.add(2, 22)
    assert list(erased) == [(1, 11), (2, 22)] and not caplog.records


def test_any_other_line_that_is_none_is_refused_by_its_number(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text('{"owner_id": 1, "registered_ms": 11}\nnonsense\n')
    with pytest.raises(SettingsError, match="2"):
        list(ErasureList(tmp_path))
