"""What a number in the settings may be."""

from __future__ import annotations

from typing import Annotated

import msgspec

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
Interval = Annotated[float, msgspec.Meta(gt=0, le=31 * 86_400)]
Some = Annotated[int, msgspec.Meta(ge=1)]
Amount = Annotated[int, msgspec.Meta(ge=0)]
