"""Writes the values into docs/architecture.md: the page's spec after each stage of the compiler.

    python docs/architecture.py            bring the file up to date
    python docs/architecture.py --check    only say whether it is (exit status 1: it is not)

The page is its own source: prose and the spec are written by hand; a fence `text STAGE` or `python STAGE`
holds what the function of that name in STAGES gives.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from cnnspec import pipeline
from cnnspec.diagnostics import Source
from cnnspec.ir.expr import Apply, Const, Var
from cnnspec.ir.graph import Graph
from cnnspec.language.parser import Parser
from cnnspec.language.tree import Block, Name, Number
from cnnspec.lower import program
from cnnspec.lower.lowering import Lowering
from cnnspec.lower.symbolic import python
from cnnspec.ops import Op
from cnnspec.ops.base import written_shape
from cnnspec.pipeline import Model
from cnnspec.targets.numpy.build import emit

PAGE = Path(__file__).with_name("architecture.md")
NAME = "small.cnn"
SPEC = re.compile(r"^```cnn\n(.*?)^```$", re.M | re.S)
SHOWN = re.compile(r"^```(text|python) (\w+)\n(.*?)^```$", re.M | re.S)
WIDTH = 100
LEFT_OUT = {"span", "word_span", "name_span", "spans", "glued", "site", "label", "named", "claims"}
"""Fields that would only make the page long: places in the text, and what the templates show already."""


def value(thing: Any, indent: int = 0, before: int = 0) -> str:
    """A value of the compiler's as Python would print it, with what says nothing left out; in several lines
    where it is longer than one."""
    one = _in_a_line(thing)
    fields = list(_fields(thing))
    if indent + before + len(one) + 1 <= WIDTH or not fields:
        return one
    pad = " " * (indent + 2)
    inner = "".join(f"\n{pad}{name}{value(part, indent + 2, len(name))}," for name, part in fields)
    return f"{_head(thing)}({inner}\n{' ' * indent})"


def _head(thing: Any) -> str:
    return "" if type(thing) is tuple else type(thing).__name__


def _in_a_line(thing: Any) -> str:
    match thing:
        case Op():
            return f"{thing.word} {thing.written()}".rstrip()
        case Apply() | Var() | Const():
            return f"‹{python(thing)}›"
        case Number():
            return thing.text
        case Name():
            return thing.name
        case dict():
            return f"{{{', '.join(f'{key}: {_in_a_line(part)}' for key, part in thing.items())}}}"
        case tuple() | BaseModel():
            if type(thing) is tuple and len(thing) > 1 and all(isinstance(part, int) for part in thing):
                return written_shape(thing)
            parts = [f"{name}{_in_a_line(part)}" for name, part in _fields(thing)]
            last = "," if type(thing) is tuple and len(parts) == 1 else ""
            return f"{_head(thing)}({', '.join(parts)}{last})"
    return repr(thing)


def _fields(thing: Any) -> Iterator[tuple[str, Any]]:
    """Those that differ from what is usual: not empty, not None, not False."""
    match thing:
        case Op() | dict() | Number() | Name():
            return
        case BaseModel():
            for name, field in type(thing).model_fields.items():
                if name not in LEFT_OUT and (part := getattr(thing, name)) not in (field.default, ()):
                    yield f"{name}=", part
        case tuple() if hasattr(thing, "_fields"):
            for name in thing._fields:
                if name not in LEFT_OUT and (part := getattr(thing, name)) not in (None, (), False):
                    yield f"{name}=", part
        case tuple():
            yield from (("", part) for part in thing)


# --- the stages -------------------------------------------------------------------------------------------


def graph_of(model: Model) -> Graph:
    assert model.graph is not None
    return model.graph


def tokens(model: Model) -> str:
    """Of the block's first line: lark's engine asks for them one by one."""
    text = model.source.text
    start = text.index("  conv")
    seen: list[str] = []
    parser = Parser(text, pipeline.Sink(), "start")
    took = parser.lexer.took

    def noted(token: Any, height: int) -> None:
        if start <= token.start < text.index("\n", start):
            seen.append(f"{token.type} {token.text.strip()!r}")
        took(token, height)

    parser.lexer.took = noted  # type: ignore[method-assign]
    parser.run()
    return "   ".join(seen) + "\n"


def tree(model: Model) -> str:
    """Of the block."""
    return value(next(one for one in model.file.statements if isinstance(one, Block))) + "\n"


def templates(model: Model) -> str:
    numbered = enumerate(graph_of(model).templates)
    return "".join(f"template {number}: {value(template)}\n" for number, template in numbered)


def bodies(model: Model) -> str:
    """Of the block, and of the network."""
    graph = graph_of(model)
    kinds = [graph.templates[body.template].kind for body in graph.bodies]
    numbered = enumerate(zip(graph.bodies, kinds, strict=True))
    shown = [(number, body) for number, (body, kind) in numbered if kind != "repeat"]
    return "".join(f"body {number}: {value(body)}\n" for number, body in shown)


def rows(model: Model) -> str:
    assert model.report is not None
    lines = []
    for row in model.report.rows():
        entry = row.entry
        assert entry.op is not None
        assert entry.out is not None
        field = "" if row.field is None else f"field {row.field.size[0]}x{row.field.size[1]}"
        word = f"{entry.op.word} {entry.op.written()}".rstrip()
        numbers = f"{row.params:>5} weights {row.macs:>6} MACs  {field}"
        lines.append(f"{entry.path:<12} {word:<17} {written_shape(entry.out):<8} {numbers}".rstrip())
    return "\n".join(lines) + "\n"


def lowered(model: Model) -> str:
    """Each function's statements, with the NumPy target's calls in them."""
    found: list[str] = []

    def finish(function: program.Function) -> None:
        given = [one.variable for one in function.parameters]
        found.append(
            f"Function {function.name}({', '.join([*map(_tensor, function.region.inputs), *given])})"
        )
        found.extend(_statements(function.region.statements, "  "))
        found.append(f"  gives {', '.join(map(_tensor, function.region.outputs))}")

    Lowering(graph_of(model), emit, finish, runtime_shapes=True).network()
    return "\n".join(found) + "\n"


def _tensor(tensor: program.Tensor) -> str:
    return f"t{tensor.number}"


def _number(node: Any) -> str:
    return node if isinstance(node, str) else python(node)


def _statements(statements: Sequence[program.Statement], pad: str) -> Iterator[str]:
    for one in statements:
        match one:
            case program.Layer():
                named = [
                    f"{name}={_number(node)}" if name else _number(node) for name, node in one.call.arguments
                ]
                given = ", ".join([*map(_tensor, one.inputs), *named])
                yield f"{pad}Layer {one.name}: {_tensor(one.output)} = {one.call.function}({given})"
            case program.Invoke():
                pairs = zip(one.function.parameters, one.arguments, strict=True)
                given = ", ".join(
                    [*map(_tensor, one.inputs), *(f"{to.variable}={python(node)}" for to, node in pairs)]
                )
                outputs = ", ".join(map(_tensor, one.outputs))
                yield f"{pad}Invoke {one.name or '(the pass)'}: {outputs} = {one.function.name}({given})"
            case program.Repeat():
                first, output = _tensor(one.region.inputs[0]), _tensor(one.outputs[0])
                yield (
                    f"{pad}Repeat {one.name}: {output} = {first} from {_tensor(one.inputs[0])}, "
                    f"{python(one.count)} passes, each"
                )
                yield from _statements(one.region.statements, pad + "  ")
                yield f"{pad}  gives {_tensor(one.region.outputs[0])}"
            case program.If():
                yield f"{pad}If {python(one.condition.node)}"
                yield from _statements(one.then, pad + "  ")
                for joined, then, otherwise in one.joins:
                    yield f"{pad}  {_tensor(joined)} is {_tensor(then)}, else {_tensor(otherwise)}"
            case _:
                raise NotImplementedError(type(one).__name__)


def torch(model: Model) -> str:
    """Without what runs when the file itself is."""
    made = pipeline.program(graph_of(model), "torch")
    assert isinstance(made, str)
    return made.partition("\n\ndef main")[0].rstrip() + "\n"


def numpy(model: Model) -> str:
    """The block and the network, without the layers and what one calls."""
    made = pipeline.program(graph_of(model), "numpy")
    assert isinstance(made, str)
    ours = [f"{name}{end}" for name in ("down", "network") for end in ("", "_backward")]
    functions = {one.name: one for one in ast.parse(made).body if isinstance(one, ast.FunctionDef)}
    return "\n\n\n".join(str(ast.get_source_segment(made, functions[name])) for name in ours) + "\n"


STAGES: dict[str, Callable[[Model], str]] = {
    stage.__name__: stage for stage in (tokens, tree, templates, bodies, rows, lowered, torch, numpy)
}


def rendered(page: str) -> str:
    """The page with every value as it is today."""
    spec = SPEC.search(page)
    assert spec is not None
    (model,) = pipeline.models(Source(NAME, spec[1]))
    assert model.buildable
    return SHOWN.sub(lambda fence: f"```{fence[1]} {fence[2]}\n{STAGES[fence[2]](model)}```", page)


def main() -> int:
    before = PAGE.read_text("utf-8")
    after = rendered(before)
    if "--check" in sys.argv[1:]:
        return int(before != after)
    PAGE.write_text(after, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
