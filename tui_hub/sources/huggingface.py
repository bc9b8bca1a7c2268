"""The Hugging Face Hub, or a mirror that speaks its protocol."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from urllib.parse import quote, urlencode

from tui_hub.domain.artifacts import Artifact
from tui_hub.domain.errors import (
    CorruptError,
    HubError,
    RefusedError,
    UnreachableError,
    UnreadableError,
    UsageError,
)
from tui_hub.domain.feeds import Feed
from tui_hub.domain.identifiers import ModelId, is_sha1, is_sha256
from tui_hub.domain.models import SIZE_OF, Model
from tui_hub.domain.published import benchmark_facts
from tui_hub.settings import Configuration
from tui_hub.sources import huggingface_benchmarks as benchmarks
from tui_hub.sources.base import FileListing, FileRequest, SourcePage
from tui_hub.sources.endpoint import endpoint_from
from tui_hub.sources.exchange import Answer, Ask
from tui_hub.sources.http import Api
from tui_hub.sources.huggingface_errors import Subject, explain, needs_token_check
from tui_hub.sources.huggingface_feeds import EXPAND, Walk
from tui_hub.sources.huggingface_probe import Reach, reach, whoami
from tui_hub.sources.huggingface_records import (
    PREFIX,
    USER,
    BadRecordError,
    read_artifact,
    read_model,
)
from tui_hub.sources.limits import LONGEST_WAIT, Clock
from tui_hub.sources.links import next_link
from tui_hub.sources.login import LOG_IN, Login, token_file
from tui_hub.sources.network import host_of
from tui_hub.sources.records import latest_moment, split_list
from tui_hub.sources.small_files import fetch_small
from tui_hub.text import clean

_DETAILS = "?" + urlencode([("expand", name) for name in (*EXPAND, *benchmarks.EXPAND)])
_MOST_FILES = 200_000


class HuggingFace:
    """Lists and describes the Hub's models, and says how to fetch their files."""

    prefix = PREFIX
    user = USER
    lasting = True
    has_history = True

    def __init__(self, configuration: Configuration, *, clock: Clock | None = None) -> None:
        settings, environment = configuration.settings, configuration.environment
        self._settings, self._environment = settings.huggingface, environment
        self._page_size = min(max(settings.huggingface.page_size, 1), 1000)
        self._clock = clock or Clock()
        self._api = Api(
            settings.network, environment, clock=self._clock, offline=lambda: configuration.offline
        )
        self._login = Login(
            environment, self._clock, _stored_token, online=lambda: not configuration.offline
        )

    @property
    def endpoint(self) -> str:
        """The address that everything is asked of, without a slash at its end.

        Raises:
            UsageError: when what the settings or `HF_ENDPOINT` name is no such address.
        """
        return endpoint_from(self._settings, self._environment)

    def pages(
        self, feed: Feed, cursor: str | None = None, since: str | None = None
    ) -> AsyncIterator[SourcePage]:
        """Walk a feed, its queries one after the other; see `Source.pages`."""
        latest = self._latest()
        walk = Walk(self._page, self.endpoint, self._page_size, feed, latest=latest, since=since)
        return walk.pages(cursor)

    async def model(self, model: ModelId, revision: str | None = None) -> Model:
        """Look one model up; a renamed one comes back under its new id. See `Source.model`."""
        address = f"{self.endpoint}/api/models/{quote(model.path)}"
        if revision is not None:
            address += f"/revision/{quote(revision, safe='')}"
        answer = await self._lookup(address, Subject(model.path, revision=revision), _DETAILS)
        try:
            found = read_model(answer.json_body(), self._latest())
        except BadRecordError as error:
            raise UnreadableError(
                f"{host_of(self.endpoint)} describes {model} in a way that cannot be read: {error}"
            ) from None
        results = benchmark_facts(benchmarks.read_benchmarks(answer.json_body()))
        return replace(found, facts={**found.facts, "benchmarks": results})

    async def files(self, model: ModelId, revision: str | None = None) -> FileListing:
        """List a model's files at one commit; see `Source.files`."""
        found = await self.model(model, revision)
        commit = found.revision or (revision if is_sha1(revision) else None)
        if commit is None:
            raise UnreachableError(
                f"{host_of(self.endpoint)} does not say which commit of {model} is the newest"
            )
        files, unsafe = await self._tree(ModelId.parse(found.id), commit)
        sizes = [file.size for file in files if file.size is not None]
        if files and len(sizes) == len(files):
            found = replace(found, size=sum(sizes), facts={**found.facts, SIZE_OF: commit})
        return FileListing(
            model=replace(found, revision=commit),
            revision=commit,
            files=tuple(files),
            unsafe=tuple(unsafe),
        )

    def web_page(self, model: ModelId) -> str | None:
        """The model's page on the Hub; `None` while its endpoint is no address."""
        try:
            return f"{self.endpoint}/{quote(model.path)}"
        except UsageError:
            return None

    async def request(self, artifact: Artifact) -> FileRequest:
        """The file's address at its commit, with the token if there is one."""
        path = ModelId.parse(artifact.model).path
        revision = quote(artifact.revision, safe="")
        return FileRequest(
            url=f"{self.endpoint}/{quote(path)}/resolve/{revision}/{quote(artifact.path)}",
            headers=await self._login.headers(),
            log_in=LOG_IN,
        )

    async def read(self, artifact: Artifact, limit: int) -> bytes:
        """The bytes of a small file, verified; see `Source.read`."""
        request = await self.request(artifact)
        answer = await fetch_small(self._api, request, artifact, limit)
        if answer.status != 200:
            subject = Subject(
                ModelId.parse(artifact.model).path, revision=artifact.revision, file=artifact.path
            )
            raise await self._explained(answer, subject)
        _verify(artifact, answer.body, answer.linked_etag)
        return answer.body

    async def reach(self) -> Reach:
        """How the Hub answers; see `huggingface_probe.reach`."""
        return await reach(self._api, self.endpoint, self._environment, self._clock)

    async def whoami(self) -> str | None:
        """Whose token is used; `None` without one. See `huggingface_probe.whoami`."""
        headers = await self._login.headers()
        return await whoami(self._api, self.endpoint, headers) if headers else None

    async def close(self) -> None:
        """Give back all connections."""
        await self._api.close()

    async def _page(self, url: str) -> Answer:
        """One page of the listing, however long the rate limit makes it take."""
        answer = await self._api.fetch(url, Ask(private=await self._login.headers()))
        if answer.status == 200:
            return answer
        if answer.status == 400:
            raise UsageError(
                f"{host_of(url)} refuses the query: {clean(answer.message, 300)}",
                hint="Check the feed's queries in the settings.",
            )
        raise await self._explained(answer, Subject())

    async def _lookup(self, url: str, subject: Subject, query: str = "") -> Answer:
        """One answer. A mirror that does not know the query's words is asked without it."""
        ask = Ask(private=await self._login.headers(), patience=LONGEST_WAIT)
        answer = await self._api.fetch(url + query, ask)
        if query and answer.status == 400:
            answer = await self._api.fetch(url, ask)
        if answer.status != 200:
            raise await self._explained(answer, subject)
        return answer

    async def _tree(self, model: ModelId, commit: str) -> tuple[list[Artifact], list[str]]:
        """All files of a commit, and why some of what is listed is left out."""
        subject = Subject(model.path, revision=commit)
        url: str | None = (
            f"{self.endpoint}/api/models/{quote(model.path)}/tree/{commit}"
            "?recursive=true&expand=false"
        )
        files: dict[str, Artifact] = {}
        unsafe: list[str] = []
        visited: set[str] = set()
        while url is not None and url not in visited:
            visited.add(url)
            answer = await self._lookup(url, subject)
            for row in split_list(answer.json_body(), host_of(url)):
                try:
                    artifact = read_artifact(row, str(model), commit)
                except BadRecordError as error:
                    unsafe.append(str(error))
                    continue
                if artifact is not None and files.setdefault(artifact.path, artifact) != artifact:
                    unsafe.append(
                        f"{clean(artifact.path, 100)}: listed twice, with different contents"
                    )
            if len(files) + len(unsafe) > _MOST_FILES:
                raise RefusedError(f"{model} lists more than {_MOST_FILES} files")
            url = next_link(answer.headers, url)
        return _without_conflicts(files, unsafe)

    async def _explained(self, answer: Answer, subject: Subject) -> HubError:
        """Why the Hub refused, the token's validity looked up where that decides."""
        headers = await self._login.headers()
        valid = True
        if headers and needs_token_check(answer):
            probe = await self._api.fetch(
                f"{self.endpoint}/api/whoami-v2", Ask(private=headers, patience=LONGEST_WAIT)
            )
            valid = probe.status != 401
        return explain(
            answer, subject, self.endpoint, has_token=bool(headers), token_is_valid=valid
        )

    def _latest(self) -> str:
        """The last moment that a date from outside may name."""
        return latest_moment(self._clock.wall())


