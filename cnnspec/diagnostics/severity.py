"""How grave a finding is: read off its code.

`E…` is an error. `W1…` is a warning, hardly ever meant; `W2…` is advice, the notes' wisdom that
celebrated networks break for good reasons.
"""

from enum import StrEnum


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    ADVICE = "advice"


def severity_of(code: str) -> Severity:
    if code.startswith("E"):
        return Severity.ERROR
    return Severity.WARNING if code.startswith("W1") else Severity.ADVICE
