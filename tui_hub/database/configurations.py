"""What users set for models: each change a version, of which the newest counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

import msgspec

from tui_hub.database.connection import Database, Row, Transaction
from tui_hub.database.values import document, plain
from tui_hub.domain.configuration import ConfigurationVersion, ModelConfiguration, newest
from tui_hub.text import now

Decide = Callable[[Sequence[ConfigurationVersion]], ModelConfiguration]


class ConfigurationTable:
    """The configurations of models."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, model: str) -> list[ConfigurationVersion]:
        """The versions of a model's configuration, newest first."""
        return await _versions(self._database, plain(model))

    async def current(self, model: str) -> ModelConfiguration:
        """What is set for a model; an empty configuration where nothing is."""
        return newest(await self.of(model))

    async def change(self, model: str, decide: Decide) -> bool:
        """Write a new version, unless it would say the same; whether it was written.

        Args:
            model: the model's id.
            decide: gets the versions until now, newest first, and gives the next one.
        """
        async with self._database.write() as transaction:
            versions = await _versions(transaction, plain(model))
            wanted = decide(versions)
            if wanted == newest(versions):
                return False
            await put_configuration(transaction, model, wanted)
            return True


async def put_configuration(
    transaction: Transaction, model: str, configuration: ModelConfiguration
) -> None:
    """Write a new version of a model's configuration."""
    await transaction.execute(
        "INSERT INTO configurations (model, version, at, configuration)"
        " SELECT ?, 1 + coalesce(max(version), 0), ?, ? FROM configurations WHERE model = ?",
        (plain(model), now(), document(asdict(configuration)), plain(model)),
    )


async def current_configurations(transaction: Transaction) -> dict[str, ModelConfiguration]:
    """What is set for each model, by its id."""
    rows = await transaction.read(
        "SELECT model, max(version), at, configuration FROM configurations GROUP BY model"
    )
    found = {row[0]: _version(row[1:]).configuration for row in rows}
    return {model: one for model, one in found.items() if one != ModelConfiguration()}


async def _versions(database: Database | Transaction, model: str) -> list[ConfigurationVersion]:
    rows = await database.read(
        "SELECT version, at, configuration FROM configurations"
        " WHERE model = ? ORDER BY version DESC",
        (model,),
    )
    return [_version(row) for row in rows]


def _version(row: Row) -> ConfigurationVersion:
    version, at, words = row
    return ConfigurationVersion(version, at, msgspec.json.decode(words, type=ModelConfiguration))
