"""Whom the user trusts with files, by the settings."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from tui_hub.domain.artifacts import Artifact
from tui_hub.domain.downloads import Plan
from tui_hub.domain.errors import RefusedError
from tui_hub.domain.identifiers import ModelId
from tui_hub.services.context import Context
from tui_hub.settings import TrustSettings
from tui_hub.text import clean


def untrusted_hosts(trust: TrustSettings, addresses: Iterable[str]) -> tuple[str, ...]:
    """The hosts of addresses that the settings do not name."""
    hosts = dict.fromkeys((urlsplit(one).hostname or "").lower() for one in addresses)
    named = [pattern.lower() for pattern in trust.hosts]
    return tuple(
        clean(host, 200)
        for host in hosts
        if not any(fnmatchcase(host, pattern) for pattern in named)
    )


def refuse_other_hosts(trust: TrustSettings, addresses: Iterable[str]) -> None:
    """Stop at addresses of hosts that the settings do not name, where they take no other.

    Raises:
        RefusedError: naming the hosts.
    """
    others = untrusted_hosts(trust, addresses)
    if others and trust.others == "refuse":
        raise RefusedError(
            f"the settings refuse files of {', '.join(others)}",
            hint="trust.hosts names the hosts whose files are taken.",
        )


async def refuse_untrusted(context: Context, plan: Plan) -> None:
    """Stop a download from where the settings take no files.

    Raises:
        RefusedError: naming the host or author.
    """
    to_come = [file for file in plan.files if not file.blob]
    await refuse_untrusted_files(context, ModelId.parse(plan.model), to_come)


async def refuse_untrusted_files(
    context: Context, model: ModelId, files: Iterable[Artifact]
) -> None:
    """Stop at files of a model that the settings do not take from where they are of.

    Raises:
        RefusedError: naming the host or author.
    """
    trust = context.configuration.settings.trust
    if trust.others != "refuse":
        return
    if model.source != "hf":
        source = context.source(model)
        requests = [await source.request(file) for file in files]
        refuse_other_hosts(trust, (one.url for one in requests if one.file is None))
    elif (model.author or "").lower() not in map(str.lower, trust.authors):
        raise RefusedError(
            f"the settings refuse files of {model.author or 'models without an author'}",
            hint="trust.authors names the authors on the Hub whose files are taken.",
        )
