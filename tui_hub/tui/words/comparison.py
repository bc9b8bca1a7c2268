"""Models side by side: what is compared, and where it differs. Pure, from what services told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from tui_hub import text
from tui_hub.domain.artifacts import ArtifactStatus, Variant, preferred_variant
from tui_hub.domain.fit import FitReport, Verdict
from tui_hub.domain.frozen import dataclass
from tui_hub.domain.models import Details, Model
from tui_hub.domain.published import benchmarks_of
from tui_hub.tui.drawing.glyphs import Glyphs
from tui_hub.tui.marks import Mark
from tui_hub.tui.words.model import facts_of, more_facts, published_facts, status_words

_FIGURES = ("parameters", "size", "downloads", "likes")
_VERDICTS = {
    Verdict.FITS: ("fits now", "good"),
    Verdict.FITS_AFTER_SWAP: ("fits after a swap", "good"),
    Verdict.NEEDS_GPUS: ("needs several GPUs", "warn"),
    Verdict.OFFLOAD: ("only with a part in host memory", "warn"),
    Verdict.TOO_BIG: ("does not fit", "bad"),
    Verdict.UNKNOWN: ("not known", "faint"),
}
_PARTS = "part "


class Value(NamedTuple):
    """What one candidate has to say to one word."""

    text: str
    """Empty where there is no answer."""
    tone: str = ""
    amount: float | None = None
    """What it measures, where candidates can be weighed against one another by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One column: a mark, and what has been found out about it so far."""

    mark: Mark
    details: Details | None = None
    report: FitReport | None = None
    problem: str | None = None
    """Why its files or its fit are not known, or not as they are now."""
    asked: bool = False
    """Whether all answers are here, or will not come."""

    @property
    def model(self) -> Model:
        """The model, as it is known best."""
        return self.mark.model if self.details is None else self.details.model

    @property
    def variant(self) -> Variant | None:
        """The variant that is compared: the marked one, else the one that the fit is of."""
        if self.details is None:
            return None
        wanted = self.mark.variant or (self.report.variant if self.report else None)
        named = [one for one in self.details.variants if one.name == wanted]
        return named[0] if named else preferred_variant(self.details.variants)


@dataclass(frozen=True, slots=True)
class Aspect:
    """One line of a comparison: a word, and what each candidate has to say to it."""

    word: str
    values: tuple[Value | None, ...] = ()
    """`None` where the answer is yet to come."""

    @property
    def heading(self) -> bool:
        """Whether it stands above a group."""
        return not self.values

    @property
    def differs(self) -> bool:
        """Whether not all that is known is the same."""
        return len({value.text for value in self.values if value is not None}) > 1

    @property
    def largest(self) -> float:
        """The largest amount; 0 where there is none."""
        return max(self._amounts, default=0.0)

    @property
    def weighs(self) -> bool:
        """Whether there are different amounts to be weighed against one another."""
        return len(set(self._amounts)) > 1

    @property
    def _amounts(self) -> list[float]:
        values = (value.amount for value in self.values if value is not None)
        return [amount for amount in values if amount is not None]


Pairs = Mapping[str, Value]
Tell = Callable[[Candidate], Pairs | None]


def compare(
    candidates: Sequence[Candidate], glyphs: Glyphs, *, only_differences: bool = False
) -> list[Aspect]:
    """All lines in groups; a group in which nothing is told or differs is left out."""
    groups: tuple[tuple[str, Tell], ...] = (
        ("Fit", _fit),
        ("Files", _files),
        ("Figures", _figures),
        ("Facts", lambda one: _facts(one, glyphs)),
        ("Benchmarks", _benchmarks),
    )
    lines: list[Aspect] = []
    for title, tell in groups:
        group = [
            line
            for line in _aligned([tell(one) for one in candidates])
            if line.differs or not only_differences
        ]
        lines += [Aspect(title), *group] if group else []
    return lines


def _aligned(told: Sequence[Pairs | None]) -> Iterator[Aspect]:
    """The words that anybody told something to, in the order of whoever tells most."""
    fullest = sorted((pairs for pairs in told if pairs), key=len, reverse=True)
    for word in dict.fromkeys(word for pairs in fullest for word in pairs):
        values = tuple(None if pairs is None else pairs.get(word, Value("")) for pairs in told)
        yield Aspect(word.removeprefix(_PARTS), values)


def _plain(pairs: Sequence[tuple[str, str]]) -> dict[str, Value]:
    return {word: Value(value) for word, value in pairs if value}


def _fit(one: Candidate) -> Pairs | None:
    report = one.report
    if report is None:
        return {"verdict": Value("not known", "faint")} | _trouble(one) if one.asked else None
    judgement = report.judgement
    words, tone = _VERDICTS[judgement.verdict]
    if judgement.verdict is Verdict.NEEDS_GPUS and judgement.gpus:
        words = f"needs {judgement.gpus} GPUs"
    pairs = {"verdict": Value(words, tone)}
    if report.leaves:
        pairs["would leave"] = Value(report.leaves, "warn")
    if judgement.bytes is not None:
        pairs["needs"] = Value(text.size(judgement.bytes), "strong", judgement.bytes)
    for need in judgement.need:
        words = f"{text.size(need.bytes)} {need.basis.value}"
        pairs[f"{_PARTS}  {need.part}"] = Value(words, amount=need.bytes)
    best = judgement.best
    if best is not None:
        pairs["on"] = Value(best.name)
        if best.short:
            pairs["too little by"] = Value(text.size(best.short), "warn", best.short)
    pairs |= _plain([("types", ", ".join(sorted(report.dtypes)))] if report.dtypes else [])
    if report.warnings:
        pairs["beware"] = Value("; ".join(report.warnings), "warn")
    return pairs if one.problem in report.warnings else pairs | _trouble(one)


def _trouble(one: Candidate) -> dict[str, Value]:
    return {"problem": Value(one.problem, "bad")} if one.problem else {}


def _files(one: Candidate) -> Pairs | None:
    details, variant = one.details, one.variant
    if details is None:
        return {} if one.asked else None
    paths = None if variant is None else set(variant.paths)
    chosen = [file for file in details.files if paths is None or file.path in paths]
    known = sum(bool(file.sha256 or file.git_sha1 or file.md5) for file in chosen)
    here = sum(file.status is ArtifactStatus.COMPLETED for file in chosen)
    pairs = _plain(
        [
            ("variant", variant.name if variant else ""),
            ("of variants", str(len(details.variants)) if details.variants else ""),
            ("format", variant.format if variant else ""),
            ("files", str(len(chosen)) if chosen else ""),
        ]
    )
    if variant is not None:
        pairs["size"] = Value(text.size(variant.size), amount=variant.size)
    if chosen:
        pairs["hashes"] = Value("told for all" if known == len(chosen) else f"told for {known}")
    pairs["here"] = Value(
        ("all" if here == len(chosen) else f"{here} files") if here else "nothing"
    )
    plan = one.report.disk if one.report else None
    if plan is not None:
        count = plan.bytes_to_transfer
        pairs["to transfer"] = Value(text.size(count), amount=count)
    return pairs


def _figures(one: Candidate) -> Pairs:
    model = one.model
    told = dict(facts_of(model))
    amounts = {
        "parameters": model.params,
        "size": model.size,
        "downloads": model.downloads,
        "likes": model.likes,
    }
    return {
        "all files" if word == "size" else word: Value(told[word], amount=amounts[word])
        for word in _FIGURES
        if word in told
    }


def _facts(one: Candidate, glyphs: Glyphs) -> Pairs:
    model = one.model
    pairs = _plain([("by", model.author or ""), ("source", model.source)])
    pairs["status"] = Value(*status_words(model, glyphs))
    pairs |= _plain([pair for pair in facts_of(model) if pair[0] not in _FIGURES])
    pairs |= _plain(published_facts(model))
    if model.removed:
        pairs["removed"] = Value("vanished upstream", "warn")
    more = _plain(more_facts(model))
    return pairs | {word: more[word] for word in more if word not in pairs}


def _benchmarks(one: Candidate) -> Pairs:
    return {
        " ".join(filter(None, (result.dataset, result.metric))): Value(
            text.clean(f"{result.value} ({result.source})", 200)
        )
        for result in benchmarks_of(one.model)
    }
