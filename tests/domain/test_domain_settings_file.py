"""Changing the settings file: what is the user's own stays, and nothing is ever half written."""

from __future__ import annotations

import fcntl
import os
import stat
import threading
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tui_hub.domain.errors import RefusedError, UsageError
from tui_hub.settings import file as settings_file
from tui_hub.settings.file import Document, change, stamp

ENTRY = {"limit": 7, "queries": [{"filter": ["a", "b"]}], "rules": {"licenses": ["mit"]}}


def add(document: Document) -> None:
    document.setdefault("feeds", {})["hf:new"] = ENTRY


def fine(document: Document) -> None:
    """Nothing is wrong with it."""


SPELLINGS = {
    "nothing": "",
    "comments": "# mine\n[sync]   # own\nenabled  =  true # yes\n\n\n# the end\n",
    "tables": '[feeds."hf:mine"]\n# why\nlimit = 5 # five\n[[feeds."hf:mine".queries]]\n'
    'filter = ["x"]\n\n[downloads]\nfiles = 2\n',
    "inline": '[feeds]\n"hf:mine" = { limit = 5 } # short\n',
    "dotted": 'feeds."hf:mine".limit = 5\n[sync]\nenabled = false\n',
    "apart": '[feeds."hf:a"]\nlimit = 1\n[sync]\nenabled = true\n[feeds."hf:b"]\nlimit = 2\n',
    "all inline": 'feeds = { "hf:mine" = { limit = 5 } }\n',
    "no end of line": "[sync]\nenabled = false",
    "texts": '[store]\npath = """\\\n  /a"""\n[runtime]\npython = \'/b\'\n',
}


@pytest.mark.parametrize("content", SPELLINGS.values(), ids=SPELLINGS)
def test_what_stood_there_stays(tmp_path: Path, content: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(content)
    change(path, add, fine)
    after = path.read_text()
    wanted = tomllib.loads(content)
    add(wanted)
    assert tomllib.loads(after) == wanted
    kept = iter(after.splitlines())
    own = [line for line in content.splitlines() if not line.startswith("feeds =")]
    assert all(line in kept for line in own), "every line, in its order"


@pytest.mark.parametrize("last", ["limit = 5\n", "[[feeds.'hf:mine'.queries]]\nfilter = ['x']\n"])
@pytest.mark.parametrize("rest", ["[downloads]\nfiles = 2\n", ""])
def test_what_is_said_about_the_next_section_stays(tmp_path: Path, last: str, rest: str) -> None:
    path = tmp_path / "config.toml"
    words = "# of what comes next:\n# much\n"
    content = f"[sync]\n\n# why\n[feeds.'hf:mine']\n{last}\n{words}{rest}"
    path.write_text(content)

    def other(document: Document) -> None:
        document["feeds"]["hf:mine"]["queries"] = [{"filter": ["y"]}]

    change(path, other, fine)
    assert "# why\n[feeds.'hf:mine']" in path.read_text()
    assert words + rest in path.read_text()
    path.write_text(content)
    change(path, lambda document: document["feeds"].pop("hf:mine"), fine)
    assert path.read_text().count(words + rest) == 1
    assert "# why\n" in path.read_text() and "hf:mine" not in path.read_text()


def test_line_ends_and_the_byte_order_mark_stay(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xef\xbb\xbf[sync]\r\nenabled = true\r\n")
    change(path, add, fine)
    after = path.read_bytes()
    assert after.startswith(b"\xef\xbb\xbf[sync]\r\nenabled = true\r\n")
    assert after.count(b"\n") == after.count(b"\r\n") > 4


def test_a_link_the_mode_and_the_folder_stay(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "hub.toml"
    real.parent.mkdir()
    real.write_text("# mine\n")
    real.chmod(0o640)
    link = tmp_path / "config.toml"
    link.symlink_to("dotfiles/hub.toml")
    change(link, add, fine)
    assert link.readlink() == Path("dotfiles/hub.toml")
    assert real.read_text().startswith("# mine\n") and "hf:new" in real.read_text()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert [path.name for path in real.parent.iterdir()] == ["hub.toml"]


def test_a_file_that_is_not_there_is_made_for_this_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config.toml"
    assert stamp(path) is None
    change(path, add, fine)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert tomllib.loads(path.read_text()) == {"feeds": {"hf:new": ENTRY}}


def test_nothing_is_written_where_nothing_changes(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[sync]\n")
    before = stamp(path)
    change(path, fine, fine)
    assert stamp(path) == before is not None


@pytest.mark.parametrize(
    "content", [b"[sync\n", b"a = 1\na = 2\n", b"\xff\n", b"x = " + b"[" * 5000]
)
def test_a_broken_file_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"config\.toml is broken and stays as it is"):
        change(path, add, fine)
    assert path.read_bytes() == content
    assert len(list(tmp_path.iterdir())) == 1


def test_a_change_that_would_be_wrong_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[sync]\n")

    def check(document: Document) -> None:
        assert document["feeds"]["hf:new"] == ENTRY
        raise UsageError("no")

    with pytest.raises(UsageError, match="no"):
        change(path, add, check)
    assert path.read_text() == "[sync]\n"


def test_a_change_that_the_text_cannot_take_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[sync]\n")
    texts = iter(["first", "second"])
    with pytest.raises(RefusedError, match="cannot keep"):
        change(path, lambda document: document.update(word=next(texts)), fine)
    assert path.read_text() == "[sync]\n"


def test_what_another_program_writes_meanwhile_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[sync]\n")

    def check(document: Document) -> None:
        path.write_text("[sync]\nenabled = false\n")

    with pytest.raises(RefusedError, match="by another program in this moment"):
        change(path, add, check)
    assert path.read_text() == "[sync]\nenabled = false\n"
    assert len(list(tmp_path.iterdir())) == 1


def test_changes_from_many_sides_all_count(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"

    def put(number: int) -> Callable[[Document], None]:
        return lambda document: document.setdefault("feeds", {}).update({f"hf:{number}": {}})

    threads = [threading.Thread(target=change, args=(path, put(n), fine)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(tomllib.loads(path.read_text())["feeds"]) == {f"hf:{n}" for n in range(12)}


def test_who_never_ends_holds_nobody_up_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings_file, "_PATIENCE", 0.0)
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        with pytest.raises(RefusedError, match="another process is changing"):
            change(tmp_path / "config.toml", add, fine)
    finally:
        os.close(folder)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="is no plain file"):
        change(tmp_path, add, fine)
    (tmp_path / "file").write_text("")
    with pytest.raises(RefusedError, match="cannot be changed: "):
        change(tmp_path / "file" / "config.toml", add, fine)


def test_every_change_shows_in_the_stamp(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("a = 1\n")
    first = stamp(path)
    os.utime(path, ns=(0, path.stat().st_mtime_ns))
    times = path.stat()
    path.write_text("a = 2\n")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert stamp(path) != first


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_key_that_comes_in_stands_above_what_is_said_of_the_next_section(
    tmp_path: Path, end: str
) -> None:
    path = tmp_path / "config.toml"
    before = ["[feeds.'hf:x']", "limit = 1  # few", "", "# about sync", "[sync]", "retries = 2", ""]
    path.write_bytes(end.join(before).encode())
    for enabled in (False, True, False):

        def turn(document: Document, enabled: bool = enabled) -> None:
            document["feeds"]["hf:x"]["enabled"] = enabled

        change(path, turn, fine)
    expected = [*before[:2], "enabled = false", *before[2:]]
    assert path.read_bytes().decode().split(end) == expected
