"""Two sizes: seconds in the normal suite, minutes with CNNSPEC_FUZZ=long (`make fuzz`)."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

LONG = os.environ.get("CNNSPEC_FUZZ") == "long"
_COMMON = {"deadline": None, "suppress_health_check": list(HealthCheck), "print_blob": True}

settings.register_profile("short", max_examples=25, derandomize=True, database=None, **_COMMON)
settings.register_profile("long", max_examples=2000, **_COMMON)


def pytest_configure() -> None:
    settings.load_profile("long" if LONG else "short")
