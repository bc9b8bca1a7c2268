"""Slots, the programs that use them, and the variants of a model, from the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from command_line import CONFIG, Inside

from tui_hub.demo import DemoHub, Repository, RepositoryFile


def put_quants(hub: DemoHub) -> str:
    """Give the hub a model of two quantisations; its id."""
    name = "acme/quants"
    files = {"config.json": CONFIG, "q-Q4_K_M.gguf": b"4" * 5000, "q-Q8_0.gguf": b"8" * 9000}
    hub.put(Repository(id=name, files=tuple(RepositoryFile(*file) for file in files.items())))
    return name


def test_one_variant_of_several(program: Inside, hub: DemoHub) -> None:
    name = put_quants(hub)
    one = program.json("download", name, "--variant", "Q4_K_M")
    assert (one.code, one.document["note"]) == (0, None)
    told = "2 variants, together 13.7 KiB; `--variant Q4_K_M` takes one"
    assert told in program("download", name, "--dry-run").err.splitlines()
    assert program("download", name, "--dry-run", "-q").err == ""
    for chosen in (["q-Q8_0.gguf"], ["--exclude", "*.md"], ["--variant", "Q8_0"]):
        assert program("download", name, "--dry-run", *chosen).err == ""
    all_of_it = program.json("download", name)
    assert (all_of_it.code, all_of_it.err) == (0, "")
    assert all_of_it.document["note"] == told
    assert program.json("download", name).document["note"] is None
    rows = [line.split()[4:7] for line in program("jobs").out.splitlines()[1:]]
    assert rows[-1][:2] == [f"hf:{name}", "Q4_K_M"]
    assert rows[0][1] != "Q4_K_M"


def test_a_variant_is_active_and_another_deleted(program: Inside, hub: DemoHub) -> None:
    name = put_quants(hub)
    assert program("download", name, "-q").code == 0
    activated = program("activate", name, "--type", "llm", "--variant", "Q4_K_M")
    assert activated.code == 0, activated.err
    heading, row = program("active").out.splitlines()
    assert heading.split()[:3] == ["TYPE", "MODEL", "VARIANT"]
    assert row.split()[:3] == ["llm", f"hf:{name}", "Q4_K_M"]
    for taken in ([], ["--variant", "Q4_K_M"]):
        ran = program.json("delete", name, "--dry-run", *taken)
        assert (ran.code, ran.error) == (5, "refused")
        assert ran.document["files"] > 0
        assert program.json("delete", name, "--yes", *taken).code == 5
        assert program.json("delete", name, "--dry-run", "--deactivate", *taken).code == 0
    other = ("--variant", "Q8_0")
    would = program.json("delete", name, "--dry-run", *other)
    assert would.code == 0
    assert would.document == {
        "model": f"hf:{name}",
        "variant": "Q8_0",
        "files": 1,
        "bytes_freed": 9000,
        "forgotten": False,
    }
    deleted = program.json("delete", name, "--yes", *other)
    assert (deleted.code, deleted.document) == (0, would.document)
    variants = program.json("show", name).document["variants"]
    assert [(one["name"], one["installed"]) for one in variants] == [
        ("Q4_K_M", True),
        ("Q8_0", False),
    ]
    last = program.json("delete", name, "--dry-run", "--variant", "Q4_K_M")
    assert (last.code, last.document["variant"]) == (5, "Q4_K_M")
    gone = program("delete", name, "--yes", "--deactivate", "--variant", "Q4_K_M")
    assert gone.code == 0
    assert gone.out.startswith(f"hf:{name} Q4_K_M: 2 files deleted, ")


def test_slots(program: Inside) -> None:
    ran = program.json("activate", "acme/no-such-model", "--type", "llm")
    assert (ran.code, ran.error) == (4, "not_found")
    assert (ran.document["slot"], ran.document["model"]) == ("llm", "hf:acme/no-such-model")
    assert (ran.document["status"], ran.document["path"]) == ("error", None)
    assert program("download", "acme/tiny-llm", "-q").code == 0
    assert program("download", "acme/twin-llm", "-q").code == 0
    empty = program.json("active", "llm", "--path")
    assert (empty.code, empty.error) == (4, "not_found")
    assert program.json("active").document == {"slots": []}

    active = program.json("activate", "acme/tiny-llm").document
    assert (active["slot"], active["status"], active["runtime"]) == ("llm", "active", "link")
    taken = program.json("activate", "acme/twin-llm")
    assert (taken.code, taken.error) == (5, "refused")
    assert (taken.document["slot"], taken.document["model"]) == (None, "hf:acme/twin-llm")
    assert (taken.document["status"], taken.document["runtime"]) == ("error", None)
    assert "switch" in taken.document["error"]["hint"]
    switched = program.json("switch", "acme/twin-llm").document
    assert (switched["model"], switched["previous"]) == ("hf:acme/twin-llm", "hf:acme/tiny-llm")
    path = program("active", "llm", "--path").out
    assert path == switched["path"] + "\n"
    assert (Path(path.strip()) / "config.json").read_bytes() == CONFIG
    refused = program.json("delete", "acme/twin-llm", "--yes")
    assert (refused.code, refused.error) == (5, "refused")

    environment = program.json("env", "llm").document["environment"]
    assert environment["HF_HUB_OFFLINE"] == "1"
    shell = 'eval "$(cat)"; test -f "$TUI_HUB_MODEL_PATH/config.json"'
    exported = subprocess.run(["sh", "-c", shell], input=program("env", "llm").out, text=True)
    assert exported.returncode == 0
    said = program("run", "llm", "--", "sh", "-c", 'echo "$TUI_HUB_MODEL"; exit 7')
    assert (said.code, said.out) == (7, "hf:acme/twin-llm\n")
    shell = 'export TUI_HUB_URL=old; eval "$(cat)"; test "${TUI_HUB_URL-none}" = none'
    exported = subprocess.run(["sh", "-c", shell], input=program("env", "llm").out, text=True)
    assert exported.returncode == 0, "what an earlier model left there goes"
    earlier = Inside(program.home, {**program.environment, "TUI_HUB_URL": "old"})
    assert earlier("run", "llm", "--", "printenv", "TUI_HUB_URL").code == 1
    for wrong, code in (("/no/such/program", 127), ("no-such-program", 127), ("/etc", 126)):
        failed = program("run", "llm", "--", wrong)
        assert failed.code == code
        assert "Traceback" not in failed.err
    text = program.home / "text"
    text.write_text("no program")
    assert program("run", "llm", "--", str(text)).code == 126

    emptied = program.json("deactivate", "llm").document
    assert (emptied["status"], emptied["previous"]) == ("inactive", "hf:acme/twin-llm")
    gone = program.json("deactivate", "llm")
    assert (gone.code, gone.error) == (4, "not_found")
    assert (gone.document["slot"], gone.document["status"]) == ("llm", "error")
    for verb in ("reload", "deactivate"):
        said = program(verb, "llm").err
        assert "the slot llm is empty" in said and "activate MODEL --type llm" in said
    assert program("activate", "acme/tiny-llm").code == 0
    told = program("switch", "acme/twin-llm").out.splitlines()[0]
    assert told == "llm: hf:acme/twin-llm is active, in place of hf:acme/tiny-llm"
    left = program("deactivate", "acme/twin-llm").out
    assert left == "llm: hf:acme/twin-llm is no longer active\n"
    empty = program("run", "llm", "--", "true")
    assert (empty.code, empty.out) == (4, "")
    assert "no model is active" in empty.err


def test_what_run_starts_is_in_the_same_home(program: Inside, tmp_path: Path) -> None:
    settings, store = tmp_path / "mine.toml", tmp_path / "elsewhere"
    settings.write_text(f"[store]\npath = '{store}'\n")
    given = ("--home", str(program.home), "--config", str(settings))
    default = {"TUI_HUB_HOME": str(tmp_path / "default")}
    assert program("download", "acme/tiny-llm", "-q", *given).code == 0
    assert program("activate", "acme/tiny-llm", *given).code == 0
    asked = (sys.executable, "-m", "tui_hub", "active", "llm", "--path")
    ran = program(*given, "run", "llm", "--", *asked, **default)
    assert (ran.code, ran.out) == (0, program("active", "llm", "--path", *given).out)
    told = program.json("env", "llm", *given, **default).document["environment"]
    assert told["TUI_HUB_HOME"] == str(program.home)
    assert told["TUI_HUB_CONFIG_FILE"] == str(settings)
    assert told["MODEL_STORE_PATH"] == str(store)


def test_a_folder_that_is_gone_is_handed_to_nobody(program: Inside) -> None:
    assert program("download", "acme/tiny-llm", "-q").code == 0
    assert program("activate", "acme/tiny-llm").code == 0
    folder = Path(program("active", "llm", "--path").out.strip())
    folder.rename(folder.with_name("elsewhere"))
    # The link leads nowhere: for all that can be seen the slot is empty.
    for verb in (["active", "llm", "--path"], ["env", "llm"], ["run", "llm", "--", "true"]):
        assert program(*verb).code == 4
    assert program("download", "acme/tiny-llm", "-q").code == 0
    assert program("active", "llm", "--path").out == f"{folder}\n"


def test_a_model_in_two_slots_is_named_by_its_slot(program: Inside) -> None:
    assert program("download", "acme/tiny-llm", "-q").code == 0
    for kind in ("llm", "utility"):
        assert program("activate", "acme/tiny-llm", "--type", kind).code == 0
    for verb in ("deactivate", "reload"):
        ran = program.json(verb, "acme/tiny-llm")
        assert (ran.code, ran.error) == (5, "refused")
        assert "is active as llm and as utility" in ran.document["error"]["message"]
    assert program("deactivate", "llm").code == 0
    assert program.json("deactivate", "acme/tiny-llm").document["slot"] == "utility"
