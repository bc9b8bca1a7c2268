"""Sync, search, show, files, register, add, edit, feeds: the catalogue from the command line."""

from __future__ import annotations

import http.server
import json
import re
import signal
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from command_line import Inside, until

from tui_hub.demo import DemoHub, Fault, FaultKind


def test_a_sync_fills_the_catalogue_and_says_what_it_did(program: Inside) -> None:
    first = program.json("--sync-only")
    assert first.code == 0
    assert first.document["status"] == "completed"
    by_feed = {feed["feed"]: feed for feed in first.document["feeds"]}
    assert by_feed["hf:text-generation"]["created"] >= 2
    assert by_feed["curated:models"]["status"] == "completed"
    second = program.json("sync", "hf:text-generation")
    assert second.code == 0
    assert [feed["feed"] for feed in second.document["feeds"]] == ["hf:text-generation"]
    assert second.document["feeds"][0]["created"] == 0
    people = program("sync", "hf:text-generation", "-q")
    assert (people.out, people.err) == ("", "")


def test_a_feed_that_fails_makes_the_sync_partly_done(program: Inside, hub: DemoHub) -> None:
    hub.faults.add(Fault(FaultKind.HTML, path="/api/models", times=1))
    ran = program.json("sync", "hf:text-generation", "hf:text-to-image")
    states = sorted(feed["status"] for feed in ran.document["feeds"])
    assert states == ["completed", "failed"]
    assert ran.code == 3
    assert ran.document["status"] == "partial"
    assert ran.error == "unreachable"


def test_search_finds_by_words_and_facets(lived_in: Inside) -> None:
    def found(*arguments: str) -> list[str]:
        document = lived_in.json("search", *arguments).document
        assert document["total"] >= len(document["models"])
        return [model["id"] for model in document["models"]]

    assert found("acme", "--library", "transformers") == ["hf:acme/tiny-llm", "hf:acme/twin-llm"]
    assert found("acme", "--installed") == ["hf:acme/tiny-llm"]
    assert found("acme", "--gated") == ["hf:acme/gated-art"]
    assert found("acme", "--license", "mit") == ["hf:acme/twin-llm"]
    assert set(found("acme", "--type", "image_gen")) == {"hf:acme/painter", "hf:acme/gated-art"}
    assert found('"*) OR NEAR(') == []
    assert found("acme", "--favourites") == []
    lived_in("edit", "acme/twin-llm", "--favourite")
    assert found("acme", "--favourites") == ["hf:acme/twin-llm"]
    sizes = {model: lived_in.json("show", model).document["size"] for model in found("acme")}
    middle = sorted(sizes.values())[1]
    for option, kept in (("--size-max", middle.__ge__), ("--size-min", middle.__le__)):
        assert set(found("acme", option, str(middle))) == {m for m in sizes if kept(sizes[m])}
    assert found("acme", "--deprecated") == []
    assert set(found("acme", "--no-deprecated")) == set(sizes)
    wrong = lived_in.json("search", "--size-max", "large")
    assert (wrong.code, wrong.error) == (2, "usage")


def test_search_finds_what_fits(lived_in: Inside) -> None:
    fitting = lived_in.json("search", "acme", "--fits").document
    everything = lived_in.json("search", "acme").document
    known = {model["id"] for model in everything["models"] if model["params"] or model["size"]}
    # All of them are small, so that any box that runs tests has room for them.
    assert {model["id"] for model in fitting["models"]} == known
    assert known
    fits = {model["id"]: model["fit"] for model in everything["models"]}
    assert {model for model, fit in fits.items() if fit == "fits"} == known
    assert lived_in.json("show", next(iter(known))).document["fit"] == "fits"


def test_search_goes_on_from_a_key(lived_in: Inside) -> None:
    seen: list[str] = []
    after: list[str] = []
    for _ in range(4):
        document = lived_in.json("search", "acme", "--limit", "3", *after).document
        seen += [model["id"] for model in document["models"]]
        if document["after"] is None:
            break
        after = ["--after", document["after"]]
    assert len(seen) == len(set(seen)) == document["total"] == 4


def test_search_for_people(lived_in: Inside) -> None:
    ran = lived_in("search", "acme")
    heading, *rows = ran.out.splitlines()
    assert heading.split() == ["MODEL", "TYPE", "SIZE", "DOWNLOADS", "LICENCE", "STATUS"]
    assert rows[0].startswith("hf:acme/tiny-llm")
    assert "installed" in rows[0]
    assert lived_in("search", "tiny", "-q").out == "hf:acme/tiny-llm\n"


