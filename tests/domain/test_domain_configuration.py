"""What may be set for a model, and when that makes a difference to what is loaded."""

from __future__ import annotations

import pytest

from tui_hub.domain.configuration import ModelConfiguration, changed
from tui_hub.domain.errors import UnsafeError, UsageError
from tui_hub.domain.slots import Slot
from tui_hub.domain.types import ModelType
from tui_hub.runtime.command import fill_all, unfilled, values_of

EMPTY = ModelConfiguration()


def configured(**values: str) -> ModelConfiguration:
    return changed(EMPTY, {key.replace("__", "."): value for key, value in values.items()})


def test_values_are_set_and_taken_out() -> None:
    all_of_it = configured(
        options__b="x y", runtime="vllm", options__a="007", device="cuda:1", dtype="bfloat16",
        context="8192", variant="Q4_K_M",
    )  # fmt: skip
    assert list(all_of_it.values.items()) == [
        ("runtime", "vllm"), ("device", "cuda:1"), ("dtype", "bfloat16"), ("context", 8192),
        ("variant", "Q4_K_M"), ("options.a", "007"), ("options.b", "x y"),
    ]  # fmt: skip
    less = changed(all_of_it, {"dtype": "auto"}, ["device", "options.a", "options.never"])
    assert set(less.values) == {"runtime", "dtype", "context", "variant", "options.b"}
    assert changed(less, {}, ["options", "runtime", "dtype", "context", "variant"]) == EMPTY


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        (
            "dtpye",
            "bfloat16",
            "runtime, device, dtype, context, variant, adapters and options.NAME",
        ),
        ("model", "x", "runtime, device"),
        ("options.", "x", "up to 64 letters"),
        ("options.a b", "x", "up to 64 letters"),
        ("options.-a", "x", "up to 64 letters"),
        ("options.num_ctx", "1", "context=VALUE"),
        ("options.a", "x\ny", "can be shown"),
        ("options.a", "\u202ex", "can be shown"),
        ("options.a", "x" * 1001, "1000 characters"),
        ("runtime", "../x", "auto, torch, ollama, link"),
        ("runtime", "", "auto, torch, ollama, link"),
        ("device", "gpu", "auto, cpu and cuda:N"),
        ("device", "cuda:", "auto, cpu and cuda:N"),
        ("dtype", "int8", "float32"),
        ("dtype", "", "float32"),
        ("context", "0", "8192 for example"),
        ("context", "-1", "8192 for example"),
        ("context", "8k", "8192 for example"),
        ("context", "٣", "8192 for example"),
        ("context", "9" * 5000, "8192 for example"),
        ("variant", " ", "tui-hub show"),
    ],
)
def test_what_is_wrong_is_told_with_what_is_allowed(key: str, value: str, said: str) -> None:
    with pytest.raises(UsageError) as wrong:
        changed(EMPTY, {key: value})
    assert said in (wrong.value.hint or "")


def test_a_key_to_be_taken_out_must_be_one() -> None:
    with pytest.raises(UsageError, match="'dtyp' is no key"):
        changed(EMPTY, {}, ["dtyp"])


def test_no_model_takes_any_number_of_options() -> None:
    with pytest.raises(UsageError, match="100 options"):
        changed(EMPTY, {f"options.o{number}": "1" for number in range(101)})


def slot(runtime: str, then: ModelConfiguration = EMPTY, **more: str) -> Slot:
    return Slot(
        type=ModelType.LLM, model="hf:a/b", revision="r", runtime=runtime, path="/x",
        configuration=then, **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("held", "now", "needed"),
    [
        (slot("torch"), configured(dtype="float16"), True),
        (slot("torch"), configured(device="cpu"), True),
        (slot("torch"), configured(context="99", options__a="1"), False),
        (slot("ollama"), configured(context="99"), True),
        (slot("ollama"), configured(dtype="float16"), False),
        (slot("command", command="vllm"), configured(options__a="1"), True),
        (slot("link"), configured(context="99", dtype="float16", options__a="1"), False),
        (slot("torch"), configured(runtime="torch"), False),
        (slot("torch"), configured(runtime="ollama"), True),
        (slot("command", command="vllm"), configured(runtime="vllm"), False),
        (slot("torch", configured(runtime="torch")), EMPTY, True),
        (slot("link", variant="Q4_0"), configured(variant="Q4_0"), False),
        (slot("link", variant="Q4_0"), configured(variant="Q8_0"), True),
        (slot("torch", configured(dtype="float16")), configured(dtype="float16"), False),
    ],
)
def test_a_slot_is_loaded_again_for_what_its_runtime_heeds(
    held: Slot, now: ModelConfiguration, needed: bool
) -> None:
    assert held.needs_reload(now) is needed


def test_a_command_gets_what_is_set() -> None:
    words = ("--ctx", "{context:4096}", "-n={options.n}", "{options.seed}", "{other} {}")
    values = values_of(configured(context="8192", options__n="-1", options__seed="-7"))
    assert fill_all(words, values) == ("--ctx", "8192", "-n=-1", "-7", "{other} {}")
    assert unfilled(words, {}) == {"options.n", "options.seed"}
    assert fill_all(["{context:4096}"], {}) == ("4096",)
    with pytest.raises(UnsafeError, match="read as an option"):
        fill_all(["{options.n}"], {"options.n": "--trust-remote-code"})