def _stored_token() -> str | None:
    """What `hf auth login` stored, refreshed if need be. Blocks.

    The import takes a tenth of a second, which a box where nobody logged in is spared, unless its
    CI hands tokens out.
    """
    if "HF_OIDC_RESOURCE" not in os.environ and not token_file(os.environ).exists():
        return None
    from huggingface_hub import get_token

    return get_token()


def _verify(artifact: Artifact, body: bytes, linked: str | None) -> None:
    """Check bytes against everything that the listing said of them.

    Where it gave no SHA-256 and the Hub names one with the file, the git id in the listing is that
    of the pointer which stands for the file in git, and says nothing of these bytes.
    """
    wrong = artifact.size is not None and len(body) != artifact.size
    sha256 = artifact.sha256 or (linked if is_sha256(linked) else None)
    if sha256 is not None:
        wrong = wrong or hashlib.sha256(body).hexdigest() != sha256
    elif artifact.git_sha1 is not None:
        blob = hashlib.sha1(b"blob %d\0" % len(body) + body, usedforsecurity=False)
        wrong = wrong or blob.hexdigest() != artifact.git_sha1
    if wrong:
        raise CorruptError(
            f"{clean(artifact.path, 100)} of {artifact.model} is not what its listing promised",
            hint="Try again; if it stays so, the endpoint or a proxy changes files.",
        )


def _without_conflicts(
    files: Mapping[str, Artifact], unsafe: list[str]
) -> tuple[list[Artifact], list[str]]:
    """Leave out files inside of what is itself a file: no folder can hold both."""
    kept: list[Artifact] = []
    for path, artifact in files.items():
        parts = path.split("/")
        if any("/".join(parts[:depth]) in files for depth in range(1, len(parts))):
            unsafe.append(f"{clean(path, 100)}: lies inside of another file")
        else:
            kept.append(artifact)
    return kept, unsafe
