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


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no settings file"):
        load_configuration(config_file=str(tmp_path / "no.toml"), environment={})


def test_the_hubs_own_offline_switch(tmp_path: Path) -> None:
    environment = {"HF_HUB_OFFLINE": "1"}
    assert load_configuration(home=str(tmp_path), environment=environment).settings.network.offline


def test_the_environment_is_not_shown(tmp_path: Path) -> None:
    environment = {"HF_TOKEN": "hf_canary"}
    assert "hf_canary" not in repr(load_configuration(home=str(tmp_path), environment=environment))
