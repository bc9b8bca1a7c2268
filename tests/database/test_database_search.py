"""The search: the same rows as a plain scan by the same rule, whatever is typed."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_models import ids, made, pages

from tui_hub.database import CatalogueDatabase
from tui_hub.database.catalogue_schema import MIGRATIONS
from tui_hub.database.connection import Database
from tui_hub.database.matches import asked
from tui_hub.database.words import TypedWord, facet_word, model_words, typed_words
from tui_hub.domain.catalogue import Facets, Page, Search, Sort, size_class
from tui_hub.domain.errors import UsageError
from tui_hub.domain.feeds import FeedStatus
from tui_hub.domain.models import Model, ModelStatus
from tui_hub.domain.types import ModelType
from tui_hub.text import stamp

GIB = 2**30
TODAY = datetime.now(UTC)
STEMS = (
    "llama",
    "Qwen2.5",
    "TheBloke",
    "stable-diffusion",
    "whisper",
    "transformers",
    "flux.1",
    "v2",
)
TEXTS = ("", "llama", "llama-v2-3B", "llama1")
TASKS = ("text-generation", "text-to-image", None)


def answers(words: tuple[str, ...], typed: tuple[TypedWord, ...]) -> bool:
    """The rule of the search: each typed word is, or begins, one of the model's words."""
    return all(
        one.text in words if one.whole else any(word.startswith(one.text) for word in words)
        for one in typed
    )


def population(count: int) -> Iterator[Model]:
    """Models that share words, authors, counters and names, so that ties and overlaps abound."""
    chance = random.Random(11)
    for number in range(count):
        author = f"{chance.choice(STEMS)}{chance.randrange(4)}"
        name = f"{chance.choice(STEMS)}-{chance.choice(STEMS)}-{chance.randrange(9)}B"
        yield made(
            f"hf:{author}/{name}.{number}",
            name=name,
            type=chance.choice(list(ModelType)),
            task=chance.choice(TASKS),
            library=chance.choice(("transformers", "diffusers", None)),
            license=chance.choice(("mit", "apache-2.0", None)),
            gated=chance.choice((False, False, "auto", True)),
            tags=tuple(chance.choices(STEMS, k=2)),
            downloads=chance.choice((0, 1, 5, 1000, 1001, 1_000_000)),
            likes=chance.choice((0, 0, 1, 7)),
            trending=chance.choice((0.0, 0.25, 1.5)),
            params=chance.choice((None, 0, 7_000_000_000)),
            size=chance.choice((None, 10, GIB - 1, GIB, 5 * GIB, 64 * GIB, 2**40)),
            created_at=chance.choice((None, *(stamp(TODAY - timedelta(days)) for days in (1, 60)))),
            deprecated=chance.random() < 0.1,
            last_modified=chance.choice((None, "2025-01-01T00:00:00Z", "2026-01-01T00:00:00Z")),
            removed=chance.random() < 0.05,
        )


MODELS = list(population(2500))
FAVOURITES = frozenset(model.id for model in MODELS[::31])
WORDS = {model.id: model_words(model) for model in MODELS}


async def fill(path: Path) -> None:
    async with await CatalogueDatabase.open(path) as catalogue:
        await catalogue.models.merge(MODELS)
        for model in MODELS[::9]:
            await catalogue.models.set_local(model.id, status=ModelStatus.INSTALLED)
        await catalogue.models.set_favourites(FAVOURITES)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filled") / "catalogue.db"
    asyncio.run(fill(path))
    return path


@pytest.fixture
async def full(filled: Path, tmp_path: Path) -> AsyncIterator[CatalogueDatabase]:
    path = shutil.copy(filled, tmp_path / "full.db")
    async with await CatalogueDatabase.open(path) as catalogue:
        yield catalogue