def test_an_empty_catalogue_says_how_to_fill_it(program: Inside) -> None:
    ran = program("search", "x")
    assert ran.code == 0
    assert "tui-hub sync" in ran.err


def test_show_and_files(lived_in: Inside) -> None:
    document = lived_in.json("show", "acme/tiny-llm").document
    assert document["id"] == "hf:acme/tiny-llm"
    assert document["status"] == "installed"
    weights = next(file for file in document["files"] if file["path"] == "model.safetensors")
    assert (weights["status"], weights["verified"]) == ("completed", "sha256")
    assert weights["blob"] == weights["sha256"]
    files = lived_in.json("files", "hf:acme/tiny-llm").document["files"]
    assert files == document["files"]
    assert "model.safetensors" in lived_in("show", "acme/tiny-llm").out
    assert lived_in("files", "acme/tiny-llm", "-q").out.splitlines() == [
        file["path"] for file in files
    ]
    card = lived_in("show", "acme/tiny-llm", "--card")
    assert card.out == "# Tiny\n\nA card.\n"


def test_what_has_not_happened_is_not_said(lived_in: Inside) -> None:
    here = lived_in("show", "acme/tiny-llm").out.splitlines()
    assert ["status", "installed"] in [line.split() for line in here]
    shown = lived_in("show", "acme/painter").out
    assert ["status", "not", "installed"] in [line.split() for line in shown.splitlines()]
    for told in (shown, lived_in("download", "acme/painter", "--dry-run").out):
        row = next(line for line in told.splitlines() if line.startswith("unet/"))
        assert row.split()[4:6] == ["-", "-"]
    document = lived_in.json("files", "acme/painter").document
    assert (document["files"][0]["status"], document["files"][0]["verified"]) == ("pending", "none")


def test_a_model_that_was_never_seen_is_looked_up(program: Inside) -> None:
    assert program.json("show", "acme/tiny-llm").document["license"] == "apache-2.0"
    assert program.json("add", "acme/painter").document["type"] == "image_gen"
    listed = program.json("search", "acme").document["models"]
    assert {model["id"] for model in listed} == {"hf:acme/tiny-llm", "hf:acme/painter"}


def test_register_and_edit(program: Inside) -> None:
    registered = program.json("register", "acme/tiny-llm", "--vendor", "Acme", "--auto-sync")
    assert registered.code == 0
    assert registered.document["id"] == "hf:acme/tiny-llm"
    registration = registered.document["registration"]
    assert (registration["vendor"], registration["auto_sync"]) == ("Acme", True)
    assert registration["status"] == "synced"
    assert program.json("show", "acme/tiny-llm").document["registration"] == registration
    for people in (
        program("register", "acme/tiny-llm", "--vendor", "Acme"),
        program("show", "acme/tiny-llm"),
    ):
        told = dict(re.findall(r"^(\w[\w ]*?)  +(.*)$", people.out, re.MULTILINE))
        assert (told["vendor"], told["registration"]) == ("Acme", "synced")
        assert told["its sync"] == "only when it is named"
    edited = program.json(
        "edit", "acme/tiny-llm", "--note", "keep", "--favourite", "--type", "embedding"
    )
    assert edited.document["type"] == "embedding"
    assert program("sync", "hf:text-generation").code == 0
    shown = program.json("show", "acme/tiny-llm").document
    assert (shown["type"], shown["user_note"], shown["favourite"]) == ("embedding", "keep", True)
    people = program("show", "acme/tiny-llm").out.splitlines()
    assert people[0] == "hf:acme/tiny-llm ★"
    assert ["note", "keep"] in [line.split() for line in people]
    back = program.json("edit", "acme/tiny-llm", "--type", "auto")
    assert (back.document["type"], back.document["user_note"]) == ("llm", "keep")
    assert program.json("show", "acme/tiny-llm").document["type"] == "llm"


