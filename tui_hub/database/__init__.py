"""The two databases of a home, and the only place with SQL.

`HubDatabase` (`hub.db`) holds what must last, `CatalogueDatabase` (`catalogue.db`) what a sync can
fetch again.
"""

from tui_hub.database.catalogue import CatalogueDatabase
from tui_hub.database.hub import HubDatabase

__all__ = ["CatalogueDatabase", "HubDatabase"]
