"""Sites that tell the SHA-256 of the files that they hand out: releases on GitHub, Civitai."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qs, quote, unquote, urlsplit

import msgspec

from tui_hub.domain.errors import HubError
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.identifiers import is_sha256
from tui_hub.sources.addresses import token_headers
from tui_hub.sources.exchange import Ask
from tui_hub.sources.http import Api
from tui_hub.sources.network import origin_of
from tui_hub.sources.records import BAD_JSON

_log = logging.getLogger(__name__)

_LIMIT = 8 * 1024**2
_PATIENCE = 5.0
"""Seconds that a rate limit may cost: without an answer the file is taken all the same."""
_RELEASE = re.compile(r"/([^/]+)/([^/]+)/releases/(?:download/([^/]+)|latest/download)/([^/]+)")
_CIVITAI = re.compile(r"/api/download/models/(\d{1,12})/?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sites:
    """Where they are."""

    github: str = "https://github.com"
    github_api: str = "https://api.github.com"
    civitai: str = "https://civitai.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a site tells of a file."""

    address: str
    """One that goes on leading to the same file; the asked one where that is so already."""
    sha256: str | None = None


class _Asset(msgspec.Struct, frozen=True):
    name: str = ""
    digest: str | None = None


class _Release(msgspec.Struct, frozen=True):
    tag_name: str
    assets: tuple[_Asset, ...] = ()


class _File(msgspec.Struct, frozen=True, rename="camel"):
    type: str = ""
    primary: bool = False
    metadata: Mapping[str, object] = {}
    hashes: Mapping[str, object] = {}


class _Version(msgspec.Struct, frozen=True):
    files: tuple[_File, ...] = ()


class Publishers:
    """Asks the site of an address, where it is one of those that tell."""

    def __init__(self, api: Api, environment: Mapping[str, str], sites: Sites) -> None:
        self._api = api
        self._environment = environment
        self._sites = sites

    async def ask(self, address: str) -> Told:
        """What the site of an address tells of its file; a site that does not answer tells nothing.

        `latest` releases are pinned to the one that it is now.
        """
        parts, origin = urlsplit(address), origin_of(address)
        release, version = _RELEASE.fullmatch(parts.path), _CIVITAI.fullmatch(parts.path)
        try:
            if release is not None and origin == origin_of(self._sites.github):
                return await self._ask_github(address, release)
            if version is not None and origin == origin_of(self._sites.civitai):
                return await self._ask_civitai(address, version[1])
        except (HubError, *BAD_JSON) as error:
            _log.info("no checksum of %s: %s", parts.path, error)
        return Told(address=address)

    async def _ask_github(self, address: str, found: re.Match[str]) -> Told:
        owner, repository, tag, name = found.groups()
        which = "latest" if tag is None else f"tags/{tag}"
        url = f"{self._sites.github_api}/repos/{owner}/{repository}/releases/{which}"
        release = msgspec.json.decode(await self._get(url), type=_Release)
        if tag is None:
            tag = quote(release.tag_name, safe="")
            pinned = f"/{owner}/{repository}/releases/download/{tag}/{name}"
            address = self._sites.github + pinned
        digests = (asset.digest for asset in release.assets if asset.name == unquote(name))
        return Told(address=address, sha256=_only(digests))

    async def _ask_civitai(self, address: str, version: str) -> Told:
        url = f"{self._sites.civitai}/api/v1/model-versions/{version}"
        files = msgspec.json.decode(await self._get(url), type=_Version).files
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        meant = [file for file in files if _is_meant(file, asked)] if asked else []
        if len(meant) != 1:
            meant = [] if asked else [file for file in files if file.primary]
        return Told(address=address, sha256=_only(file.hashes.get("SHA256") for file in meant))

    async def _get(self, url: str) -> bytes:
        """What an API answers.

        Raises:
            HubError: when it answers with anything but data.
        """
        ask = Ask(private=token_headers(url, self._environment), limit=_LIMIT, patience=_PATIENCE)
        answer = await self._api.fetch(url, ask)
        if answer.status != 200:
            raise HubError(f"the site answers {answer.status}")
        return answer.json_body()


def _is_meant(file: _File, asked: Mapping[str, str]) -> bool:
    """Whether a file is the one that the query of an address asks for."""
    known = {"type": file.type, **file.metadata}
    return all(str(known.get(name, "")).lower() == value.lower() for name, value in asked.items())


def _only(digests: Iterable[object]) -> str | None:
    """The one SHA-256 among these; `None` where there is none, or several."""
    texts = (str(digest or "").lower().removeprefix("sha256:") for digest in digests)
    found = {text for text in texts if is_sha256(text)}
    return found.pop() if len(found) == 1 else None