def test_feeds(lived_in: Inside) -> None:
    feeds = {feed["feed"]: feed for feed in lived_in.json("feeds").document["feeds"]}
    assert feeds["hf:text-generation"]["status"] == "completed"
    assert feeds["hf:text-generation"]["last_success"]
    assert feeds["curated:models"]["status"] == "never"
    rows = {line.split()[0]: line.split()[1:] for line in lived_in("feeds").out.splitlines()}
    assert rows["hf:all"] == ["off", "-", "random", "3-4", "h", "-", "0"]
    assert rows["curated:models"] == ["never", "-", "random", "3-4", "h", "due", "0"]
    assert rows["hf:text-generation"][:3] == ["completed", "just", "now"]
    assert rows["hf:litert"][3:] == ["daily", "02:00Z", "02:00Z", "0"]
    assert feeds["hf:litert"]["schedule"] == "0 2 * * *"
    assert feeds["hf:litert"]["next_run"].endswith("T02:00:00Z")
    assert feeds["hf:text-generation"]["schedule"] == "random 3-4 h"


def test_the_schedule_without_a_process_that_runs_it(lived_in: Inside) -> None:
    document = lived_in.json("scheduler").document
    assert (document["running"], document["holder"], document["off"]) == (False, None, None)
    jobs = {job["id"]: job for job in document["jobs"]}
    assert "hf:all" not in jobs
    assert jobs["curated:models"]["next_run"] is None
    assert jobs["hf:litert"]["next_run"].endswith("T02:00:00Z")
    first, titles, *rows = lived_in("scheduler").out.splitlines()
    assert first.startswith("The schedule rests")
    assert titles.split() == ["FEED", "SCHEDULE", "NEXT"]
    assert "hf:litert daily 02:00Z 02:00Z" in [" ".join(row.split()) for row in rows]
    off = lived_in.json("scheduler", TUI_HUB_SYNC__ENABLED="false").document
    assert (off["running"], off["jobs"]) == (False, [])
    assert "sync.enabled" in off["off"]


def test_a_wrong_schedule_is_said_and_stops_nothing_else(program: Inside) -> None:
    program.home.mkdir(parents=True)
    (program.home / "config.toml").write_text('[feeds."hf:litert"]\nschedule = "0 25 * * *"\n')
    feeds = {feed["feed"]: feed for feed in program.json("feeds").document["feeds"]}
    said = "the schedule '0 25 * * *' of hf:litert is wrong: '25' is no hour (0 to 23)"
    assert feeds["hf:litert"]["error"] == said
    assert feeds["hf:text-generation"]["error"] is None
    assert "hf:litert" not in [job["id"] for job in program.json("scheduler").document["jobs"]]
    assert program("sync", "hf:litert").code == 0


def test_show_prints_what_the_curated_list_knows(program: Inside) -> None:
    assert program("sync", "curated").code == 0
    closed = program("show", "curated:sora-2", "--offline").out
    told = dict(re.findall(r"^(\w[\w ]*?)  +(.*)$", closed, re.MULTILINE))
    assert (told["maker"], told["released"]) == ("OpenAI", "2025-09-30")
    assert (told["closed"], told["limits"]) == ("service only", "up to 60 s")
    page = "https://developers.openai.com/de-DE/api/docs/models/sora-2"
    assert told["price"] == f"$0.10 a second at 720p ({page})"
    assert told["deprecated"] == f"since 2026-09-24 ({page})"
    document = program.json("show", "curated:sora-2", "--offline").document
    assert document["price"] == {"text": "$0.10 a second at 720p", "source": page}
    assert document["deprecation"] == {
        "date": "2026-09-24", "due": True, "successor": None, "source": page,
    }  # fmt: skip
    assert document["benchmarks"] == []
    assert {"downloads", "likes"}.isdisjoint(told)
    opened = program("show", "stabilityai/stable-diffusion-xl-base-1.0", "--offline").out
    told = dict(re.findall(r"^(\w[\w ]*?)  +(.*)$", opened, re.MULTILINE))
    assert (told["needs GPU memory"], told["needs torch"]) == ("7.5 GiB", ">=2.0")
    assert {"downloads", "likes", "closed"}.isdisjoint(told)
    listed = program("show", "acme/tiny-llm").out
    assert "900 in 30 days" in listed


@pytest.mark.parametrize("verb", ["show", "add", "download"])
def test_a_model_that_does_not_exist(lived_in: Inside, verb: str) -> None:
    ran = lived_in.json(verb, "acme/no-such-model")
    assert (ran.code, ran.error) == (4, "not_found")


