"""`hub.db`: what must last. Every commit survives a power cut."""

from __future__ import annotations

from pathlib import Path

from tui_hub.database.artifacts import ArtifactTable
from tui_hub.database.checks import CheckTable
from tui_hub.database.configurations import ConfigurationTable
from tui_hub.database.connection import Database
from tui_hub.database.consents import ConsentTable
from tui_hub.database.file_hashes import FileHashTable
from tui_hub.database.hub_schema import MIGRATIONS
from tui_hub.database.jobs import JobTable
from tui_hub.database.leases import LeaseTable
from tui_hub.database.marks import MarkTable
from tui_hub.database.open_file import OpenFile
from tui_hub.database.records import (
    AdditionTable,
    EditTable,
    HookTable,
    InstallTable,
    RegistrationTable,
    UserTable,
)
from tui_hub.database.registry import PinTable, RegistryTables
from tui_hub.database.renames import ModelNames
from tui_hub.database.revisions import VersionTable
from tui_hub.database.slots import LoadTable, SlotTable, SwapTable


class HubDatabase(OpenFile):
    """The tables of `hub.db`. Made by `open`."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.jobs = JobTable(database)
        self.artifacts = ArtifactTable(database)
        self.versions = VersionTable(database)
        self.installs = InstallTable(database)
        self.slots = SlotTable(database)
        self.swaps = SwapTable(database)
        self.loads = LoadTable(database)
        self.edits = EditTable(database)
        self.registrations = RegistrationTable(database)
        self.additions = AdditionTable(database)
        self.pins = PinTable(database)
        self.registry = RegistryTables(database)
        self.configurations = ConfigurationTable(database)
        self.consents = ConsentTable(database)
        self.users = UserTable(database)
        self.leases = LeaseTable(database)
        self.marks = MarkTable(database)
        self.hooks = HookTable(database)
        self.names = ModelNames(database)
        self.file_hashes = FileHashTable(database)
        self.checks = CheckTable(database)

    @classmethod
    async def open(cls, path: Path) -> HubDatabase:
        """Open the database, made and migrated as needed.

        Raises:
            CorruptError: the file is damaged; it is left as it is.
            RefusedError: a newer version of the program made it.
            HubError: it cannot be opened or written.
        """
        return cls(await Database.open(path, MIGRATIONS, durable=True))
