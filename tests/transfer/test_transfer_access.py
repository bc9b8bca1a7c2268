"""Files that this user may not have, or that are something else in git: what is said and done."""

from __future__ import annotations

import pytest
from content import CONTENT, SHA256

from tui_hub.domain.errors import CorruptError, GatedError, NotFoundError, UnauthorizedError

SIZE = len(CONTENT)
TOKEN = "hf_CANARYcanary"
POINTER = "d" * 40
"""The git id of the pointer that stands for a large file in git."""


@pytest.mark.parametrize(
    ("behaviour", "token", "kind", "message", "hints"),
    [
        ("unauthorized", True, UnauthorizedError, "does not know the token",
         ("set MY_TOKEN", "expired")),
        ("gated-anonymous", True, UnauthorizedError, "does not know the token",
         ("set MY_TOKEN", "expired")),
        ("gated", True, GatedError, "no access to it yet", ("Ask for access at PAGE",)),
        ("gated", False, GatedError, "is gated", ("First set MY_TOKEN.", "PAGE")),
        ("gated-anonymous", False, GatedError, "is gated", ("First set MY_TOKEN.", "PAGE")),
        ("unauthorized", False, UnauthorizedError, "refuses access",
         ("Set MY_TOKEN", "PAGE")),
        ("forbidden", True, UnauthorizedError, "no scope",
         ("The token may lack the right", "PAGE")),
        ("repeating", True, UnauthorizedError, "no Bearer ***", ("The token may lack", "PAGE")),
        ("missing", True, NotFoundError, "/resolve/main/missing is not there (Entry not found",
         ("list the files again",)),
    ],
)  # fmt: skip
def test_a_refusal_says_why_and_what_to_do(behaviour, token, kind, message, hints, server, make):
    headers = {"Authorization": f"Bearer {TOKEN}"} if token else {}
    url = server.url(f"org/name/resolve/main/{behaviour}")
    with pytest.raises(kind) as caught:
        make(url, size=SIZE, headers=headers, log_in="set MY_TOKEN").run()
    error = caught.value
    assert type(error) is kind
    assert message in error.message
    for hint in hints:
        assert hint.replace("PAGE", server.url("org/name")) in error.hint
    assert TOKEN not in f"{error!r} {error.hint}" and "\x1b" not in error.message
    assert len(server.requests) == 1, "asking again would change nothing"


@pytest.mark.parametrize("behaviour", ["unauthorized", "gated"])
@pytest.mark.parametrize("headers", [{}, {"Authorization": f"Bearer {TOKEN}"}])
def test_no_token_is_named_where_none_is_known_of(behaviour, headers, server, make):
    with pytest.raises(UnauthorizedError) as caught:
        make(server.url(f"other/{behaviour}"), size=SIZE, headers=headers).run()
    assert caught.value.hint
    assert "HF_TOKEN" not in caught.value.hint and "None" not in caught.value.hint


def test_the_git_id_of_a_pointer_says_nothing_of_the_file(server, destination, make):
    result = make(server.url("hub"), size=SIZE, git_sha1=POINTER).run()
    assert (result.sha256, result.verified) == (SHA256, "sha256")
    assert (result.bytes_transferred, destination.resets) == (SIZE, 0)


def test_bytes_that_all_arrived_are_not_fetched_again_for_a_pointer(server, destination, make):
    destination.hold(CONTENT, (0, SIZE), validator='"' + "e" * 64 + '"')
    result = make(server.url("hub"), size=SIZE, git_sha1=POINTER).run()
    assert (result.verified, result.bytes_transferred, destination.resets) == ("sha256", 1, 0)


def test_the_git_id_counts_where_the_source_names_no_sha256(server, make):
    with pytest.raises(CorruptError, match="git-sha1"):
        make(server.url("honest"), size=SIZE, git_sha1=POINTER).run()


def test_a_sha256_of_the_listing_is_not_given_up(server, make):
    with pytest.raises(CorruptError, match="another file than its listing says"):
        make(server.url("hub"), size=SIZE, sha256="0" * 64, git_sha1=POINTER).run()
