"""The Ollama daemon of this box, or of another in the same network: its address and its models."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterable, Mapping
from urllib.parse import urlsplit

import msgspec

from tui_hub.domain.errors import AbsentError, HubError, NoConnectionError, UnreachableError
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.identifiers import ModelId, is_sha256
from tui_hub.domain.models import Model
from tui_hub.settings import Configuration, NetworkSettings, OllamaSettings
from tui_hub.sources.endpoint import checked_address
from tui_hub.sources.exchange import Answer, Ask
from tui_hub.sources.http import Api
from tui_hub.sources.limits import LONGEST_WAIT, Clock
from tui_hub.sources.ollama_names import PREFIX, Name
from tui_hub.sources.ollama_records import read_details, record
from tui_hub.sources.records import BAD_JSON, optional, reason, whole

HELD = "daemon"
"""The tag of what the daemon holds, and the fact that names it as the daemon does."""

_PORT = 11434
_PORTS = {"http": 80, "https": 443}
_LOCAL = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - dialled, not bound
"""What a daemon may be bound to, and what reaches it then."""
_EXAMPLE = "http://127.0.0.1:11434"
_TIMEOUT = 5.0
_LIMIT = 16 * 1024**2
_MOST_MODELS = 10_000


class _List(msgspec.Struct):
    models: list[msgspec.Raw] | None


class _Entry(msgspec.Struct):
    name: str
    size: msgspec.Raw = msgspec.Raw(b"null")
    digest: str = ""
    details: msgspec.Raw = msgspec.Raw(b"{}")


_LIST = msgspec.json.Decoder(_List)
_ENTRY = msgspec.json.Decoder(_Entry)
_ANY = msgspec.json.Decoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the daemon holds."""

    models: tuple[Model, ...]
    skipped: tuple[str, ...]
    """Why entries of its list were left out."""
    requests: int
    bytes: int