def test_names_that_are_no_feed_and_no_id(lived_in: Inside) -> None:
    ran = lived_in.json("sync", "nonsense")
    assert (ran.code, ran.error) == (4, "not_found")
    ran = lived_in.json("show", "not a name")
    assert (ran.code, ran.error) == (2, "usage")


def closed_port() -> str:
    """An address at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


@pytest.fixture(scope="module")
def web_page() -> Iterator[str]:
    """A server that answers everything with a web page, as a captive portal does."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<html>Please log in</html>")

        do_HEAD = do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_no_network(program: Inside) -> None:
    nowhere = closed_port()
    ran = program.json("sync", "hf:litert", "curated", HF_ENDPOINT=nowhere)
    assert (ran.code, ran.error) == (6, "unreachable")
    assert {feed["feed"]: feed["status"] for feed in ran.document["feeds"]} == {
        "hf:litert": "failed",
        "curated:models": "completed",
    }
    people = program("sync", HF_ENDPOINT=nowhere)
    assert people.code == 6
    rows = [line.split() for line in people.out.splitlines()]
    told = [row[0] for row in rows if row[1] in ("STATUS", "completed", "failed", "partial")]
    assert told == ["FEED", "curated:models"]
    assert people.err.count("refused") == 1
    ran = program.json("download", "acme/tiny-llm", HF_ENDPOINT=nowhere)
    assert (ran.code, ran.error) == (6, "unreachable")
    assert program.json("search", "sora", HF_ENDPOINT=nowhere).document["total"] >= 1


def test_a_web_page_in_the_place_of_the_hub(program: Inside, web_page: str) -> None:
    ran = program.json("sync", "hf:litert", HF_ENDPOINT=web_page)
    assert (ran.code, ran.error) == (6, "unreachable")
    ran = program.json("download", "acme/tiny-llm", HF_ENDPOINT=web_page)
    assert (ran.code, ran.error) == (6, "unreachable")
    assert "log in" not in ran.out


def test_offline_opens_no_connection(lived_in: Inside, hub: DemoHub) -> None:
    hub.requests.clear()
    assert lived_in.json("show", "acme/tiny-llm", "--offline").code == 0
    for verb in ("add", "show", "download"):
        ran = lived_in.json(verb, "acme/no-such-model", "--offline")
        assert (ran.code, ran.error) == (6, "unreachable"), "nobody knows whether there is one"
        ran = lived_in.json(verb, "local:no-such-model", "--offline")
        assert (ran.code, ran.error) == (4, "not_found"), "that asks nobody"
    ran = lived_in.json("sync", "hf:litert", "--offline")
    assert (ran.code, ran.error) == (6, "unreachable")
    assert len(hub.requests) == 0


def test_being_offline_is_no_fault_of_the_feeds(lived_in: Inside, hub: DemoHub) -> None:
    before = lived_in.json("feeds").document
    people = lived_in("sync", "--offline")
    assert people.code == 0
    heading, curated, words = people.out.splitlines()
    assert (heading.split()[0], curated.split()[:2]) == ("FEED", ["curated:models", "completed"])
    assert words.endswith(" feeds skipped: the program is offline, so nothing was asked")
    ran = lived_in.json("sync", "--offline")
    assert (ran.code, ran.document["status"]) == (0, "completed")
    assert {feed["status"] for feed in ran.document["feeds"]} == {"completed", "skipped"}
    after = lived_in.json("feeds").document

    def networked(feeds: dict[str, Any]) -> list[dict[str, Any]]:
        return [feed for feed in feeds["feeds"] if feed["source"] != "curated"]

    assert networked(after) == networked(before)


def test_an_interrupted_sync_ends_at_once(program: Inside, hub: DemoHub) -> None:
    stall = hub.faults.add(Fault(FaultKind.STALL, path="/api/models", times=-1))
    process = program.start("sync", "curated:models", "hf:litert", "--json")
    until(lambda: stall.hits)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert ended_early(out) == ["curated:models"]
    assert err == ""
    hub.faults.clear()
    assert program.json("sync", "hf:litert").code == 0


def ended_early(out: str) -> list[str]:
    """The feeds that an interrupted sync had finished, from its one document."""
    document = json.loads(out)
    assert document["error"]["code"] == "interrupted"
    assert document["status"] == ("partial" if document["feeds"] else "failed")
    return [feed["feed"] for feed in document["feeds"]]


