"""`check` and `requirements`: what a model needs, from the command line."""

from __future__ import annotations

import os
from pathlib import Path

from command_line import Inside

import tui_hub
from tui_hub.demo import DemoHub, Repository, RepositoryFile
from tui_hub.demo.formats.safetensors import safetensors
from tui_hub.demo.formats.tensors import Tensor, stack
from tui_hub.demo.models import demo_repositories

CHAT = "demo-lab/lumen-chat-large"
BASES = {"measured", "header", "estimate"}
VERDICTS = {"fits", "fits_after_swap", "needs_gpus", "offload", "too_big", "unknown"}


def with_headers(hub: DemoHub) -> None:
    """A model whose weights are real safetensors."""
    tensors = [*stack("blocks", 2, 64), Tensor("half", (100,), "F16")]
    weights = RepositoryFile("model.safetensors", safetensors(tensors, "x"))
    hub.put(Repository(id="acme/weighed", files=(weights,), task="text-to-image",
                       library="diffusers", license="mit"))  # fmt: skip


def test_check_answers_with_every_part(program: Inside, hub: DemoHub) -> None:
    with_headers(hub)
    ran = program.json("check", "acme/weighed")
    assert ran.code == 0
    document = ran.document
    assert {"model", "verdict", "devices", "need", "warnings"} <= set(document)
    assert document["model"] == "hf:acme/weighed"
    assert document["verdict"] in VERDICTS
    by_part = {need["part"]: need for need in document["need"]}
    weights = 2 * (64 * 64 + 64) * 4 + 200
    assert by_part["weights"] == {
        "part": "weights", "bytes": weights, "basis": "header",
        "source": "1 header of its weights",
    }  # fmt: skip
    assert all(need["source"] for need in document["need"])
    assert (document["context"], document["batch"]) == (None, 1)
    assert {need["basis"] for need in document["need"]} <= BASES
    assert document["bytes"] == sum(need["bytes"] for need in document["need"])
    assert document["dtypes"] == {"F32": weights - 200, "F16": 200}
    assert document["devices"][-1]["index"] is None
    assert 0 < document["devices"][-1]["free"] <= document["devices"][-1]["total"]
    assert document["disk"]["fits"] is True
    assert document["disk"]["bytes_to_transfer"] > weights


def test_check_for_people(program: Inside, hub: DemoHub) -> None:
    with_headers(hub)
    ran = program("check", "acme/weighed")
    assert ran.code == 0
    first, *lines = ran.out.splitlines()
    assert first.startswith("hf:acme/weighed safetensors: fits in memory now: needs ")
    rows = [line.split() for line in lines]
    assert ["NEED", "BYTES", "BASIS", "FROM"] in rows
    assert ["weights", "32.7", "KiB", "header", "1", "header", "of", "its", "weights"] in rows
    assert any(row[:2] == ["host", "memory"] and row[-1] == "fits" for row in rows)
    assert any(line.startswith("types") and "F32 32.5 KiB, F16 200 B" in line for line in lines)
    assert program("check", "acme/weighed", "-q").out == "fits\n"


def test_a_longer_context_and_a_batch_take_more(program: Inside, hub: DemoHub) -> None:
    hub.put(next(one for one in demo_repositories() if one.id == CHAT))

    def cache(*options: str) -> int:
        document = program.json("check", CHAT, *options).document
        return int({need["part"]: need["bytes"] for need in document["need"]}["kv cache"])

    model = program.json("check", CHAT).document
    assert model["context"] == min(8192, model["context_limit"])
    assert cache("--context", "1024") * 2 == cache("--context", "2048")
    assert cache("--context", "1024", "--batch", "3") == 3 * cache("--context", "1024")
    for options in (("--context", "0"), ("--context", "8k"), ("--batch", "-1")):
        refused = program.json("check", CHAT, *options)
        assert (refused.code, refused.error) == (2, "usage")
    told = program("check", CHAT, "--context", "2048", "--batch", "3").out
    assert "for 2 048 tokens of context, 3 at once" in told


def test_a_question_that_was_answered_is_no_failure(program: Inside) -> None:
    gated = program.json("check", "acme/gated-art", HF_TOKEN="")
    assert gated.code == 0
    assert any(line.startswith("gated") for line in gated.document["warnings"])
    closed = program.json("check", "curated:sora-2")
    assert (closed.code, closed.document["verdict"]) == (0, "unknown")
    assert closed.document["need"] == []


def test_check_fails_where_there_is_nothing_to_ask(program: Inside, hub: DemoHub) -> None:
    missing = program.json("check", "acme/nothing")
    assert (missing.code, missing.error) == (4, "not_found")
    variant = program.json("check", "acme/tiny-llm", "--variant", "Q4_K_M")
    assert (variant.code, variant.error) == (4, "not_found")
    gone = program.json("check", "acme/painter", HF_ENDPOINT="http://127.0.0.1:9")
    assert (gone.code, gone.error) == (6, "unreachable")


def test_hostile_text_is_shown_and_never_obeyed(program: Inside) -> None:
    for verb in ("check", "requirements"):
        ran = program(verb, "demo-lab/hostile-card")
        assert ran.code == 0
        assert "\x1b" not in ran.out
        assert "\x07" not in ran.out


def test_requirements(program: Inside, hub: DemoHub) -> None:
    with_headers(hub)
    document = program.json("requirements", "acme/weighed").document
    assert document["model"] == "hf:acme/weighed"
    assert (document["library"], document["license"], document["gated"]) == (
        "diffusers", "mit", False,
    )  # fmt: skip
    assert document["format"] == "safetensors"
    assert document["memory"]["bytes"] == sum(need["bytes"] for need in document["memory"]["need"])
    assert document["disk"]["bytes_total"] == document["disk"]["bytes_to_transfer"]
    shown = program("requirements", "acme/weighed").out
    assert "licence  mit" in shown
    assert "weights" in shown
    told = program.json("requirements", "curated:sora-2").document
    assert told["memory"]["bytes"] is None
    assert told["disk"] is None


def test_show_asks_for_no_header(program: Inside, hub: DemoHub) -> None:
    with_headers(hub)
    hub.requests.clear()
    assert program.json("show", "acme/weighed").document["requirements"] == {}
    assert hub.requests.select("*weighed*.safetensors") == []


def test_the_torch_of_the_program_s_own_is_tried_once(
    program: Inside, hub: DemoHub, tmp_path: Path
) -> None:
    with_headers(hub)
    package, notes = tmp_path / "torch" / "__init__.py", tmp_path / "imported"
    package.parent.mkdir()
    package.write_text(f"open({str(notes)!r}, 'a').write('x')\ndef empty(_): pass\n")
    root = Path(tui_hub.__file__).parents[1]

    def check() -> str:
        ran = program.apart("check", "acme/weighed", PYTHONPATH=f"{tmp_path}:{root}")
        assert ran.code == 0, ran.err
        return ran.out

    check()
    check()
    assert notes.read_text() == "x", "what worked once works until it is another one"
    package.write_text("raise ImportError('no libcudart')")
    os.utime(package, (1, 1))
    for _ in range(2):
        assert "not loaded: " in check()
