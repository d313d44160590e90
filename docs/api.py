"""Writes docs/api.md, the reference of the Python API, from its docstrings.

python docs/api.py            bring it up to date
python docs/api.py --check    only say whether it is (exit status 1: it is not)
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cnnspec
from cnnspec import api
from cnnspec.diagnostics import Diagnostic, Edit, Related, Source, Span
from cnnspec.elaborate.limits import Limits
from cnnspec.ir.graph import Graph
from cnnspec.report import document
from cnnspec.report.verified import Verdict

PAGE = Path(__file__).with_name("api.md")
NAMES = ("check", "load", "build", "torch_module", "run", "verify", "explain", "fmt", "from_torch")
FUNCTIONS = [getattr(cnnspec, name) for name in NAMES]
CLASSES = {
    "What `check` gives": [
        one
        for one in reversed(vars(document).values())
        if inspect.isclass(one) and one.__module__ == document.__name__ and one is not document.Part
    ],
    "What `load` gives": [Graph],
    "What `verify` gives": [Verdict],
    "Findings and limits": [cnnspec.SpecError, Diagnostic, Related, Edit, Span, Source, Limits],
}
PROSE = {
    "What `check` gives": inspect.cleandoc(document.__doc__ or ""),
    "What `load` gives": "The IR. `cnnspec schema ir` prints it whole as a JSON schema.",
}


def page() -> str:
    """The whole page."""
    return "\n".join(_lines()).rstrip("\n") + "\n"


def _lines() -> Iterator[str]:
    yield "# The Python API"
    yield ""
    yield "Written from the docstrings by `python docs/api.py`; what stays as it is: docs/compatibility.md."
    yield ""
    yield from _prose(api)
    for function in FUNCTIONS:
        yield f"## `cnnspec.{function.__name__}`"
        yield ""
        yield from ("```python", *_signature(function), "```", "")
        yield from _prose(function)
    for title, classes in CLASSES.items():
        yield f"## {title}"
        yield ""
        if title in PROSE:
            yield from (PROSE[title], "")
        for one in classes:
            yield from _class(one)


def _signature(function: Callable[..., object]) -> Iterator[str]:
    """One parameter a line."""
    signature = inspect.signature(function)
    yield f"{function.__name__}("
    starred = False
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.KEYWORD_ONLY and not starred:
            starred = True
            yield "    *,"
        default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
        yield f"    {name}: {parameter.annotation}{default},"
    yield f") -> {signature.return_annotation}"


def _class(one: type) -> Iterator[str]:
    """A class with its fields, as its source has them, and its own methods and properties."""
    yield f"### `{one.__name__}`"
    yield ""
    bases = [base.__name__ for base in one.__bases__ if base.__module__ == document.__name__]
    if bases and bases != ["Part"]:
        yield f"With the fields of `{bases[0]}`."
        yield ""
    yield from _prose(one)
    (source,) = ast.parse(inspect.getsource(one)).body
    assert isinstance(source, ast.ClassDef)
    fields = [node for node in source.body if isinstance(node, ast.AnnAssign)]
    if fields:
        yield from ("| field | type |", "| --- | --- |")
        for field in fields:
            name, kind = ast.unparse(field.target), ast.unparse(field.annotation).replace("|", "\\|")
            yield f"| `{name}` | `{kind}` |"
        yield ""
    methods = []
    for name, member in vars(one).items():
        function = member.fget if isinstance(member, property) else member
        if not name.startswith("_") and inspect.isfunction(function) and function.__doc__:
            call = name if member is not function else f"{name}()"
            first = inspect.cleandoc(function.__doc__).split("\n\n")[0]
            methods.append(f"- `{call}`: {' '.join(first.split())}")
    if methods:
        yield from (*methods, "")


def _prose(documented: object) -> Iterator[str]:
    """A docstring as Markdown, each example in it as a block of its own."""
    for text in inspect.cleandoc(documented.__doc__ or "").split("\n\n"):
        if text.startswith(">>>"):
            yield from ("```pycon", text.replace("  # doctest: +SKIP", ""), "```", "")
        else:
            yield from (text, "")


def main() -> int:
    written = page()
    if "--check" in sys.argv[1:]:
        return int(not PAGE.exists() or PAGE.read_text("utf-8") != written)
    PAGE.write_text(written, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