def test_a_sync_is_cancelled_by_another_process(program: Inside, hub: DemoHub) -> None:
    stall = hub.faults.add(Fault(FaultKind.STALL, path="/api/models", times=-1))
    process = program.start("sync", "curated:models", "hf:litert", "--json")
    until(lambda: stall.hits)
    job = program.json("jobs", "--type", "sync").document["jobs"][0]["id"]
    cancelled = program.json("jobs", "--cancel", job)
    assert (cancelled.code, cancelled.document["jobs"][0]["status"]) == (0, "cancelled")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert ended_early(out) == ["curated:models"]
    assert err == ""
    hub.faults.clear()


def test_a_sync_follows_the_one_that_runs(program: Inside, hub: DemoHub) -> None:
    stall = hub.faults.add(Fault(FaultKind.STALL, path="/api/models", times=1))
    first = program.start("sync", "hf:text-generation", "--json")
    until(lambda: stall.hits)
    second = program.start("--sync-only", "--json")
    until(lambda: program.home.joinpath("logs").exists())
    assert second.poll() is None
    stall.release()
    documents = [json.loads(process.communicate(timeout=60)[0]) for process in (first, second)]
    assert [process.returncode for process in (first, second)] == [0, 0]
    assert documents[0]["feeds"][0]["feed"] == "hf:text-generation"
    assert documents[1]["status"] == "completed"


def test_changes_lists_what_syncs_found_after_the_first(program: Inside, hub: DemoHub) -> None:
    feed = ("sync", "hf:text-generation")
    assert program.json(*feed).document["feeds"][0]["mode"] == "full"
    assert program.json("changes").document == {"changes": [], "before": None}
    entry = hub.registry.find("acme/tiny-llm")
    assert entry is not None
    before = entry.head.commit
    repository = replace(entry.head.repository, license="mit", last_modified=None)
    hub.put(repository)
    hub.put(replace(repository, id="acme/brand-new"))
    assert program.json(*feed).document["feeds"][0]["mode"] == "differential"
    hub.registry.remove("acme/twin-llm")
    full = program.json(*feed, "--full").document["feeds"][0]
    assert (full["mode"], full["removed"]) == ("full", 1)

    def changes(*options: str) -> list[tuple[str, str]]:
        document = program.json("changes", *options).document
        return [(change["change"], change["model"]) for change in document["changes"]]

    everything = changes()
    assert everything[0] == ("removed", "hf:acme/twin-llm")
    assert set(everything) == {
        ("removed", "hf:acme/twin-llm"),
        ("new", "hf:acme/brand-new"),
        ("updated", "hf:acme/tiny-llm"),
    }
    (updated,) = program.json("changes", "acme/tiny-llm").document["changes"]
    assert (updated["from"], updated["to"]) == (before, entry.head.commit)
    assert "revision" in updated["what"]
    assert changes("--change", "new") == [("new", "hf:acme/brand-new")]
    assert changes("--since", "2999-01-01") == []
    assert len(changes("--since", "1h")) == 3
    page = program.json("changes", "--limit", "1").document
    assert changes("--before", str(page["before"])) == everything[1:]
    assert changes("--unseen", "--mark-seen") == everything
    assert changes("--unseen") == []
    assert program("changes", "--since", "soon").code == 2
    people = program("changes").out.splitlines()
    assert people[0].split() == ["NOTICED", "MODEL", "CHANGE", "WHAT"]
    assert "-  just now  hf:acme/twin-llm" in people[1]
    assert "deleted upstream" in people[1]


def test_a_registration_is_taken_back(program: Inside) -> None:
    typo = program.json("register", "acme/tpyo", "--auto-sync")
    assert (typo.code, typo.error) == (4, "not_found")
    assert program.json("sync", "curated").code == 0
    assert program.json("register", "acme/tpyo", "--remove").code == 4
    assert program.json("register", "acme/tiny-llm", "--auto-sync").code == 0
    assert program.json("register", "acme/tiny-llm", "--auto-sync", "--remove").code == 2
    back = program.json("register", "acme/tiny-llm", "--remove")
    assert (back.code, back.document["id"]) == (0, "hf:acme/tiny-llm")
    assert back.document["registration"] is None
    assert program.json("show", "acme/tiny-llm").document["registration"] is None
    assert program.json("register", "acme/tiny-llm", "--remove").code == 4
