"""What a draft makes is the frozen record itself."""

from dataclasses import FrozenInstanceError, replace

import pytest

from tui_hub.domain.drafts import draft_of
from tui_hub.domain.models import Model

GIVEN = {"id": "hf:a/b", "source": "hf", "name": "b", "tags": ("x",), "likes": 3}


def drafted(**given: object) -> Model:
    made = draft_of(Model)(**given)
    made.__class__ = Model
    return made


def test_a_finished_draft_is_the_record_that_its_class_makes() -> None:
    made = drafted(**GIVEN)
    assert type(made) is Model
    assert made == Model(**GIVEN)
    assert repr(made) == repr(Model(**GIVEN))
    assert replace(made, likes=4).likes == 4


def test_a_finished_draft_is_frozen() -> None:
    made = drafted(**GIVEN)
    with pytest.raises(FrozenInstanceError):
        made.likes = 4
    with pytest.raises(FrozenInstanceError):
        del made.likes


def test_a_default_that_is_made_anew_is_shared_by_no_two_drafts() -> None:
    assert drafted(**GIVEN).facts is not drafted(**GIVEN).facts


def test_a_draft_lacks_no_field_that_must_be_given() -> None:
    with pytest.raises(TypeError):
        draft_of(Model)(id="hf:a/b")
