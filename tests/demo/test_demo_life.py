"""What happens on the demo hub by itself."""

from __future__ import annotations

from tui_hub.demo import DemoHub
from tui_hub.demo.life import Life


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
