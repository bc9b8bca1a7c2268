"""What recurrent layers keep of a sequence: states that do not grow with it."""

from __future__ import annotations

from tui_hub.domain.architectures.reading import Told, number, part
from tui_hub.domain.frozen import dataclass


@dataclass(frozen=True, slots=True)
class State:
    """Numbers of one layer: of the model's own type, and 32 bits wide ones."""

    numbers: int
    float32: int = 0


def state_of(told: Told) -> State | None:
    """What a layer with a state keeps; `None` where its figures are not told.

    The shapes are those of transformers' models: the last inputs of a convolution beside the state
    proper, after "Mamba" (arXiv 2312.00752), "Mamba 2" (arXiv 2405.21060), "Gated Delta Networks"
    (arXiv 2412.06464), "Kimi Linear" (arXiv 2510.26692) and "Griffin" (arXiv 2402.19427).
    """
    hidden = number(told, "hidden_size", "d_model")
    for rule in (_gated_delta, _kimi, _mamba, _griffin, _lightning):
        found = rule(told, hidden or 0)
        if found is not None:
            return found
    return None


def convolution_of(told: Told) -> State | None:
    """What a layer with nothing but a short convolution keeps, as in LFM2."""
    hidden, length = number(told, "hidden_size"), number(told, "conv_L_cache")
    return State(hidden * length) if hidden and length else None


def _gated_delta(told: Told, hidden: int) -> State | None:
    heads, values = number(told, "linear_num_value_heads"), number(told, "linear_value_head_dim")
    groups, keys = number(told, "linear_num_key_heads"), number(told, "linear_key_head_dim")
    kernel = number(told, "linear_conv_kernel_dim")
    if not (heads and values and groups and keys and kernel):
        return None
    return State((2 * groups * keys + heads * values) * kernel, heads * keys * values)


def _kimi(told: Told, hidden: int) -> State | None:
    inner = part(told, "linear_attn_config")
    heads, length = number(inner, "num_heads"), number(inner, "head_dim")
    kernel = number(inner, "short_conv_kernel_size")
    if not (heads and length and kernel):
        return None
    return State(3 * heads * length * kernel, heads * length * length)


def _mamba(told: Told, hidden: int) -> State | None:
    size = number(told, "mamba_d_state", "ssm_state_size", "state_size")
    kernel = number(told, "mamba_d_conv", "conv_kernel")
    if not (size and kernel and hidden):
        return None
    heads = number(told, "mamba_n_heads", "n_mamba_heads", "mamba_num_heads", "num_heads")
    length = number(told, "mamba_d_head", "mamba_headdim", "mamba_head_dim")
    expand = number(told, "mamba_expand", "expand") or 2
    inner = number(told, "mamba_d_ssm") or (heads * length if heads and length else hidden * expand)
    # The first Mamba has neither heads nor groups, and its convolution sees the inner values only.
    groups = number(told, "mamba_n_groups", "mamba_ngroups", "n_groups")
    convolved = inner if groups is None and heads is None else inner + 2 * (groups or 1) * size
    return State(convolved * kernel, inner * size)


def _griffin(told: Told, hidden: int) -> State | None:
    width, kernel = number(told, "lru_width"), number(told, "conv1d_width")
    return State(hidden * (kernel - 1), width) if width and kernel else None


def _lightning(told: Told, hidden: int) -> State | None:
    heads = number(told, "num_attention_heads")
    if not str(told.get("model_type")).startswith("minimax") or not heads:
        return None
    length = number(told, "head_dim") or hidden // heads
    return State(heads * length * length)
