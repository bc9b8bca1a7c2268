"""Settings: the file, the environment, and what is said when one is wrong."""

from pathlib import Path

import pytest

from tui_hub.domain.errors import UsageError
from tui_hub.settings import load_configuration


def write(home: Path, content: str) -> None:
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text(content)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    write(tmp_path, "[downloads]\nconnections = 3\nfiles = 2\n")
    configuration = load_configuration(
        environment={"TUI_HUB_HOME": str(tmp_path), "TUI_HUB_DOWNLOADS__CONNECTIONS": "5"}
    )
    assert configuration.settings.downloads.connections == 5
    assert configuration.settings.downloads.files == 2


def test_a_home_holds_everything(tmp_path: Path) -> None:
    paths = load_configuration(home=str(tmp_path), environment={}).paths
    assert paths.hub_database == tmp_path / "hub.db"
    assert paths.catalogue_database == tmp_path / "catalogue.db"
    assert paths.store == tmp_path / "store"
    assert paths.logs == tmp_path / "logs"


def test_the_store_may_live_elsewhere(tmp_path: Path) -> None:
    environment = {"MODEL_STORE_PATH": str(tmp_path / "big")}
    paths = load_configuration(home=str(tmp_path), environment=environment).paths
    assert paths.store == tmp_path / "big"


@pytest.mark.parametrize(
    "content",
    [
        "[downloads\n",
        "[downloads]\nconnections = 'many'\n",
        "[downloads]\nconections = 3\n",
        "x = " + "[" * 5000,
        "n = " + "9" * 5000,
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, content: str) -> None:
    write(tmp_path, content)
    with pytest.raises(UsageError, match=r"config\.toml"):
        load_configuration(home=str(tmp_path), environment={})


BOUNDS = {
    "downloads.files": (1, 0),
    "downloads.jobs": (1, 0),
    "downloads.connections": (1, -1),
    "downloads.piece_size": (65_536, 65_535),
    "downloads.limit": (0, -1),
    "downloads.stall": (0.1, 0),
    "network.timeout": (0.1, 0),
    "network.retries": (0, -1),
    "huggingface.page_size": (1, 0),
    "store.reserve": (0, -1),
    "sync.first_delay": (0, -0.1),
    "sync.interval_min": (0.1, 0),
    "sync.interval_max": (20_000, 0),
    "sync.retry_delay": (0.1, 0),
    "sync.retries": (0, -1),
    "runtime.start_timeout": (0.1, 0),
    "screen.rate": (0, -1),
}


@pytest.mark.parametrize("key", BOUNDS)
def test_figures_have_bounds_and_the_key_is_named(tmp_path: Path, key: str) -> None:
    section, _, name = key.partition(".")
    good, bad = BOUNDS[key]
    write(tmp_path, f"[{section}]\n{name} = {good}\n")
    settings = load_configuration(home=str(tmp_path), environment={}).settings
    assert getattr(getattr(settings, section), name) == good
    write(tmp_path, f"[{section}]\n{name} = {bad}\n")
    with pytest.raises(UsageError, match=rf"^{key} in .*config\.toml is wrong: it is (at|more)"):
        load_configuration(home=str(tmp_path), environment={})
    variable = f"TUI_HUB_{section}__{name}".upper()
    write(tmp_path, "")
    with pytest.raises(
        UsageError, match=f"^{variable} in the environment is wrong: it is (at|more)"
    ):
        load_configuration(home=str(tmp_path), environment={variable: str(bad)})


def test_an_interval_that_ends_before_it_begins_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "[sync]\ninterval_min = 60\ninterval_max = 59\n")
    with pytest.raises(UsageError, match=r"^sync in .* interval_max is less than interval_min"):
        load_configuration(home=str(tmp_path), environment={})


@pytest.mark.parametrize("content", ["nan", "inf", "1e9", "-1"])
def test_times_that_no_clock_can_wait_are_refused(tmp_path: Path, content: str) -> None:
    write(tmp_path, f"[network]\ntimeout = {content}\n")
    with pytest.raises(UsageError, match=r"network\.timeout"):
        load_configuration(home=str(tmp_path), environment={})


def test_a_page_has_a_thousand_entries_at_most(tmp_path: Path) -> None:
    write(tmp_path, "[huggingface]\npage_size = 1000\n")
    load_configuration(home=str(tmp_path), environment={})
    write(tmp_path, "[huggingface]\npage_size = 1001\n")
    with pytest.raises(UsageError, match=r"huggingface\.page_size in .* at most 1000"):
        load_configuration(home=str(tmp_path), environment={})


