"""What is published about a model, on its page: its end, its price, its results, with sources."""

from __future__ import annotations

from screen_driver import fill, made, screen

from tui_hub.settings import Configuration
from tui_hub.tui.words.model import more_facts, published_facts

FACTS = {
    "maker": "Acme",
    "deprecated": "2020-01-02",
    "deprecation_source": "https://x.org/ends",
    "successor": "hf:maker0/next",
    "price": "$3 an hour",
    "price_source": "https://x.org/prices",
    "benchmarks": [
        {"dataset": "GSM8K", "metric": "em", "value": 0.91, "source": "https://x.org/board"},
        {"dataset": "[/]\x1b[2J", "metric": "", "value": 1, "source": "card"},
    ],
}


async def test_the_page_tells_end_price_and_results(offline: Configuration) -> None:
    await fill(offline, [made(0, facts=FACTS, deprecated=True)])
    async with screen(offline) as driver:
        await driver.sees("model-0000 deprecated")
        await driver.press("enter")
        await driver.sees(
            "since 2020-01-02", "(https://x.org/ends)", "hf:maker0/next", "$3 an hour",
            "(https://x.org/prices)", "benchmarks", "GSM8K em 0.91", "from https://x.org/board",
            "[/]", "Acme",
        )  # fmt: skip
        assert "\x1b" not in driver.text()


def test_one_that_ends_later_says_from_when() -> None:
    later = made(0, facts={**FACTS, "deprecated": "2999-12-31"})
    assert published_facts(later)[0] == ("deprecated", "from 2999-12-31 on (https://x.org/ends)")
    assert more_facts(later) == [("maker", "Acme")]
