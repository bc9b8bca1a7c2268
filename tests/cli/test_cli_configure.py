"""`configure`: what is set for a model, through the installed program."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import Inside
from test_cli_terminal import read_all, spawn

from tui_hub.demo import DemoHub, Repository, RepositoryFile

MODEL = "acme/quants"


@pytest.fixture
def quants(program: Inside, hub: DemoHub) -> Inside:
    """A home with a model of two variants, one of which is active."""
    weights = tuple(
        RepositoryFile(f"quants-{name}.gguf", bytes(5000) + name.encode())
        for name in ("Q4_0", "Q8_0")
    )
    hub.put(Repository(id=MODEL, files=weights, task="text-generation", library="gguf"))
    assert program("download", MODEL).code == 0
    assert program("activate", MODEL, "--variant", "Q4_0").code == 0
    return program


def test_values_are_set_listed_and_taken_back(program: Inside) -> None:
    fresh = program.json("configure", "acme/tiny-llm").document
    assert (fresh["model"], fresh["version"], fresh["configuration"]) == (
        "hf:acme/tiny-llm", None, {},
    )  # fmt: skip
    assert (fresh["versions"], fresh["active"], fresh["reload_needed"]) == ([], False, False)
    assert fresh["effective"] == {
        "runtime": {"value": "link", "origin": "settings"},
        "device": {"value": "auto", "origin": "default"},
        "dtype": {"value": "auto", "origin": "default"},
        "context": {"value": None, "origin": "default"},
        "variant": {"value": None, "origin": "default"},
        "adapters": {"value": None, "origin": "default"},
    }
    done = program.json("configure", "acme/tiny-llm", "dtype=bfloat16", "context=8192").document
    assert done["configuration"] == {"dtype": "bfloat16", "context": 8192}
    assert done["effective"]["context"] == {"value": 8192, "origin": "model"}
    same = program.json("configure", "acme/tiny-llm", "context=8192").document
    assert same["version"] == 1, "nothing changed"
    program.json("configure", "acme/tiny-llm", "--unset", "dtype", "runtime=torch")
    program.json("configure", "acme/tiny-llm", "--reset")
    back = program.json("configure", "acme/tiny-llm", "--version", "1").document
    told = [(one["version"], one["configuration"]) for one in back["versions"]]
    assert told == [
        (4, {"dtype": "bfloat16", "context": 8192}),
        (3, {}),
        (2, {"runtime": "torch", "context": 8192}),
        (1, {"dtype": "bfloat16", "context": 8192}),
    ]
    assert all(one["at"].endswith("Z") for one in back["versions"])
    shown = program("configure", "acme/tiny-llm").out
    assert "bfloat16  model" in shown and "dtype=bfloat16 context=8192" in shown
    assert "nothing" in shown
    assert program("configure", "acme/tiny-llm", "-q").out == "dtype=bfloat16\ncontext=8192\n"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("acme/tiny-llm", "dtpye=x"), 2, "There are runtime, device, dtype, context, variant"),
        (("acme/tiny-llm", "dtype=int8"), 2, "There are float64, float32"),
        (("acme/tiny-llm", "runtime=vllm"), 2, "There are auto, torch, ollama, link"),
        (("acme/tiny-llm", "variant=Q9"), 2, "Its variants: safetensors"),
        (("acme/tiny-llm", "options.x=1"), 2, "runtime=ollama takes all"),
        (("acme/tiny-llm@main", "dtype=auto"), 2, "all revisions"),
        (("acme/tiny-llm", "dtype"), 2, "is no KEY=VALUE"),
        (("acme/tiny-llm", "dtype=auto", "dtype=auto"), 2, "given twice"),
        (("acme/tiny-llm", "dtype=auto", "--reset"), 2, "Give either values"),
        (("acme/tiny-llm", "--version", "0"), 2, "0"),
        (("acme/tiny-llm", "--version", "9"), 4, "There is none"),
        (("acme/nobody", "dtype=auto"), 4, "acme/nobody"),
    ],
)
def test_what_is_wrong_is_said(
    program: Inside, arguments: tuple[str, ...], code: int, said: str
) -> None:
    ran = program("configure", *arguments)
    assert ran.code == code and said in " ".join(ran.err.split()), ran.err
    assert program.json("configure", "acme/tiny-llm").document["versions"] == []


def test_an_active_model_takes_it_over_when_it_is_reloaded(quants: Inside) -> None:
    told = quants("configure", MODEL, "variant=q8_0")
    assert told.code == 0 and "`tui-hub reload llm` takes this over" in told.out
    document = quants.json("configure", MODEL).document
    assert (document["active"], document["reload_needed"]) == (True, True)
    assert document["configuration"] == {"variant": "Q8_0"}
    loaded = quants.json("configure", MODEL, "--reload").document
    assert (loaded["reload_needed"], loaded["reloads"][0]["status"]) == (False, "active")
    (slot,) = quants.json("active").document["slots"]
    assert slot["variant"] == "Q8_0"
    assert quants.json("configure", MODEL, "--reload").document["reloads"] == []
    assert quants("configure", MODEL, "variant=Q4_0", "--reload").code == 0
    (slot,) = quants.json("active").document["slots"]
    assert slot["variant"] == "Q4_0"
    assert quants("delete", MODEL, "--variant", "Q8_0", "--yes").code == 0
    refused = quants.json("configure", MODEL, "variant=Q8_0", "--reload")
    assert (refused.code, refused.error) == (5, "refused")
    assert refused.document["reload_needed"] is True
    assert "--unset variant" in refused.document["error"]["hint"]
    assert "takes this over" not in quants("configure", MODEL, "--reload").out, "it was just tried"
    assert "takes this over" in quants("configure", MODEL).out


def test_on_a_terminal_a_reload_is_offered(quants: Inside) -> None:
    environment = {"TUI_HUB_RUNTIME__USE": "link"}
    child = spawn(quants, "configure", MODEL, "variant=Q8_0", **environment)
    child.expect(r"hf:acme/quants is active as llm. Reload it\? \[y/N\]: ")
    child.sendline("n")
    assert "takes this over" in read_all(child) and child.exitstatus == 0
    child = spawn(quants, "configure", MODEL, "--version", "1", **environment)
    child.expect(r"Reload it\? \[y/N\]: ")
    child.sendline("y")
    assert "is active" in read_all(child) and child.exitstatus == 0
    assert quants.json("configure", MODEL).document["reload_needed"] is False
    child = spawn(quants, "configure", MODEL, "context=7", **environment)
    assert "Reload" not in read_all(child), "a published link heeds no context"


def test_it_goes_into_another_home_and_past_hostile_documents(
    program: Inside, tmp_path: Path
) -> None:
    program("configure", "acme/tiny-llm", "dtype=bfloat16", "context=8192")
    exported = program.json("export").document
    assert exported["models"] == [
        {"id": "hf:acme/tiny-llm", "configuration": {"dtype": "bfloat16", "context": 8192}}
    ]
    file, second = tmp_path / "document.json", Inside(tmp_path / "other", program.environment)
    file.write_text(json.dumps(exported))
    assert second.json("import", str(file)).document["created"] == 1
    assert second.json("export").document == exported
    assert second.json("import", str(file)).document["unchanged"] == 1
    program("configure", "acme/tiny-llm", "context=1")
    kept = program.json("import", str(file))
    assert (kept.code, kept.document["skipped"]) == (3, 1)
    assert program.json("import", str(file), "--replace").document["updated"] == 1
    taken = program.json("configure", "acme/tiny-llm").document
    assert (taken["version"], taken["configuration"]["context"]) == (3, 8192)
    for hostile in (
        {"dtype": "int8"},
        {"options.x": "\u001b[31m"},
        {"runtime": "../../bin/sh"},
        {"context": True},
        {"variant": ["x"]},
        [1],
    ):
        exported["models"][0]["configuration"] = hostile
        file.write_text(json.dumps(exported))
        ran = program.json("import", str(file), "--replace")
        assert (ran.code, ran.document["skipped"]) == (3, 1), hostile
        assert "\u001b" not in ran.out
    assert program.json("configure", "acme/tiny-llm").document["version"] == 3
