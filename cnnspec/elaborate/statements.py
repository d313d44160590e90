"""The statements of a file, sorted: what there is of each kind, and what stands twice."""

from __future__ import annotations

from cnnspec.diagnostics import Related, Sink, Source, Span
from cnnspec.elaborate.limits import Limits
from cnnspec.elaborate.text_facts import facts_of, labelled_lines
from cnnspec.language import tree


class Statements:
    """A file's statements by kind, and what the file alone shows to be wrong with them."""

    def __init__(self, file: tree.File, source: Source, sink: Sink, limits: Limits) -> None:
        self.file = file
        self.source = source
        self.sink = sink
        self.limits = limits
        self.blocks: dict[str, tree.Block] = {}
        self.variants: dict[str, tree.Variant] = {}
        self.lets: dict[str, tree.Let] = {}
        self.model: tree.Model | None = None
        self.inputs: list[tree.Input] = []
        self.output: tree.Output | None = None
        self.expects: list[tree.Expect] = []
        self.lines: list[tree.Line] = []
        self.facts = facts_of(file.statements)
        self.unusable: set[str] = set()
        self.broken: list[tree.ErrorStatement] = []

    def sort_statements(self) -> None:
        for statement in self.file.statements:
            match statement:
                case tree.Model():
                    if self.model is not None:
                        self.twice("model", statement.span, self.model.span)
                    else:
                        self.model = statement
                case tree.Input():
                    self.inputs.append(statement)
                case tree.Let():
                    if statement.name in self.lets:
                        self.named_twice(
                            statement.name, statement.name_span, self.lets[statement.name].name_span
                        )
                    else:
                        self.lets[statement.name] = statement
                case tree.Variant():
                    if statement.name in self.variants:
                        first = self.variants[statement.name].name_span
                        self.named_twice(statement.name, statement.name_span, first)
                    else:
                        self.variants[statement.name] = statement
                case tree.Block():
                    if statement.name in self.blocks:
                        first = self.blocks[statement.name].name_span
                        self.named_twice(statement.name, statement.name_span, first)
                    else:
                        self.blocks[statement.name] = statement
                case tree.Output():
                    if self.output is not None:
                        self.twice("output", statement.span, self.output.span)
                    else:
                        self.output = statement
                case tree.Expect():
                    self.expects.append(statement)
                case tree.Line():
                    self.lines.append(statement)
                case tree.ErrorStatement():
                    self.broken.append(statement)
                case tree.Default():
                    pass

    def twice(self, word: str, span: Span, first: Span) -> None:
        self.sink.report(
            "E405",
            f"a spec has one `{word}`",
            span,
            related=(Related(first, "the first stands here"),),
            help="name all tensors in one: `output @a, @b`" if word == "output" else "keep one of the two",
        )

    def named_twice(self, name: str, span: Span, first: Span) -> None:
        self.sink.report(
            "E209",
            f"`{name}` is named twice",
            span,
            related=(Related(first, "first here"),),
            help="give one of them another name",
        )

    def check_labels(self, items: tuple[object, ...], known: dict[str, Span] | None = None) -> None:
        seen = dict(known or {})
        for line in labelled_lines(items):
            assert line.label is not None
            span = line.label_span or line.span
            if line.label in seen:
                self.named_twice(line.label, span, seen[line.label])
            else:
                seen[line.label] = span

    def check_block(self, block: tree.Block) -> None:
        seen: dict[str, Span] = {}
        for parameter in block.parameters:
            if parameter.name in seen:
                self.named_twice(parameter.name, parameter.span, seen[parameter.name])
                self.unusable.add(block.name)
            seen.setdefault(parameter.name, parameter.span)
        tensors = {p.name: p.span for p in block.parameters if p.kind == "tensor"}
        self.check_labels(block.body.items, tensors)
        lets = dict(seen)
        for item in block.body.items:
            if isinstance(item, tree.Let):
                if item.name in lets:
                    self.named_twice(item.name, item.name_span, lets[item.name])
                lets.setdefault(item.name, item.name_span)

    def has_syntax_errors(self) -> bool:
        return any(finding.code.startswith("E1") for finding in self.sink)

    def unread_names(self) -> list[str]:
        """W105: a `let` or a block that nothing in the spec uses; the names of these blocks."""
        unused: list[str] = []
        if self.has_syntax_errors() or any(finding.code in ("E206", "E208") for finding in self.sink):
            return unused
        for name, let in self.lets.items():
            if name not in self.facts.names:
                self.sink.report(
                    "W105", f"nothing uses `{name}`", let.name_span, help="use it, or leave it out"
                )
        for name, block in self.blocks.items():
            if name not in self.facts.calls:
                unused.append(name)
                self.sink.report(
                    "W105",
                    f"nothing uses the block `{name}`",
                    block.name_span,
                    help="use it, or leave it out",
                )
        return unused
