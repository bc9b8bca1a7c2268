"""What file this is: its size, its validator, its expected hashes; and whether answers agree."""

from __future__ import annotations

from dataclasses import dataclass

from tui_hub.domain.artifacts import Verified
from tui_hub.domain.errors import CorruptError, UnreachableError
from tui_hub.domain.identifiers import is_sha1, is_sha256
from tui_hub.transfer.answers import Answer, Linked, bare_etag, is_strong
from tui_hub.transfer.follower import Digests
from tui_hub.transfer.request import Destination, Request
from tui_hub.transfer.trouble import Mismatch, Restart, Trouble


@dataclass(slots=True)
class Identity:
    """What is known of the file; grows with the first answer and must not change after it."""

    request_size: int | None
    size: int | None
    validator: str | None
    sha256: str | None
    git_sha1: str | None
    md5: str | None
    linked_etag: str | None = None
    commit: str | None = None
    etag: str | None = None
    """What the server that has the bytes calls them."""

    @classmethod
    def of(cls, request: Request, destination: Destination) -> Identity:
        """What the listing told, and what an earlier attempt found out."""
        size = request.size if request.size is not None else destination.size
        return cls(
            request_size=request.size,
            size=size,
            validator=destination.validator,
            sha256=request.sha256,
            git_sha1=request.git_sha1,
            md5=request.md5,
        )

    @property
    def provable(self) -> bool:
        """Whether a hash will tell if the bytes are the right ones."""
        return bool(self.sha256 or self.git_sha1 or self.md5)

    @property
    def certain(self) -> bool:
        """Whether no server need be asked for the hash; a git id may turn out a pointer's."""
        return bool(self.sha256 or self.md5)

    @property
    def resumable(self) -> bool:
        """Whether bytes of an earlier attempt can be told from those of another file."""
        strong = self.validator is not None and is_strong(self.validator)
        return self.size is not None and (strong or self.provable)

    def agree(self, answer: Answer, *, holding: bool) -> None:
        """Learn from an answer, or find that it is about another file.

        Args:
            answer: the answer.
            holding: whether bytes are here that have to belong to the same file.

        Raises:
            Restart: when what is here is of another version.
            Trouble: when the size is not what the listing says.
            CorruptError: when the origin announces another hash than the listing says.
        """
        if answer.linked is not None:
            self._agree_linked(answer.linked)
        self._agree_size(answer.total, holding=holding)
        self._agree_validator(answer.validator, holding=holding)
        self.etag = answer.validator or self.etag

    def finish(self, answer: Answer, position: int) -> None:
        """See an answer end where it should, if no hash will tell.

        Args:
            answer: the answer.
            position: where its reader stands in the file.

        Raises:
            UnreachableError: when the file is longer than its listing says.
            Restart: when a range of it is longer than it says itself.
        """
        end = self.size if answer.end is None else answer.end
        if self.provable or position != end or not answer.goes_on():
            return
        host = answer.connection.address.host
        if answer.ranged:
            raise Restart(f"{host} sends more than the range that it names", whole=True)
        raise UnreachableError(
            f"{host} sends more than the {self.size} bytes that the file should have",
            hint="Refresh the listing and download again.",
        )

    def verdict(self, digests: Digests, *, size_told: bool) -> Verified:
        """What the bytes were checked against. Raises `Mismatch` when they are not right."""
        checks = (
            (self.sha256, digests.sha256, Verified.SHA256),
            (self.git_sha1, digests.git_sha1, Verified.GIT_SHA1),
            (self.md5, digests.md5, Verified.MD5),
        )
        passed: list[Verified] = []
        for expected, found, verified in checks:
            if expected is not None:
                if expected.lower() != found:
                    raise Mismatch(f"its {verified} is {found}, and should be {expected}")
                passed.append(verified)
        return passed[0] if passed else Verified.SIZE if size_told else Verified.NONE

    @property
    def public_etag(self) -> str | None:
        """The name that the origin gives to these bytes, else the server that sent them."""
        return self.linked_etag or bare_etag(self.etag)

    def _agree_linked(self, linked: Linked) -> None:
        """Take in what the origin says before it redirects."""
        etag = linked.etag
        if etag is not None:
            if self.linked_etag is not None and etag != self.linked_etag:
                raise Restart("the file was changed at its source")
            self.linked_etag = etag
            if is_sha256(etag):
                if self.sha256 is not None and etag != self.sha256.lower():
                    raise CorruptError(
                        "the source offers another file than its listing says",
                        hint="Refresh the listing and download again.",
                    )
                if self.sha256 is None:
                    # The listing did not tell that git holds a pointer here; its id is that one's.
                    self.git_sha1 = None
                self.sha256 = etag
            elif is_sha1(etag) and self.sha256 is None and self.git_sha1 is None:
                self.git_sha1 = etag
        if linked.size is not None:
            self._agree_size(linked.size, holding=self.size is not None)
        self.commit = linked.commit or self.commit

    def _agree_size(self, size: int | None, *, holding: bool) -> None:
        if size is None or size == self.size:
            return
        if self.request_size is not None:
            raise Trouble(
                f"the server offers {size} bytes where the listing says {self.request_size}",
                hint="Refresh the listing and download again.",
                lasting=True,
            )
        if self.size is not None and holding:
            raise Restart("the file has another size than before")
        self.size = size

    def _agree_validator(self, validator: str | None, *, holding: bool) -> None:
        """Equal validators, or none on one side where a hash has the last word."""
        if holding and validator != self.validator:
            either_missing = validator is None or self.validator is None
            if not (either_missing and self.provable):
                raise Restart("the file was changed at its source")
        self.validator = validator or self.validator
