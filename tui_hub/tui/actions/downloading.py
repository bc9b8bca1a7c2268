"""Asking for a download: the plan of what is to come, or the download that brings it already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui_hub.domain.models import Model
from tui_hub.tui.words.download import title_of

if TYPE_CHECKING:
    from tui_hub.tui.app import HubApp


async def plan_download(
    app: HubApp, model: Model, variant: str | None = None, revision: str | None = None
) -> None:
    """Show the plan of a download; go to the download where nothing is left to plan.

    Args:
        app: the screen.
        model: the model.
        variant: the variant that is meant, where one is.
        revision: its revision; `None` takes what is here, else the newest.

    Raises:
        HubError: when nobody knows the files of a model of which some are on their way.
    """
    from tui_hub.tui.screens.plan import PlanDialog
    from tui_hub.tui.widgets.option_table import options_of

    front = app.screen
    if coming := app.live.under_way(model.id):
        details = await app.services.repositories.details(model.id, revision=revision)
        options = options_of(details, coming)
        meant = [one for one in options if variant in (None, one.name)]
        found = [one.download for one in meant if one.download is not None]
        if found and len(found) == len(meant):
            await app.show_download(found[-1].job)
            app.hint(f"{title_of(found[-1])} is on its way already: here it is.")
            return
    if app.screen is front:  # else the person went elsewhere while the files were asked for
        await app.push_screen(PlanDialog(model, variant, revision))
