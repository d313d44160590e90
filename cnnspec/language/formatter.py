"""The canonical form of a spec: one answer for every file, with all its comments.

What the author decides is which lines there are, one blank line between them or none, and whether a line
without a label hangs under the labels above it. All else follows from the tree: hyperparameters stand apart
and in the order F S P K G D, a bracket is laid out over lines where it holds several or would be too long,
and the claims, the comments and the variants of lines that follow one another stand in columns.
"""

from __future__ import annotations

import re
from typing import Any, TypeAlias

from cnnspec.diagnostics import Source, Span, line_start
from cnnspec.language import columns, tree
from cnnspec.language import write as w

WIDTH = 100
"""A line longer than this has its brackets laid out over lines."""
MATRIX_WIDTH = 60

Item: TypeAlias = tree.Statement
_STRUCTURE = re.compile(r'#[^\r\n]*|"[^"\r\n]*"|[][|(){}]')
_BRACKETED = (tree.GroupStep, tree.BranchStep, tree.IfStep)


def format_file(source: Source, file: tree.File) -> str:
    """The file's canonical text; it ends with a new line, or is empty."""
    writer = _Writer(source.text, list(file.comments))
    lines = writer.items(file.statements, 0, len(source.text), 0)
    return "".join(line.rstrip() + "\n" for line in lines)


