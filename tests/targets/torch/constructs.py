"""The specs of constructs.md, by heading."""

import re
from pathlib import Path

_TEXT = Path(__file__).with_name("constructs.md").read_text(encoding="utf-8")

_BLOCK = r"^## ([^\n]+)\n\n```cnn\n(.*?)^```$"

CONSTRUCTS: dict[str, str] = dict(re.findall(_BLOCK, _TEXT, re.MULTILINE | re.DOTALL))
