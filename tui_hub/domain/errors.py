"""The errors that reach a person, each with what happened, why, and what to do about it."""

from __future__ import annotations


class HubError(Exception):
    """Something a person has to know about.

    `code` is the machine-readable word of the command-line contract, `message` says what happened
    and why, `hint` says what to do next.
    """

    code = "failed"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(HubError):
    """The request itself is wrong: a bad option, name, pattern or setting."""

    code = "usage"


class NotFoundError(HubError):
    """There is no such model, revision, file, job or feed."""

    code = "not_found"


class GoneError(NotFoundError):
    """Its source has the revision of a file no more, though perhaps the model."""


class HiddenError(NotFoundError):
    """There is no such model, or it is private: the source does not say which."""


class RefusedError(HubError):
    """The program will not do this as things stand, and says what would have to change."""

    code = "refused"


class ConsentError(RefusedError):
    """What is done only after a yes; the question is what to ask."""

    def __init__(self, question: str, about: str, *, hint: str | None = None) -> None:
        super().__init__(f"this needs a yes: {question}", hint=hint)
        self.question = question
        self.about = about
        """The name of the consent, to hand over with the next attempt."""


class NoSpaceError(RefusedError):
    """The disk has too little room; the message carries the figures."""

    code = "no_space"


class DoesNotFitError(RefusedError):
    """The model needs more memory than there is."""

    code = "does_not_fit"


class UnsafeError(RefusedError):
    """A name, path, file format or redirect that could do harm."""

    code = "unsafe"


class PickleError(UnsafeError):
    """Pickle files, which are loaded once a person agrees to have nothing but weights of them."""


class TakenDownError(RefusedError):
    """The source has ended a model: it says so, and hands nothing out any more."""


class UnauthorizedError(HubError):
    """The source refuses the token, or wants one."""

    code = "unauthorized"


class GatedError(UnauthorizedError):
    """The maker grants access one by one, and this user has none yet."""

    code = "gated"


class UnreachableError(HubError):
    """The source cannot be reached, or does not speak its own protocol."""

    code = "unreachable"


class NoConnectionError(UnreachableError):
    """Nothing of use answers at the source's address for now, or the program is offline."""


class UnreadableError(UnreachableError):
    """The source describes a model in a way that nobody can read, and will do so again."""


class AbsentError(UnreachableError):
    """The source is not there at all on this box: no daemon runs, no token is set. No failure."""


class RateLimitedError(HubError):
    """The source asks for a pause longer than the program is willing to wait."""

    code = "rate_limited"

    def __init__(self, message: str, *, hint: str | None = None, wait: float = 0.0) -> None:
        super().__init__(message, hint=hint)
        self.wait = wait
        """Seconds that the source asked for."""


class CorruptError(HubError):
    """Bytes that are not what their hash says."""

    code = "corrupt"


class LostLeaseError(HubError):
    """Another process took over what this one was at work on; it must write nothing more."""


class InterruptedJobError(HubError):
    """The work was stopped before its end; what it had done is kept."""

    code = "interrupted"