class Daemon:
    """Asks the daemon. It is tried once, as it either is there at once or not at all."""

    def __init__(
        self,
        configuration: Configuration,
        clock: Clock,
        *,
        timeout: float | None = None,
        near: bool = False,
    ) -> None:
        """Made for the daemon that the settings name.

        Args:
            configuration: with its address.
            clock: the clocks to go by.
            timeout: seconds for an answer; without them, as for a listing.
            near: whether one on this box is asked offline too, since that needs no network.
        """
        self._settings = configuration.settings.ollama
        self._environment = configuration.environment
        self._configuration = configuration
        self._network = configuration.settings.network
        self._timeout = timeout or min(self._network.timeout, _TIMEOUT)
        self._near = near
        self._clock = clock
        self._api: Api | None = None

    @property
    def address(self) -> str:
        """Where it is asked.

        Raises:
            UsageError: its address is none.
        """
        return daemon_address(self._settings, self._environment)

    async def ask(self, path: str, document: object = None) -> Answer:
        """One answer, of any status; a document is posted.

        Raises:
            AbsentError: nothing answers at its address.
            UnreachableError: what answers is no daemon.
            UsageError: its address is none.
        """
        content = None if document is None else msgspec.json.encode(document)
        return await self._ask(path, "GET" if content is None else "POST", content)

    async def has_blob(self, sha256: str) -> bool:
        """Whether it has a file of these bytes; raises as `ask` does."""
        return (await self._ask(f"/api/blobs/sha256:{sha256}", "HEAD", None)).status == 200

    async def put_blob(self, sha256: str, size: int, content: AsyncIterable[bytes]) -> Answer:
        """Hand it the bytes of a file, which it hashes; raises as `ask` does."""
        length = {"content-length": str(size)}
        return await self._ask(f"/api/blobs/sha256:{sha256}", "POST", content, length)

    async def _ask(
        self,
        path: str,
        method: str,
        content: bytes | AsyncIterable[bytes] | None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        address = self.address
        ask = Ask(
            everywhere=headers or {},
            limit=_LIMIT,
            patience=LONGEST_WAIT,
            patient=False,
            method=method,
            content=content,
        )
        try:
            return await self._open(address).fetch(f"{address}{path}", ask)
        except NoConnectionError:
            if self._is_offline(address):
                raise
            raise _absent(address) from None

    async def held(self) -> Held:
        """The models that the daemon holds.

        Raises:
            AbsentError: nothing answers at its address.
            UnreachableError: what answers is no daemon.
            UsageError: its address is none.
        """
        answer = await self.ask("/api/tags")
        try:
            if answer.status != 200:
                raise ValueError(f"status {answer.status}")
            listed = _LIST.decode(answer.json_body()).models or []
        except BAD_JSON as error:
            raise no_daemon(self.address, reason(error, "")) from None
        models: list[Model] = []
        skipped: list[str] = []
        for raw in listed[:_MOST_MODELS]:
            try:
                models.append(_read(raw))
            except (*BAD_JSON, HubError) as error:
                skipped.append(f"the daemon's list: {reason(error, '')}")
        if len(listed) > _MOST_MODELS:
            skipped.append(f"the daemon lists {len(listed)} models; {_MOST_MODELS} were taken")
        return Held(
            models=tuple(models),
            skipped=tuple(skipped),
            requests=answer.requests,
            bytes=answer.transferred,
        )

    async def find(self, model: ModelId) -> Model | None:
        """The model as the daemon tells of it; `None` where it holds none of that name."""
        try:
            held = await self.held()
        except HubError:
            return None
        wanted = str(model).casefold()
        return next((one for one in held.models if one.id.casefold() == wanted), None)

    async def close(self) -> None:
        """Close the connection."""
        if self._api is not None:
            await self._api.close()

    def _is_offline(self, address: str) -> bool:
        return self._configuration.offline and not (self._near and is_loopback(address))

    def _open(self, address: str) -> Api:
        if self._api is None:
            network: NetworkSettings = msgspec.structs.replace(
                self._network, retries=1, timeout=self._timeout
            )
            # No proxy leads back to the box that asks.
            own = {"no_proxy": "*"} if is_loopback(address) else {}
            self._api = Api(
                network,
                {**self._environment, **own},
                clock=self._clock,
                offline=lambda: self._is_offline(address),
            )
        return self._api


def no_daemon(address: str, why: str) -> UnreachableError:
    """The error for whatever else answers there."""
    return UnreachableError(
        f"what answers at {address} is no Ollama daemon: {why}", hint="Is OLLAMA_HOST right?"
    )


def _absent(address: str) -> AbsentError:
    return AbsentError(
        f"no Ollama daemon answers at {address}",
        hint="Start it with `ollama serve`, or name its address in OLLAMA_HOST.",
    )


def daemon_address(settings: OllamaSettings, environment: Mapping[str, str]) -> str:
    """Where to ask the daemon, from the settings or from `OLLAMA_HOST` as Ollama itself reads it.

    Without a scheme it is http at port 11434; with one, the usual port of that. A port that is none
    counts as left out, and an address to be bound to as the loopback address.

    Raises:
        UsageError: when that names no web address; it is not repeated, as it may hold a password.
    """
    name, text = "OLLAMA_HOST", environment.get("OLLAMA_HOST", "")
    if settings.host:
        name, text = "ollama.host", settings.host
    text = text.strip().strip("\"'").strip()
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "http", text
    place, slash, path = rest.partition("/")
    host, port = _host_and_port(place)
    usual = _PORTS.get(scheme.lower(), _PORT) if separator else _PORT
    number = int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else 0
    host = _LOCAL.get(host, host)
    host = f"[{host}]" if ":" in host and "@" not in host else host
    address = f"{scheme}://{host}:{number if 0 < number < 65_536 else usual}{slash}{path}"
    return checked_address(name, address, _EXAMPLE)


def _host_and_port(place: str) -> tuple[str, str]:
    """`host:port`, `host`, `[address]:port` or a bare IPv6 address in two."""
    if place.startswith("["):
        host, _, port = place[1:].partition("]")
        return host, port.removeprefix(":")
    if place.count(":") > 1 or "@" in place:
        return place, ""
    host, _, port = place.rpartition(":") if ":" in place else (place, "", "")
    return host, port


def is_loopback(address: str) -> bool:
    """Whether an address is of this box."""
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _read(raw: msgspec.Raw) -> Model:
    """An entry of the list. It ranks below a registry's word on the same model."""
    entry = _ENTRY.decode(raw)
    name = Name.of(ModelId.parse(f"{PREFIX}:{entry.name}"))
    traits = read_details(raw, entry.details)
    size = whole(optional(entry.size, _ANY))
    return record(
        name,
        traits,
        tags=(*traits.tags, *traits.capabilities, HELD),
        size=None if traits.remote else size,
        revision=entry.digest if is_sha256(entry.digest) else None,
        origin="local",
        facts={HELD: entry.name.strip()},
    )
