"""What the documents tell people to type."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def section(document, title):
    """The text under a heading, to the next one of any level."""
    text = (ROOT / document).read_text()
    return re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)[1]


def commands(text):
    """The lines of its code blocks, in order, without their comments."""
    lines = (line[4:] for line in text.splitlines() if line.startswith("    "))
    return [re.sub(r"\s+# .*", "", line) for line in lines]
