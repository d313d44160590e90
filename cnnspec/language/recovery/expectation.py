"""What may stand where the parser could not go on, in plain words."""

from __future__ import annotations

from cnnspec.language.parser import Parser
from cnnspec.language.tokens import END


def expectation(parser: Parser) -> str:
    """What may stand here, in plain words."""
    kinds = {kind for kind in parser.lark.choices() if kind.isupper() and parser.accepts(kind)}
    parts: list[str] = []
    if "MODEL" in kinds:
        parts.append("a statement or a line of steps")
    elif {"CALL", "LSQB", "IF"} <= kinds:
        parts.append("a step")
    elif "HYPER" in kinds and "NAME" in kinds:
        parts.append("an argument" if "NUMBER" in kinds else "a name")
    elif "CLAIM_NUMBER" in kinds:
        parts.append("a claimed number" if "DIM" not in kinds else "a claim's value")
    elif {"NUMBER", "CALL"} <= kinds:
        parts.append("a number, a name or an expression")
    elif "DIM" in kinds:
        parts.append("a shape such as 3x224x224")
    elif "NUMBER" in kinds or "MATRIX_NUMBER" in kinds:
        parts.append("a number")
    elif "CALL" in kinds:
        parts.append("a name with its parameters in brackets: `f(k)`")
    elif "NAME" in kinds:
        parts.append("a name")
    if "REFERENCE" in kinds and not parts:
        parts.append("a label such as @skip")
    if "STAR" in kinds and "DIVIDE" in kinds and "an argument" not in parts:
        parts.append("an operator")
    for kind, shown in (
        ("ARROW", "`->`"), ("CLAIMS", "`=>`"), ("COMMA", "`,`"), ("EQUAL", "`=`"), ("RPAR", "`)`"),
        ("LBRACE", "`{`"), ("RSQB", "`]`"), ("VBAR", "`|`"), ("RBRACE", "`}`"),
        ("ELSE", "`else`"), ("_NL", "a new line"),
    ):  # fmt: skip
        if kind in kinds and not (
            kind in ("_NL", "RSQB", "RBRACE", "VBAR") and len(parts) and parts[0].startswith("a st")
        ):
            parts.append(shown)
    if not parts and "LSQB" in kinds:
        return "an operator or `[`"
    if not parts:
        return "the end of the file" if END in kinds else ""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} or {parts[-1]}"
