"""Tables, redaction, exit codes and the log: the parts that need no process of their own."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tui_hub.cli import logs
from tui_hub.cli.console import Console
from tui_hub.cli.exit_codes import exit_code
from tui_hub.cli.redaction import Redactor
from tui_hub.cli.sync_report import outcome, report_lines
from tui_hub.cli.tables import cells, cut, fields, table
from tui_hub.domain.errors import HubError
from tui_hub.domain.feeds import Counts, FeedReport, FeedState, SyncReport

CANARY = "hf_CANARY0123456789abcdef"


def test_a_table_aligns_and_respects_the_width() -> None:
    rows = [("short", 1), ("a very long name that goes on", 22)]
    wide = list(table(("NAME", ">N"), rows))
    assert wide == [
        "NAME                            N",
        "short                           1",
        "a very long name that goes on  22",
    ]
    narrow = list(table(("NAME", ">N"), rows, width=20))
    assert [cells(line) for line in narrow] == [20, 20, 20]
    assert narrow[2].startswith("a very long n") and "…" in narrow[2]


def test_a_table_counts_columns_of_wide_characters_and_cleans() -> None:
    lines = list(table(("NAME", ">N"), [("模型", 1), ("e\u0301", 2), ("\x1b[2J", None)]))
    assert [cells(line) for line in lines] == [7, 7, 7, 7]
    assert "\x1b" not in "".join(lines)
    assert cut("模型模型", 5) == "模型…"
    assert list(fields([("a", 1), ("long", "x"), ("none", None)])) == ["a     1", "long  x"]


@pytest.mark.parametrize(
    ("code", "number"),
    [
        ("usage", 2),
        ("not_found", 4),
        ("refused", 5),
        ("no_space", 5),
        ("does_not_fit", 5),
        ("unsafe", 5),
        ("unreachable", 6),
        ("interrupted", 130),
        ("gated", 1),
        ("unauthorized", 1),
        ("corrupt", 1),
        ("rate_limited", 1),
        ("failed", 1),
    ],
)
def test_every_error_has_its_exit_code(code: str, number: int) -> None:
    assert exit_code(code) == number


def test_every_error_class_has_a_code_of_the_contract() -> None:
    def classes(base: type[HubError]) -> Iterator[type[HubError]]:
        yield base
        for child in base.__subclasses__():
            yield from classes(child)

    promised = [
        "usage",
        "not_found",
        "refused",
        "no_space",
        "does_not_fit",
        "unsafe",
        "gated",
        "unauthorized",
        "unreachable",
        "rate_limited",
        "corrupt",
        "interrupted",
        "failed",
    ]
    assert {error.code for error in classes(HubError)} <= set(promised)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"token {CANARY} sent", "token hf_*** sent"),
        ("Authorization: Bearer abc.DEF-123", "Authorization: Bearer ***"),
        (
            "GET https://cdn.example/x/y?X-Amz-Signature=abc&e=1 200",
            "GET https://cdn.example/x/y?*** 200",
        ),
        ("proxy http://user:secret@proxy:8080/", "proxy http://***@proxy:8080/"),
        ("a plain secret-value here", "a plain *** here"),
        ("hf:org/name is here? yes", "hf:org/name is here? yes"),
    ],
)
def test_secrets_are_taken_out(text: str, kept: str) -> None:
    assert Redactor({"HF_TOKEN": "secret-value"})(text) == kept


@pytest.fixture
def fresh_logging() -> Iterator[None]:
    """A root logger without handlers, put back afterwards."""
    root = logging.getLogger()
    before, root.handlers = root.handlers, []
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers = before
    logging.captureWarnings(False)


@pytest.mark.usefixtures("fresh_logging")
def test_the_log_is_structured_private_and_without_secrets(tmp_path: Path) -> None:
    logs.configure(tmp_path / "logs", Redactor({}), 0, talk=True)
    log = logging.getLogger("tui_hub.test")
    log.warning("forged\n%s with %s", '{"level": "error"}', CANARY)
    try:
        raise ValueError(f"Bearer {CANARY}")
    except ValueError:
        log.exception("failed")
    path = tmp_path / "logs" / "tui-hub.log"
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    assert [entry["level"] for entry in entries] == ["warning", "error"]
    assert "ValueError" in entries[1]["traceback"]
    assert CANARY not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("fresh_logging")
def test_the_log_goes_on_in_the_new_file_after_a_rotation(tmp_path: Path) -> None:
    logs.configure(tmp_path, Redactor({}), 0, talk=True)
    log = logging.getLogger("tui_hub.test")
    log.warning("one")
    path = tmp_path / "tui-hub.log"
    path.rename(tmp_path / "tui-hub.log.1")
    log.warning("two")
    assert "two" in path.read_text()
    assert "two" not in (tmp_path / "tui-hub.log.1").read_text()


@pytest.mark.usefixtures("fresh_logging")
def test_a_log_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file in the way")
    logs.configure(tmp_path / "logs", Redactor({}), 0, talk=True)
    logging.getLogger("tui_hub.test").error("nowhere to go")
    assert (tmp_path / "logs").read_text() == "a file in the way"


@pytest.mark.usefixtures("fresh_logging")
def test_a_log_whose_folder_goes_away_is_no_failure(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    logs.configure(folder, Redactor({}), 0, talk=True)
    log = logging.getLogger("tui_hub.test")
    log.warning("one")
    shutil.rmtree(folder)
    log.error("two")
    assert not folder.exists()
    folder.mkdir()
    log.error("three")
    assert [json.loads(line)["message"] for line in (folder / "tui-hub.log").open()] == ["three"]


@pytest.mark.usefixtures("fresh_logging")
def test_waiting_is_told_to_one_listener_at_a_time(tmp_path: Path) -> None:
    logs.configure(tmp_path, Redactor({}), 0, talk=True)
    waiting = logging.getLogger("tui_hub.sources.waiting")
    first: list[str] = []
    second: list[str] = []
    logs.tell_waiting(first.append)
    waiting.info("%s limits the rate: waiting %d s", "hub.example", 3)
    logs.tell_waiting(second.append)
    waiting.info("again")
    logs.tell_waiting(None)
    waiting.info("unheard")
    assert first == ["hub.example limits the rate: waiting 3 s"]
    assert second == ["again"]


def feed(name: str, state: FeedState, code: str | None = None, fetched: int = 0) -> FeedReport:
    return FeedReport(
        networked=not name.startswith("curated:"),
        feed=name,
        source=name.partition(":")[0],
        state=state,
        error=code,
        error_code=code,
        counts=Counts(fetched=fetched),
    )


DONE, FAILED, SKIPPED = FeedState.COMPLETED, FeedState.FAILED, FeedState.SKIPPED
CURATED = feed("curated:models", DONE)


@pytest.mark.parametrize(
    ("feeds", "code"),
    [
        ([CURATED, feed("hf:a", DONE)], 0),
        ([CURATED], 0),
        ([CURATED, feed("ollama:library", SKIPPED)], 0),
        ([CURATED, feed("hf:a", DONE), feed("hf:b", FAILED, "failed")], 3),
        ([CURATED, feed("hf:a", DONE), feed("hf:b", FAILED, "unreachable")], 3),
        ([CURATED, feed("hf:a", FAILED, "unreachable")], 6),
        ([feed("hf:a", FAILED, "unreachable"), feed("hf:b", FAILED, "unreachable")], 6),
        ([CURATED, feed("hf:a", FAILED, "unreachable"), feed("ollama:x", SKIPPED)], 6),
        ([CURATED, feed("hf:a", FAILED, "unreachable"), feed("hf:b", FAILED, "unauthorized")], 1),
        ([feed("hf:a", FAILED, "unauthorized")], 1),
        ([CURATED, feed("hf:a", FeedState.PARTIAL, "unreachable", fetched=5000)], 3),
        ([CURATED, feed("hf:a", FeedState.PARTIAL, "failed", fetched=5)], 3),
    ],
)
def test_the_exit_code_of_a_sync(feeds: list[FeedReport], code: int) -> None:
    error, number = outcome(SyncReport(feeds=tuple(feeds)))
    assert number == code
    assert (error is None) == (code == 0)


def told(feeds: list[FeedReport]) -> tuple[list[str], str]:
    """The names in the table of a sync, and its error."""
    report = SyncReport(feeds=tuple(feeds))
    console = Console(json=False, quiet=False, redact=Redactor({}))
    error, _ = outcome(report)
    assert error is not None
    return [line.split()[0] for line in report_lines(console, report)], error.message


def test_feeds_that_failed_alike_are_told_in_one_line() -> None:
    alike = [feed(f"hf:{number}", FAILED, "unreachable") for number in range(18)]
    assert told([CURATED, *alike]) == (
        ["FEED", "curated:models"],
        "18 of 19 feeds did not sync: unreachable",
    )
    assert told(alike)[0] == []
    lone = feed("hf:lone", FAILED, "unauthorized")
    assert told([feed("hf:good", DONE), lone, *alike]) == (
        ["FEED", "hf:good", "hf:lone"],
        "19 of 20 feeds did not sync: hf:lone: unauthorized; 18 feeds: unreachable",
    )


def test_the_hint_of_a_feed_is_the_hint_of_the_sync() -> None:
    failed = replace(feed("hf:a", FAILED, "unauthorized"), hint="log in again")
    error, _ = outcome(SyncReport(feeds=(failed,)))
    assert error is not None
    assert error.hint == "log in again"
