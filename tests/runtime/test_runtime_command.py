"""Commands of the user's, filled in and found."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tui_hub.domain.errors import RefusedError, UnsafeError
from tui_hub.runtime.command import (
    dialled,
    fill,
    fill_all,
    find_program,
    free_port,
    in_address,
    port_of,
)

VALUES = {
    "path": "/m",
    "file": "/m/x.gguf",
    "host": "h",
    "port": "1",
    "model": "hf:a/b",
    "name": "b",
}


@pytest.mark.parametrize(
    ("words", "filled"),
    [
        ("--model={file}", "--model=/m/x.gguf"),
        ("{name}-{port}", "b-1"),
        ('{"n_ctx": {port}, "a": {}}', '{"n_ctx": 1, "a": {}}'),
        ("{other} {{name}} {", "{other} {b} {"),
    ],
)
def test_known_placeholders_alone_are_filled_in(words: str, filled: str) -> None:
    assert fill(words, VALUES) == filled


def test_what_is_filled_in_is_filled_in_once() -> None:
    assert fill("{name}", VALUES | {"name": "{path}"}) == "{path}"


def test_a_name_is_no_option() -> None:
    assert fill_all(["-m", "{file}", "--alias={name}"], VALUES | {"name": "-x"}) == (
        "-m",
        "/m/x.gguf",
        "--alias=-x",
    )
    with pytest.raises(UnsafeError, match="'-x' would be read as an option"):
        fill_all(["{name}"], VALUES | {"name": "-x"})


@pytest.mark.parametrize("name", ["$(id)", "`id`", "x;id", "x' id '", 'x" id "', "x\nid", "a|id"])
def test_no_name_is_run_by_a_shell(name: str) -> None:
    values = VALUES | {"file": f"/m/{name}.gguf"}
    with pytest.raises(UnsafeError, match="another program"):
        fill_all(["-c", "exec serve '{file}'"], values)
    assert fill_all(["-m", "{file}", "--file={file}"], values)[1] == values["file"]
    spaced = VALUES | {"file": "/my models/x 1.gguf"}
    assert fill_all(["-c", "exec serve '{file}'"], spaced)[1] == "exec serve '/my models/x 1.gguf'"


def test_a_program_is_found_by_its_name_or_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    program = tmp_path / "serve"
    program.write_text("#!/bin/sh\n")
    with pytest.raises(RefusedError, match="cannot be run"):
        find_program("serve", {"PATH": str(tmp_path)}, tmp_path)
    program.chmod(0o755)
    assert find_program("serve", {"PATH": str(tmp_path)}, tmp_path) == str(program)
    assert find_program(str(program), {"PATH": ""}, tmp_path) == str(program)
    assert find_program("./serve", {"PATH": ""}, tmp_path) == str(program), "wherever one stands"


def test_a_port_is_the_wanted_one_while_it_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert free_port("127.0.0.1", port) is None
    assert free_port("127.0.0.1", port) == port
    assert free_port("127.0.0.1") not in (None, 0)
    with pytest.raises(RefusedError, match="no server can listen"):
        free_port("192.0.2.1")


def test_addresses_are_those_that_reach_it() -> None:
    assert [dialled(host) for host in ("0.0.0.0", "::", "box")] == ["127.0.0.1", "::1", "box"]
    assert [in_address(host) for host in ("::", "127.0.0.1")] == ["[::1]", "127.0.0.1"]
    assert [port_of(url) for url in ("http://[::1]:80", "http://h", None)] == [80, 0, 0]