def scan(search: Search) -> set[str]:
    """The plain answer: every model looked at."""
    typed = typed_words(search.text)
    if search.text.strip() and not typed:
        return set()
    installed = {model.id for model in MODELS[::9]}
    return {
        model.id
        for model in MODELS
        if answers(WORDS[model.id], typed)
        and (not search.types or model.type in search.types)
        and (not search.tasks or model.task in search.tasks)
        and (not search.libraries or model.library in search.libraries)
        and (not search.licenses or model.license in search.licenses)
        and search.installed in (None, model.id in installed)
        and search.gated in (None, bool(model.gated))
        and search.deprecated in (None, model.deprecated)
        and search.favourite in (None, model.id in FAVOURITES)
        and (not search.sizes or size_class(model.size) in search.sizes)
        and (search.min_size is None or (model.size or 0) >= max(search.min_size, 1))
        and (search.max_size is None or 0 < (model.size or 0) <= search.max_size)
        and (not search.new or (model.created_at or "") > stamp(TODAY - timedelta(days=8)))
        and (search.removed or not model.removed)
    }


searches = st.builds(
    Search,
    text=st.lists(
        st.sampled_from(
            [*STEMS, "transfor", "safetensorsx", "the", "bloke", "2", "7b", "Qwen", "-"]
        )
        | st.text(max_size=5),
        max_size=3,
    ).map(" ".join),
    types=st.sampled_from([(), (ModelType.LLM,), (ModelType.LLM, ModelType.TTS)]),
    tasks=st.sampled_from([(), ("text-generation",), ("text-generation", "nowhere")]),
    libraries=st.sampled_from([(), ("diffusers",)]),
    licenses=st.sampled_from([(), ("mit", "apache-2.0")]),
    installed=st.sampled_from([None, True, False]),
    gated=st.sampled_from([None, True, False]),
    deprecated=st.sampled_from([None, None, True, False]),
    favourite=st.sampled_from([None, None, True, False]),
    new=st.sampled_from([False, False, True]),
    sizes=st.sampled_from([(), (), ("1 to 4 GiB",), ("under 1 GiB", "over 64 GiB", "no such")]),
    min_size=st.sampled_from([None, None, 0, 11, GIB, 65 * GIB]),
    max_size=st.sampled_from([None, None, 10, GIB, 2**60]),
    removed=st.booleans(),
    sort=st.sampled_from(list(Sort)),
)


async def test_answers_are_those_of_a_plain_scan(full: CatalogueDatabase) -> None:
    table = full.models
    asked: list[Search] = []

    @settings(max_examples=160, deadline=None, database=None, derandomize=True)
    @given(searches)
    def collect(search: Search) -> None:
        asked.append(search)

    collect()
    assert len(asked) >= 100
    for search in asked:
        found = await ids(table, search, 400)
        assert len(found) == len(set(found))
        expected = scan(search)
        assert set(found) == expected
        assert await table.count(search) == len(expected)
        assert await table.count(search, 10) == min(len(expected), 10)
        assert (await table.facets(search)).total == len(expected)


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("text", TEXTS)
async def test_pages_are_complete_and_repeat_nothing(
    full: CatalogueDatabase, sort: Sort, text: str
) -> None:
    search = Search(text=text, sort=sort)
    whole = await ids(full.models, search, 1000)
    assert set(whole) == scan(search)
    paged = await ids(full.models, search, 13)
    if sort is Sort.DOWNLOADS:
        assert sorted(paged) == sorted(whole)
    else:
        assert paged == whole