def test_a_key_that_is_none_is_named_with_its_section(tmp_path: Path) -> None:
    write(tmp_path, "[downloads]\nconections = 3\n")
    with pytest.raises(UsageError, match=r"^downloads\.conections in .* there is no such setting"):
        load_configuration(home=str(tmp_path), environment={})
    write(tmp_path, "[nosuch]\nx = 3\n")
    with pytest.raises(UsageError, match=r"^nosuch in .* there is no such setting"):
        load_configuration(home=str(tmp_path), environment={})


def test_values_of_another_kind_are_told_in_words(tmp_path: Path) -> None:
    wrong = {
        "downloads = 3": "^downloads in .* a table is wanted, not a whole number$",
        "[downloads]\nfiles = []": r"^downloads\.files in .* a whole number is wanted, not a list$",
        "[runtime]\ndevice = 1": r"^runtime\.device in .* a text is wanted, not a whole number$",
        "[trust]\nothers = 'all'": r"^trust\.others in .* it is one of ask, refuse$",
    }
    for lines, words in wrong.items():
        write(tmp_path, lines)
        with pytest.raises(UsageError, match=words):
            load_configuration(home=str(tmp_path), environment={})


def test_a_variable_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^TUI_HUB_DOWNLOADS__FILS in .* no such setting$"):
        load_configuration(home=str(tmp_path), environment={"TUI_HUB_DOWNLOADS__FILS": "3"})


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no settings file"):
        load_configuration(config_file=str(tmp_path / "no.toml"), environment={})


def test_the_hubs_own_offline_switch(tmp_path: Path) -> None:
    environment = {"HF_HUB_OFFLINE": "1"}
    assert load_configuration(home=str(tmp_path), environment=environment).settings.network.offline


def test_the_environment_is_not_shown(tmp_path: Path) -> None:
    environment = {"HF_TOKEN": "hf_canary"}
    assert "hf_canary" not in repr(load_configuration(home=str(tmp_path), environment=environment))


@pytest.mark.parametrize(
    ("device", "right"),
    [("auto", True), ("cpu", True), ("cuda:1", True), ("cuda", False), ("gpu", False), ("", False)],
)
def test_a_device_is_one_that_torch_names(tmp_path: Path, device: str, right: bool) -> None:
    write(tmp_path, f'[runtime]\ndevice = "{device}"\n')
    if right:
        settings = load_configuration(home=str(tmp_path), environment={}).settings
        assert settings.runtime.device == device
    else:
        with pytest.raises(UsageError, match="is wrong: device is neither auto, cpu nor cuda:N"):
            load_configuration(home=str(tmp_path), environment={})


@pytest.mark.parametrize(
    ("hook", "why"),
    [
        ("events = ['activation']", "either a url or a command"),
        ("url = 'https://a.example'\ncommand = ['x']", "either a url or a command"),
        ("url = 'ftp://a.example'", "begins with https"),
        ("url = 'https://a.example'\nevents = ['nothing']", "nothing"),
        ("command = 'rm -rf /'", "a list is wanted, not a text"),
        ("command = ['']", "name of a program"),
        ('command = ["a\\u0000b"]', "NUL character"),
        ("url = 'https://a.example'\nsecret = 'not a name'", "matching regex"),
    ],
)
def test_wrong_hooks_are_told(tmp_path: Path, hook: str, why: str) -> None:
    write(tmp_path, f"[hooks.mine]\n{hook}\n")
    with pytest.raises(UsageError, match="hooks") as wrong:
        load_configuration(home=str(tmp_path), environment={})
    assert why in wrong.value.message


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ('[feeds."hf:good"]\nlimit = 1\n[feeds."hf:mine"]\nfilter = 3', 'feeds."hf:mine".filter'),
        ("[hooks.good]\nurl = 'https://x'\n[hooks.chat]\nurl = 5", "hooks.chat.url"),
        ("[hooks.chat]\nurl = 'https://x'\nevents = ['activation', 'no']", "hooks.chat.events[1]"),
        ("[hooks.chat]\nurl = 'https://x'\ncommand = ['y']", "hooks.chat"),
        ("[[feeds.my.queries]]\n[[feeds.my.queries]]\nlimit = 3", "feeds.my.queries[1].limit"),
        ("[runtime.commands.a]\ncommand = ['a']\n[runtime.commands.b]\nport = 3",
         "runtime.commands.b"),
        ("[runtime.commands.a]\ncommand = ['a']\nenvironment = {GOOD = '1', BAD = [1]}",
         "runtime.commands.a.environment.BAD"),
    ],
)  # fmt: skip
def test_an_entry_of_a_table_is_called_by_its_name(
    tmp_path: Path, content: str, named: str
) -> None:
    write(tmp_path, content)
    with pytest.raises(UsageError) as wrong:
        load_configuration(home=str(tmp_path), environment={})
    assert wrong.value.message.startswith(f"{named} in {tmp_path / 'config.toml'} is wrong: ")
