"""What happens on the demo hub by itself."""

from __future__ import annotations

from datetime import UTC, datetime

from tui_hub.demo import DemoHub
from tui_hub.demo.life import Life
from tui_hub.demo.models import demo_repositories


def commits(hub: DemoHub) -> dict[str, set[str]]:
    """Every commit that a hub serves, by model."""
    entries = hub.registry.entries()
    return {one.head.id: {snapshot.commit for snapshot in one.snapshots} for one in entries}


def test_a_later_life_serves_every_commit_of_the_one_before() -> None:
    days = (datetime(2026, 1, 31, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))
    first, second = (DemoHub(repositories=demo_repositories(day)) for day in days)
    life = Life(first, 0.0)
    assert all(commits(second)[name] == told for name, told in commits(first).items())
    for moment in range(20, 200, 20):
        life.go_on(float(moment))
    Life(second, 0.0).catch_up()
    assert commits(second) == commits(first)
    assert len(commits(second)["demo-lab/lumen-chat-large"]) == 2


def test_a_second_sync_of_the_demo_has_something_to_tell() -> None:
    with DemoHub() as hub:
        before = {entry.head.id: entry.head.commit for entry in hub.registry.entries()}
        life = Life(hub, 0.0)
        life.go_on(19.0)
        assert {entry.head.id for entry in hub.registry.entries()} == set(before)
        for moment in range(20, 200, 20):
            life.go_on(float(moment))
        after = {entry.head.id: entry.head.commit for entry in hub.registry.entries()}
        assert set(after) - set(before) == {"demo-lab/lumen-chat-next"}
        assert len(set(before) - set(after)) == 1
        changed = {name for name in before if name in after and before[name] != after[name]}
        assert changed == {"demo-lab/still-diffusion", "demo-lab/lumen-chat-large"}