class _Writer:
    def __init__(self, text: str, comments: list[tree.Comment]) -> None:
        self.text = text
        self.comments = comments
        self.done: set[int] = set()  # the starts of the comments that have been written

    # --- lists of lines ---------------------------------------------------------------------------

    def items(self, items: tuple[Any, ...], low: int, high: int, indent: int) -> list[str]:
        """The lines of a file or a sequence whose text is `low` to `high`, with comments and blank lines."""
        lines: list[str] = []
        claims: dict[int, str] = {}  # by the number of the line that they end
        comments: dict[int, str] = {}
        variants: list[columns.Variant] = []
        margin = min((self.column(item) for item in items if self.text), default=0)
        hanging = 0
        end = low  # of what has been written
        before: Any = None
        for item in (*items, None):
            start = high if item is None else item.span.start
            first = True
            if variants and (type(item) is not tree.Variant or self.apart(end, start)):
                self.tabulate(lines, variants, indent)
            for comment in self.between(end, start):
                if before is not None and first and not comment.own_line:
                    comments[len(lines) - 1] = comment.text
                else:
                    if lines and self.blank(end, comment.span.start):
                        self.align(lines, claims)
                        hanging = 0
                        lines.append("")
                    lines.append(" " * indent + comment.text)
                first = False
                end = comment.span.end
            if item is None:
                break
            if lines and self.blank(end, start):
                self.align(lines, claims)
                hanging = 0
                lines.append("")
            is_line = type(item) is tree.Line
            if not is_line:
                self.align(lines, claims)
                hanging = 0
            elif item.label is not None:
                hanging = len(item.label) + 2
            hangs = is_line and item.label is None and hanging and self.column(item) > margin
            written, claim = self.item(item, indent + (hanging if hangs else 0))
            for comment in self.inside(item.span):
                lines.append(" " * indent + comment.text)
            lines += written
            if claim:
                claims[len(lines) - 1] = claim
            if type(item) is tree.Variant:
                variants.append(self.variant(item))
            end = max(end, item.span.end)
            before = item
        self.align(lines, claims)
        columns.append_runs(lines, comments, columns.COMMENT_GAP)
        return lines

    def align(self, lines: list[str], claims: dict[int, str]) -> None:
        """Puts the claims of lines that follow one another into one column."""
        columns.append(lines, claims, columns.CLAIM_GAP)
        claims.clear()

    def tabulate(self, lines: list[str], variants: list[columns.Variant], indent: int) -> None:
        """Makes the last lines, those of the variants, a table."""
        if variants:
            lines[-len(variants) :] = [" " * indent + row for row in columns.table(variants)]
            variants.clear()

    def variant(self, variant: tree.Variant) -> columns.Variant:
        claims = (w.write_claim(claim, self.text).partition(" ") for claim in variant.claims)
        return columns.Variant(
            f"variant {variant.name}",
            tuple((setting.name, w.write_expr(setting.value)) for setting in variant.settings),
            tuple((subject, value) for subject, _, value in claims),
        )

    # --- comments and blank lines -----------------------------------------------------------------

    def between(self, low: int, high: int) -> list[tree.Comment]:
        found = [c for c in self._comments(low, high) if c.span.start not in self.done]
        self.done.update(comment.span.start for comment in found)
        return found

    def inside(self, span: Span) -> list[tree.Comment]:
        """The comments in an item that stand where no line of its own can be: they go before it."""
        return self.between(span.start, span.end)

    def _comments(self, low: int, high: int) -> list[tree.Comment]:
        from bisect import bisect_left

        comments = self.comments
        first = bisect_left(comments, low, key=lambda comment: comment.span.start)
        last = bisect_left(comments, high, key=lambda comment: comment.span.start)
        return comments[first:last]

    def apart(self, low: int, high: int) -> bool:
        """Whether anything but the end of a line, and a comment behind it, stands in between."""
        own = any(comment.own_line for comment in self._comments(low, high))
        return own or self.blank(low, high)

    def blank(self, low: int, high: int) -> bool:
        gap = self.text[low:high].replace("\r\n", "\n").replace("\r", "\n")
        return gap.count("\n") > 1

    def column(self, item: Any) -> int:
        text, start = self.text, item.span.start
        return int(start) - line_start(text, start)

    # --- one item ---------------------------------------------------------------------------------

    def item(self, item: Item, indent: int) -> tuple[list[str], str]:
        """The item's lines and the claim that the last of them ends with."""
        pad = " " * indent
        match item:
            case tree.Line():
                return self.line(item, indent)
            case tree.Block():
                return self.block(item, indent), ""
            case tree.Model():
                text = f"model {item.name}" + (f' "{item.title}"' if item.title else "")
            case tree.Input():
                name = f"{item.name}: " if item.name else ""
                text = f"input {name}{w.write_dims(item.shape)}"
            case tree.Let():
                text = f"let {item.name} = {w.write_expr(item.value)}"
            case tree.Variant():
                text = self.variant(item).plain()
            case tree.Default():
                words = [word.name for word in item.words]
                text = " ".join(["default", *words, *map(w.write_argument, w.ordered(item.arguments))])
            case tree.Output():
                text = "output " + ", ".join(f"@{reference.name}" for reference in item.references)
            case tree.Expect():
                text = f"expect {w.write_claims(item.claims, self.text)}"
            case tree.ErrorStatement():
                text = self.verbatim(item.span)
        return [pad + text], ""

    def verbatim(self, span: Span) -> str:
        """What could not be read stays as it is."""
        return " ".join(self.text[span.start : span.end].split())

    def block(self, block: tree.Block, indent: int) -> list[str]:
        word = "shared" if block.shared else "block"
        head = f"{' ' * indent}{word} {block.name}({', '.join(map(w.write_parameter, block.parameters))})"
        regions = self.regions(block.span, braces=True)
        body = self.sequence_inline(block.body, regions[0] if regions else None)
        if body is not None and len(head) + len(body) + 6 <= WIDTH:
            return [f"{head} {{ {body} }}" if body else f"{head} {{ }}"]
        return [
            f"{head} {{",
            *self.region(block.body, regions[0] if regions else None, indent + 2),
            " " * indent + "}",
        ]

    def line(self, line: tree.Line, indent: int) -> tuple[list[str], str]:
        pad = " " * indent
        label = f"{line.label}: " if line.label is not None else ""
        steps = list(line.steps)
        claim = ""
        last = steps[-1]
        if type(last) is tree.ClaimStep and len(steps) > 1:
            claim = f"=> {w.write_claims(last.claims, self.text)}"
            steps.pop()
        inline = [self.step_inline(step) for step in steps]
        if None not in inline:
            text = pad + label + join(steps, inline)  # type: ignore[arg-type]
            if len(text) <= WIDTH or not any(type(step) in _BRACKETED for step in steps):
                return ([text] if len(text) <= WIDTH else self.folded(pad, label, steps, inline)), claim  # type: ignore[arg-type]
            # too long: the longest bracket is laid out, which is enough for nearly all lines
            longest = max(
                (i for i, step in enumerate(steps) if type(step) in _BRACKETED),
                key=lambda i: len(inline[i] or ""),
            )
            inline[longest] = None
        lines = [pad + label]
        for index, (step, text_) in enumerate(zip(steps, inline, strict=True)):
            if index:
                lines[-1] += " " if type(step) is tree.ClaimStep else " -> "
            if text_ is not None:
                lines[-1] += text_
            else:
                written = self.step(step, indent)
                lines[-1] += written[0]
                lines += written[1:]
        return lines, claim

    def folded(self, pad: str, label: str, steps: list[Any], inline: list[str]) -> list[str]:
        """A long chain without brackets, gone on with on further lines that begin with `->`."""
        lines = [pad + label + inline[0]]
        for step, text in zip(steps[1:], inline[1:], strict=True):
            link = " " if type(step) is tree.ClaimStep else " -> "
            if len(lines[-1]) + len(link) + len(text) > WIDTH:
                lines.append(f"{pad}    {link.lstrip()}{text}")
            else:
                lines[-1] += link + text
        return lines

    # --- steps ------------------------------------------------------------------------------------

    def step_inline(self, step: tree.Step) -> str | None:
        """The step on one line, or None where it has to be laid out."""
        match step:
            case tree.LayerStep():
                arguments = w.ordered(step.arguments)
                if any(
                    type(a.value) is tree.Matrix and len(w.write_matrix(a.value)) > MATRIX_WIDTH
                    for a in arguments
                ):
                    return None
                return " ".join([step.word, *map(w.write_argument, arguments)])
            case tree.CallStep():
                return w.write_call(step.name, step.arguments)
            case tree.StartStep():
                return f"@{step.reference.name}"
            case tree.ClaimStep():
                return f"=> {w.write_claims(step.claims, self.text)}"
            case tree.ErrorStep():
                return self.verbatim(step.span)
        sequences = self.sequences(step)
        inline = [self.sequence_inline(sequence, region) for sequence, region in sequences]
        if None in inline:
            return None
        shown = [text or "id" for text in inline]
        match step:
            case tree.GroupStep():
                return f"[{shown[0]}]{self.times(step)}"
            case tree.BranchStep():
                return f"{step.word} [ {' | '.join(shown)} ]"
            case tree.IfStep():
                text = f"if {w.write_expr(step.condition)} [ {shown[0]} ]"
                if step.otherwise is None:
                    return text
                return f"{text} else {shown[1] if chained(step.otherwise) else f'[ {shown[1]} ]'}"

    def times(self, step: tree.GroupStep) -> str:
        return "" if step.times is None else f"*{w._expr(step.times, w._ATOM)}"

    def step(self, step: tree.Step, indent: int) -> list[str]:
        """The step laid out over lines; what goes on behind it follows on the last of them."""
        pad = " " * indent
        if type(step) is tree.LayerStep:
            return self.layer(step, indent)
        sequences = self.sequences(step)
        match step:
            case tree.GroupStep():
                return ["[", *self.region(*sequences[0], indent + 2, "id"), f"{pad}]{self.times(step)}"]
            case tree.BranchStep():
                lines = [f"{step.word} ["]
                for index, (sequence, region) in enumerate(sequences):
                    branch = self.region(sequence, region, indent + 4, "id")
                    if index:
                        if branch[0].lstrip().startswith("#"):
                            lines.append(f"{pad}  |")
                        else:
                            branch[0] = f"{pad}  | {branch[0].lstrip()}"
                    lines += branch
                return [*lines, f"{pad}]"]
            case tree.IfStep():
                lines = [
                    f"if {w.write_expr(step.condition)} [",
                    *self.region(*sequences[0], indent + 2, "id"),
                    f"{pad}]",
                ]
                if step.otherwise is None:
                    return lines
                if chained(step.otherwise):
                    rest = self.step(step.otherwise.items[0].steps[0], indent)  # type: ignore[union-attr]
                    return [*lines[:-1], f"{lines[-1]} else {rest[0]}", *rest[1:]]
                return [
                    *lines[:-1],
                    f"{pad}] else [",
                    *self.region(*sequences[1], indent + 2, "id"),
                    f"{pad}]",
                ]
        raise AssertionError(step)

    def layer(self, step: tree.LayerStep, indent: int) -> list[str]:
        """A layer with a large matrix: equal rows under one another, rows of several lengths filled up."""
        lines = [step.word]
        pad = " " * (indent + 6)
        for argument in w.ordered(step.arguments):
            value = argument.value
            if type(argument) is not tree.NamedArgument or type(value) is not tree.Matrix:
                lines[-1] += f" {w.write_argument(argument)}"
                continue
            lines[-1] += f" {argument.name}=["
            for index, plane in enumerate(value.planes):
                rows = w.write_rows(plane)
                equal = len(set(map(len, plane))) == 1
                filled: list[str] = []
                for number, row in enumerate(rows):
                    same = number and len(plane[number]) == len(plane[number - 1])
                    if same and not equal and len(pad) + len(filled[-1]) + 2 + len(row) <= MATRIX_WIDTH:
                        filled[-1] += f"; {row}"
                    else:
                        filled.append(row)
                if index:
                    filled[0] = f"| {filled[0]}"
                lines += [
                    (pad[:-2] if index and not number else pad) + row for number, row in enumerate(filled)
                ]
            lines[-1] += " ]"
        return lines

    # --- sequences in brackets --------------------------------------------------------------------

    def sequences(self, step: Any) -> list[tuple[tree.Sequence, Span | None]]:
        """The sequences in a step's brackets, each with the text between its brackets or bars."""
        if type(step) is tree.GroupStep:
            found = [step.body]
        elif type(step) is tree.BranchStep:
            found = list(step.branches)
        else:
            found = [step.then] if step.otherwise is None else [step.then, step.otherwise]
        regions: list[Span | None] = list(self.regions(step.span))
        if type(step) is tree.IfStep and step.otherwise is not None and chained(step.otherwise):
            regions[1:] = [step.otherwise.span] if regions else []
        regions += [None] * (len(found) - len(regions))
        return list(zip(found, regions, strict=False))

    def regions(self, span: Span, braces: bool = False) -> list[Span]:
        """The stretches between the outermost brackets and bars of a step.

        None where no comment stands in it.
        """
        if not self._comments(span.start, span.end):
            return []
        opening, closing = ("{", "}") if braces else ("[", "]")
        found = []
        depth = 0
        start = span.start
        for match in _STRUCTURE.finditer(self.text, span.start, span.end):
            char = match.group()
            if char == opening and depth == 0:
                start = match.end()
            elif (char == "|" and depth == 1) or (char == closing and depth == 1):
                found.append(Span(start, match.start()))
                start = match.end()
            if char in "[({":
                depth += 1
            elif char in "])}":
                depth -= 1
        return found

    def sequence_inline(self, sequence: tree.Sequence, region: Span | None) -> str | None:
        if region and self._comments(region.start, region.end):
            return None
        if not sequence.items:
            return ""
        (first, *more) = sequence.items
        if more or type(first) is not tree.Line or first.label is not None:
            return None
        inline = [self.step_inline(step) for step in first.steps]
        return None if None in inline else join(list(first.steps), inline)  # type: ignore[arg-type]

    def region(self, sequence: tree.Sequence, region: Span | None, indent: int, empty: str = "") -> list[str]:
        low, high = region or sequence.span
        lines = self.items(sequence.items, low, high, indent)
        if empty and not sequence.items:
            lines.append(" " * indent + empty)
        return lines


def chained(otherwise: tree.Sequence) -> bool:
    """Whether an `else` is written `else if`."""
    if len(otherwise.items) != 1:
        return False
    (line,) = otherwise.items
    return type(line) is tree.Line and line.label is None and [type(s) for s in line.steps] == [tree.IfStep]


def join(steps: list[Any], texts: list[str]) -> str:
    line = texts[0]
    for step, text in zip(steps[1:], texts[1:], strict=True):
        line += f" {text}" if type(step) is tree.ClaimStep else f" -> {text}"
    return line