async def test_a_jump_leads_to_the_page_that_walking_there_finds(full: CatalogueDatabase) -> None:
    asked: list[Search] = []

    @settings(max_examples=120, deadline=None, database=None, derandomize=True)
    @given(searches)
    def collect(search: Search) -> None:
        asked.append(search)

    collect()
    jumps = 0
    for search in [*asked, *(Search(text=text, sort=sort) for text in TEXTS for sort in Sort)]:
        walked = await pages(full.models, search, 13)
        for number in {1, len(walked) // 2, len(walked) - 1} & set(range(1, len(walked))):
            key = await full.models.key_at(search, 13 * number)
            assert key is not None
            assert await full.models.search(search, 13, key) == walked[number]
            jumps += 1
        total = sum(len(page.models) for page in walked)
        assert await full.models.key_at(search, total + 1) is None
    assert jumps > 100


@pytest.mark.parametrize("text", ["", "llama"])
@pytest.mark.parametrize("tasks", [(), ("text-generation",)])
async def test_columns_sort_largest_first_and_missing_values_last(
    full: CatalogueDatabase, text: str, tasks: tuple[str, ...]
) -> None:
    for sort, field in ((Sort.LIKES, "likes"), (Sort.SIZE, "size"), (Sort.PARAMS, "params")):
        found = await pages(full.models, Search(text=text, tasks=tasks, sort=sort), 50)
        values = [getattr(model, field) or 0 for page in found for model in page.models]
        assert values == sorted(values, reverse=True)
        assert values[0] > 0 == values[-1]
    found = await pages(full.models, Search(text=text, tasks=tasks, sort=Sort.FIT), 50)
    sizes = [model.size or 2**63 for page in found for model in page.models]
    assert sizes == sorted(sizes) and sizes[0] < sizes[-1] == 2**63
    found = await pages(full.models, Search(text=text, tasks=tasks, sort=Sort.NAME), 50)
    names = [model.name.lower() for page in found for model in page.models]
    assert names == sorted(names)


async def test_downloads_sort_exactly_in_a_page_and_nearly_across(full: CatalogueDatabase) -> None:
    found = await pages(full.models, Search(), 100)
    for page in found:
        counts = [model.downloads for model in page.models]
        assert counts == sorted(counts, reverse=True)
    everything = [model.downloads for page in found for model in page.models]
    assert all(later <= earlier * 1.1 for earlier, later in pairwise(everything))


async def test_exact_names_come_first_then_the_author(catalogue: CatalogueDatabase) -> None:
    await catalogue.models.merge(
        [
            made("hf:popular/sdxl-turbo-clone", downloads=10**6),
            made("hf:sdxl-turbo/other", downloads=10),
            made("hf:small/SDXL-Turbo", downloads=1),
        ]
    )
    assert await ids(catalogue.models, Search(text="sdxl-turbo"), 1) == [
        "hf:small/SDXL-Turbo",
        "hf:sdxl-turbo/other",
        "hf:popular/sdxl-turbo-clone",
    ]
    for text in ("small/sdxl-turbo", "hf:small/sdxl-turbo"):
        assert await ids(catalogue.models, Search(text=text)) == ["hf:small/SDXL-Turbo"]


HOSTILE = [
    '"', '""', "'", "NEAR(", "NEAR(a b)", "*", "a*", "^a", "AND", "a OR", "NOT", "a AND NOT b",
    "nosuch:x", "words:llama", "(", ")", "{a}", "-x", "a-b", "x' OR 1=1 --", "%", "_", "\\", "a\0b",
    "\0", "\ud800", "llama\ud83d", "\x1b[2J", "[/]", "\ue000\U000f0000", "\U0010ffff", " ", "🤗",
    "é" * 10, "\u202e", "𝔩𝔩𝔞𝔪𝔞", "İ", "ß", "+", ":", "rank", "delete", "A" * 100_000, "a " * 50_000,
    '" OR ' * 25_000, "中" * 100_000, "%a" * 60_000, "".join(map(chr, range(0x20, 0x2000))),
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_anything_typed_is_text(full: CatalogueDatabase, text: str) -> None:
    for sort in (Sort.DOWNLOADS, Sort.LIKES):
        search = Search(text=text, tasks=(text,) if sort is Sort.LIKES else (), sort=sort)
        page = await full.models.search(search, 10)
        assert {model.id for model in page.models} <= scan(search)
        assert await full.models.count(search) == len(scan(search))
        assert (await full.models.facets(search)).total == len(scan(search))


@pytest.mark.parametrize("sort", [Sort.DOWNLOADS, Sort.NAME])
async def test_text_without_a_word_finds_nothing_and_blank_text_all(
    full: CatalogueDatabase, sort: Sort
) -> None:
    table = full.models
    for text in ("[/]", "%", "---", " * "):
        search = Search(text=text, sort=sort)
        assert await table.search(search) == Page(models=())
        assert await table.count(search) == 0
        assert await table.facets(search) == Facets(total=0, counts=())
    listed = len([model for model in MODELS if not model.removed])
    for text in ("", "  ", "\n\t"):
        search = Search(text=text, sort=sort)
        assert len(await ids(table, search, 1000)) == listed
        assert await table.count(search) == listed == (await table.facets(search)).total


async def test_a_model_answers_to_its_title_aliases_and_maker(catalogue: CatalogueDatabase) -> None:
    facts = {"title": "Segment Anything 2", "aliases": ["SAM2", "Hiera"], "maker": "Meta"}
    await catalogue.models.merge([made("hf:facebook/x", origin="curated", facts=facts)])
    typed = ("segment any", "sam2", "hier", "META", "meta x sam2")

    async def found() -> list[list[str]]:
        return [await ids(catalogue.models, Search(text=text)) for text in typed]

    assert await found() == [["hf:facebook/x"]] * len(typed)
    await catalogue.models.merge([made("hf:facebook/x", downloads=10**6)])
    assert await found() == [["hf:facebook/x"]] * len(typed)
    await catalogue.models.merge(
        [made("hf:facebook/x", origin="curated", facts={**facts, "aliases": ["other"]})]
    )
    assert await ids(catalogue.models, Search(text="hiera")) == [], "old words are forgotten"


@pytest.mark.parametrize(
    "facts", [{"title": 7, "aliases": "llama", "maker": None}, {"aliases": [7, ["llama"], {}]}]
)
async def test_facts_of_another_shape_are_no_names(
    catalogue: CatalogueDatabase, facts: dict[str, object]
) -> None:
    await catalogue.models.merge([made("hf:a/b", facts=facts)])
    assert await ids(catalogue.models, Search(text="a/b")) == ["hf:a/b"]
    assert await ids(catalogue.models, Search(text="llama")) == []


async def test_facet_marks_cannot_be_typed(full: CatalogueDatabase) -> None:
    mark = facet_word("installed", "yes")
    assert typed_words(f"{mark} llama") == (TypedWord("llama", whole=False),)


@given(st.text(), st.text())
@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], database=None)
def test_a_model_answers_to_its_own_name(name: str, description: str) -> None:
    model = made(name=name, description=description)
    for text in (name, name.upper(), name[: len(name) // 2], description):
        typed = [word for word in typed_words(text) if len(word.text) < 40]
        if text == name.upper() and name.upper().casefold() != name.casefold():
            continue
        assert answers(model_words(model), tuple(typed)) or len(text) > 100


PIECES = ("a", "Ab", "BC", "3", "a:70b", "é:", ":", "-", " ", "日", "Long" * 11)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_a_text_has_the_same_words_however_it_is_taken_apart(text: str) -> None:
    """Short texts, and what stands behind the colons of a tag, are cut into words a faster way."""
    plain = made("hf:a/b", name="n")
    whole = set(model_words(replace(plain, author=text)))
    assert all(len(word) <= 40 for word in whole)
    assert set(model_words(replace(plain, author=text + " " * 50))) == whole
    if not text.startswith("region:"):
        assert set(model_words(replace(plain, author=None, tags=(text,)))) == whole


async def test_words_of_every_script_are_found(catalogue: CatalogueDatabase) -> None:
    await catalogue.models.merge(
        [
            made("hf:a/zh", description="通义千问是一个大型语言模型"),
            made("hf:a/ja", description="日本語の音声合成モデル"),
            made("hf:a/ru", description="Русская модель"),
            made("hf:a/fr", description="Modèle français"),
            made("hf:a/hi", tags=("🤗 hug",)),
        ]
    )
    expected = {
        "语言模型": "hf:a/zh",
        "千问": "hf:a/zh",
        "音声": "hf:a/ja",
        "モデル": "hf:a/ja",
        "русск": "hf:a/ru",
        "francais": "hf:a/fr",
        "modèle FRAN": "hf:a/fr",
        "🤗": "hf:a/hi",
    }
    for text, model in expected.items():
        assert await ids(catalogue.models, Search(text=text)) == [model], text


async def test_parts_of_camel_case_are_found(catalogue: CatalogueDatabase) -> None:
    await catalogue.models.merge([made("hf:TheBloke/CodeLlama34B-GGUF")])
    for text in ("bloke", "thebloke", "llama", "code llama 34", "gguf", "hf", "TheBloke/Code"):
        assert await ids(catalogue.models, Search(text=text)) == ["hf:TheBloke/CodeLlama34B-GGUF"]
    assert await ids(catalogue.models, Search(text="loke")) == []


@pytest.mark.parametrize(
    "after", ["", "x", "[]", "[1]", "[1, 2, 3]", "[null, 1]", '[1, "a"]', "[" * 5000]
)
async def test_a_wrong_page_key_is_refused(catalogue: CatalogueDatabase, after: str) -> None:
    with pytest.raises(UsageError, match="key of a page"):
        await catalogue.models.search(Search(), 10, after)


@pytest.mark.parametrize("sort", Sort)
async def test_a_page_key_of_another_order_does_no_harm(
    full: CatalogueDatabase, sort: Sort
) -> None:
    refused = 0
    for after in (
        '["text", 5]',
        "[1.5, -1]",
        "[99, 0]",
        "[NaN, 1]",
        '["\\ud800", 1]',
        "[1, -1]",
        f"[{2**70}, 1]",
        f"[1, {2**70}]",
    ):
        try:
            page = await full.models.search(Search(text="llama", sort=sort), 10, after)
        except UsageError:
            refused += 1
        else:
            assert {model.id for model in page.models} <= scan(Search(text="llama"))
    assert refused >= 1


async def test_rare_words_are_looked_for_before_common_ones(filled: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(filled, tmp_path / "full.db"))
    database = await Database.open(path, MIGRATIONS, durable=False)
    try:
        question = await asked(database, Search(text="hf zzzz", licenses=("mit",)))
    finally:
        await database.close()
    expression = question.expression() or ""
    mark = facet_word("license", "mit")
    order = ["zzzz", mark, "hf"]
    assert sorted(order, key=expression.index) == order


async def test_facets_count_each_value(full: CatalogueDatabase) -> None:
    for search in (Search(), Search(text="llama"), Search(tasks=("text-generation",))):
        expected = scan(search)
        hits = [model for model in MODELS if model.id in expected]
        facets = await full.models.facets(search)
        for facet, field in (("task", "task"), ("license", "license"), ("type", "type")):
            wanted = {getattr(model, field) for model in hits} - {None}
            assert {count.value: count.count for count in facets.of(facet)} == {
                value: sum(getattr(model, field) == value for model in hits) for value in wanted
            }
            counts = [count.count for count in facets.of(facet)]
            assert counts == sorted(counts, reverse=True)
        gated = {count.value: count.count for count in facets.of("gated")}
        assert gated["yes"] == sum(bool(model.gated) for model in hits)


async def test_facets_of_very_many_hits_are_estimated_and_say_so(
    full: CatalogueDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui_hub.database import counting

    search = Search(text="hf", removed=True)
    counted = await full.models.facets(search)
    monkeypatch.setattr(counting, "_MOST_HITS", len(MODELS))
    assert await full.models.facets(search) == counted, "as many as are counted one by one"
    monkeypatch.setattr(counting, "_MOST_HITS", len(MODELS) - 1)
    estimated = await full.models.facets(search)
    assert abs(estimated.total - len(MODELS)) < 100
    assert estimated != counted
    rare = [(flag, "yes") for flag in ("installed", "deprecated", "favourite", "new")]
    for one in estimated.counts:
        assert one.exact == ((one.facet, one.value) in rare)
    for facet, value in rare:
        of = {one.value: one.count for one in estimated.of(facet)}
        assert of[value] == {one.value: one.count for one in counted.of(facet)}[value]
    types = {one.value: one.count for one in estimated.of("type")}
    assert all(types[one.value] == pytest.approx(one.count, rel=0.75) for one in counted.of("type"))
    refused = await full.models.facets(replace(search, favourite=False))
    assert all(one.value == "no" for one in refused.of("favourite"))


async def test_the_index_follows_every_change(catalogue: CatalogueDatabase) -> None:
    table = catalogue.models
    await table.merge([made("hf:a/one", tags=("apple",)), made("hf:a/two", tags=("apple",))])
    await table.merge([made("hf:a/one", tags=("pear",), downloads=5000)])
    assert await ids(table, Search(text="apple")) == ["hf:a/two"]
    assert await ids(table, Search(text="pear")) == ["hf:a/one"]
    await table.merge([made("hf:a/one", tags=("pear",), removed=True)])
    assert await ids(table, Search(text="pear")) == []
    assert await table.count(Search(text="pear", removed=True)) == 1
    assert await table.total() == 1


async def test_a_rebuilt_index_answers_the_same(full: CatalogueDatabase) -> None:
    search = Search(text="transformers", installed=True)
    before = await ids(full.models, search), await full.models.facets(search)
    await full.models.rebuild()
    await full.models.optimize()
    assert (await ids(full.models, search), await full.models.facets(search)) == before


async def test_an_index_of_older_words_is_rebuilt_when_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui_hub.database import words

    path = tmp_path / "old.db"
    async with await CatalogueDatabase.open(path) as catalogue:
        await catalogue.write_page("hf:x", [made("hf:a/llama")], FeedStatus(feed="hf:x"))
    monkeypatch.setattr(words, "VERSION", "next")
    monkeypatch.setattr(words, "_split", lambda text: [word[::-1] for word in text.split()])
    words._common_words.cache_clear()
    words._tag_words.cache_clear()
    async with await CatalogueDatabase.open(path) as catalogue:
        assert await ids(catalogue.models, Search(text="llam")) == []
        assert await ids(catalogue.models, Search(text="llama")) == ["hf:a/llama"]
    words._common_words.cache_clear()
    words._tag_words.cache_clear()


async def test_walking_and_sorting_answer_alike(
    full: CatalogueDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui_hub.database import searching

    for sort in list(Sort)[1:]:
        search = Search(text="llama", licenses=("mit",), gated=False, sort=sort)
        sorted_ids = await ids(full.models, search, 60)
        with monkeypatch.context() as patch:
            patch.setattr(searching, "_FEW", 1)
            assert await ids(full.models, search, 60) == sorted_ids
            assert set(sorted_ids) == scan(search)
            patch.setattr(searching, "_MANY", 1)
            for tried in (1, 700, 5000):
                patch.setattr(searching, "_TRIED", tried)
                assert await ids(full.models, search, 60) == sorted_ids


@pytest.mark.parametrize(
    ("description", "typed"),
    [
        ("多" * 45 + "图像生成", "图像生成"),
        ("ÉcoleModel", "model"),
        ("a ⭐⭐ model", "⭐"),
    ],
)
async def test_words_are_found_wherever_they_stand(
    catalogue: CatalogueDatabase, description: str, typed: str
) -> None:
    await catalogue.models.put(made("hf:a/b", description=description))
    page = await catalogue.models.search(Search(text=typed))
    assert [model.id for model in page.models] == ["hf:a/b"]
