"""The canonical form of a spec: one answer for every file, with all its comments.

The author decides which lines there are, whether a blank line is between two of them, and whether a line
without a label is indented below the labels above it. Everything else follows from the tree: hyperparameters
are separate and in the order F S P K G D, a bracket is laid out over lines where it holds several or would be
too long, and the claims, the comments and the variants of lines that follow one another are in columns.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

from cnnspec.diagnostics import Source, Span, line_start
from cnnspec.language import columns, tree
from cnnspec.language import write as w

WIDTH = 100
"""A line longer than this has its brackets laid out over lines."""
MATRIX_WIDTH = 60

BRACKETED = (tree.GroupStep, tree.BranchStep, tree.IfStep)


def format_file(source: Source, file: tree.File) -> str:
    """The file's canonical text; it ends with a new line, or is empty."""
    writer = _Writer(source.text, list(file.comments))
    lines = writer.items(file.statements, 0, len(source.text), 0)
    return "".join(line.rstrip() + "\n" for line in lines)


class _Writer:
    def __init__(self, text: str, comments: list[tree.Comment]) -> None:
        self.text = text
        self.comments = comments
        self.done: set[int] = set()  # the offsets of the comments that have been written

    # --- lists of lines ---------------------------------------------------------------------------

    def items(self, items: tuple[Any, ...], low: int, high: int, indent: int) -> list[str]:
        """The lines of a file or a sequence whose text is `low` to `high`, with comments and blank lines."""
        lines: list[str] = []
        claims: list[dict[int, str]] = [{}]  # by the number of the line that they end; a column for each dict
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
                        claims.append({})
                        hanging = 0
                        lines.append("")
                    lines.append(" " * indent + comment.text)
                first = False
                end = comment.span.end
            if item is None:
                break
            if lines and self.blank(end, start):
                claims.append({})
                hanging = 0
                lines.append("")
            is_line = type(item) is tree.Line
            if not is_line:
                claims.append({})
                hanging = 0
            elif item.label is not None:
                hanging = len(item.label) + 2
            hangs = is_line and item.label is None and hanging and self.column(item) > margin
            written, claim = self.item(item, indent + (hanging if hangs else 0))
            for comment in self.between(*item.span):  # comments where no line of their own is possible
                lines.append(" " * indent + comment.text)
            lines += written
            if claim:
                claims[-1][len(lines) - 1] = claim
            if type(item) is tree.Variant:
                variants.append(self.variant(item))
            end = max(end, item.span.end)
            before = item
        for ends in claims:
            columns.append(lines, ends, columns.CLAIM_GAP)
        columns.append_runs(lines, comments, columns.COMMENT_GAP)
        return lines

    def tabulate(self, lines: list[str], variants: list[columns.Variant], indent: int) -> None:
        """Lays out the last lines, those of the variants, as a table."""
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
        """The comments between two offsets that have not been written yet."""
        comments = [c for c in self._comments(low, high) if c.span.start not in self.done]
        self.done.update(comment.span.start for comment in comments)
        return comments

    def _comments(self, low: int, high: int) -> list[tree.Comment]:
        comments = self.comments
        first = bisect_left(comments, low, key=lambda comment: comment.span.start)
        last = bisect_left(comments, high, key=lambda comment: comment.span.start)
        return comments[first:last]

    def apart(self, low: int, high: int) -> bool:
        """Whether anything except the end of a line and a comment after it is in between."""
        own = any(comment.own_line for comment in self._comments(low, high))
        return own or self.blank(low, high)

    def blank(self, low: int, high: int) -> bool:
        gap = self.text[low:high].replace("\r\n", "\n").replace("\r", "\n")
        return gap.count("\n") > 1

    def column(self, item: Any) -> int:
        text, start = self.text, item.span.start
        return int(start) - line_start(text, start)

    # --- one item ---------------------------------------------------------------------------------

    def item(self, item: tree.Statement, indent: int) -> tuple[list[str], str]:
        """The item's lines and the claim that the last of them ends with."""
        pad = " " * indent
        match item:
            case tree.Line():
                return self.line(item, indent)
            case tree.Block():
                inline = self.inline(item)
                fits = inline is not None and len(pad + inline) < WIDTH
                first, *more = [inline] if inline and fits else self.laid_out(item, indent)
                return [pad + first, *more], ""
            case tree.Model():
                text = f"model {item.name}" + (f' "{item.title}"' if item.title else "")
            case tree.Input():
                name = f"{item.name}: " if item.name else ""
                text = f"input {name}{w.write_dims(item.shape)}"
            case tree.Let():
                text = f"let {item.name} = {w.write_expr(item.value)}"
                if type(item.value) is tree.List and (more := self.rows(item.value, len(pad + text), pad)):
                    return [f"{pad}let {item.name} = (", *more, f"{pad})"], ""
            case tree.Variant():
                text = self.variant(item).plain()
            case tree.Default():
                words = [word.name for word in item.words]
                text = " ".join(["default", *words, *map(w.write_default, w.ordered(item.arguments))])
            case tree.Output():
                text = f"output {w.write_references(item.references)}"
            case tree.Expect():
                text = f"expect {w.write_claims(item.claims, self.text)}"
            case tree.ErrorStatement():
                text = self.verbatim(item.span)
        return [pad + text], ""

    def rows(self, list_: tree.List, width: int, pad: str) -> list[str]:
        """The lines of a list of lists that the author wrote over lines, or of a list that is too long for
        one: a row on each, their entries in columns."""
        nested = all(type(entry) is tree.List for entry in list_.entries)
        over_lines = nested and len(self.text[slice(*list_.span)].splitlines()) > 1
        if width < WIDTH and not over_lines:
            return []
        rows = [entry.entries for entry in list_.entries if type(entry) is tree.List]
        if nested and len({len(row) for row in rows}) == 1 and len(rows[0]) > 1:
            cells = [[w.write_expr(entry) for entry in row] for row in rows]
            widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
            fitted = [[cell.rjust(n) for cell, n in zip(row, widths, strict=True)] for row in cells]
            return [f"{pad}  ({', '.join(row)})," for row in fitted]
        lines = [f"{pad} "]
        for text in map(w.write_expr, list_.entries):
            if nested or len(lines[-1]) + len(text) + 2 > WIDTH:
                lines.append(f"{pad} ")
            lines[-1] += f" {text},"
        return [line for line in lines if line.strip()]

    def verbatim(self, span: Span) -> str:
        """Keeps text that could not be parsed as it is."""
        return " ".join(self.text[span.start : span.end].split())

    def line(self, line: tree.Line, indent: int) -> tuple[list[str], str]:
        pad = " " * indent
        labels = [line.label or "", *(one.name for one in line.others)]
        label = f"{', '.join(labels)}: " if line.label is not None else ""
        steps = list(line.steps)
        claim = ""
        if type(steps[-1]) is tree.ClaimStep and len(steps) > 1:
            claim = self.inline(steps.pop()) or ""
        texts = [self.inline(step) for step in steps]
        folds = False
        if None not in texts and len(pad + label + join(steps, texts)) > WIDTH:
            bracketed = [number for number, step in enumerate(steps) if isinstance(step, BRACKETED)]
            folds = not bracketed
            if bracketed:  # the longest bracket is laid out, which is enough for nearly all lines
                texts[max(bracketed, key=lambda number: len(texts[number] or ""))] = None
        lines = [pad + label]
        for number, (step, text) in enumerate(zip(steps, texts, strict=True)):
            link = "" if number == 0 else _link(step)
            first, *more = self.laid_out(step, indent) if text is None else [text]
            if folds and link and len(lines[-1] + link + first) > WIDTH:
                lines.append(f"{pad}    ")
                link = link.lstrip()
            lines[-1] += link + first
            lines += more
        return lines, claim

    # --- steps, and blocks ------------------------------------------------------------------------

    def inline(self, step: tree.Step | tree.Block) -> str | None:
        """The step on one line, or None where it has to be laid out."""
        match step:
            case tree.LayerStep():
                arguments = w.ordered(step.arguments)
                matrices = [a.value for a in arguments if type(a.value) is tree.Matrix]
                for matrix in matrices:
                    written = self.text[matrix.span.start : matrix.span.end]
                    if len(_heads(written)) > 1 or len(w.write_matrix(matrix)) > MATRIX_WIDTH:
                        return None
                return " ".join([step.word, *map(w.write_argument, arguments)])
            case tree.CallStep():
                return w.write_call(step.name, step.arguments)
            case tree.StartStep():
                return w.write_references((step.reference, *step.others))
            case tree.ClaimStep():
                return f"=> {w.write_claims(step.claims, self.text)}"
            case tree.ErrorStep():
                return self.verbatim(step.span)
        parts, close = self.parts(step)
        empty = "" if type(step) is tree.Block else "id"
        blank = "" if type(step) is tree.GroupStep and not step.frozen else " "
        line = ""
        for opening, sequence in parts:
            text = self.sequence_inline(sequence)
            if text is None:
                return None
            text = text or empty
            line += opening + blank + text + blank * bool(text)
        return line + close

    def laid_out(self, step: Any, indent: int) -> list[str]:
        """The step over several lines; the chain continues on the last of them."""
        if type(step) is tree.LayerStep:
            return self.layer(step, indent)
        pad = " " * indent
        parts, close = self.parts(step)
        lines: list[str] = []
        inner = indent + (4 if type(step) is tree.BranchStep else 2)
        for opening, sequence in parts:
            body = self.items(sequence.items, *sequence.within, inner)
            if not sequence.items and type(step) is not tree.Block:
                body.append(" " * inner + "id")
            if opening == "|" and not body[0].lstrip().startswith("#"):
                body[0] = f"{pad}  | {body[0].lstrip()}"
            elif lines:
                lines.append(pad + ("  |" if opening == "|" else opening))
            else:
                lines.append(opening)
            lines += body
        return [*lines, pad + close]

    def parts(self, step: Any) -> tuple[list[tuple[str, tree.Sequence]], str]:
        """The sequences in a step's or block's brackets, each with its opening text; and the closing text."""
        match step:
            case tree.GroupStep():
                opening = "frozen [" if step.frozen else "["
                return [
                    (opening, step.body)
                ], f"]{'' if step.times is None else f'*{w.write_atom(step.times)}'}"
            case tree.BranchStep():
                head = " ".join([step.word, *map(w.write_argument, w.ordered(step.arguments))])
                openings = [f"{head} [", *"|" * (len(step.branches) - 1)]
                return list(zip(openings, step.branches, strict=True)), "]"
            case tree.Block():
                parameters = ", ".join(map(w.write_parameter, step.parameters))
                return [
                    (f"{'shared' if step.shared else 'block'} {step.name}({parameters}) {{", step.body)
                ], "}"
        parts = [(f"if {w.write_expr(step.condition)} [", step.then)]
        if step.otherwise is not None and (chained := _chained(step.otherwise)):
            (opening, sequence), *more = self.parts(chained)[0]
            parts += [(f"] else {opening}", sequence), *more]
        elif step.otherwise is not None:
            parts.append(("] else [", step.otherwise))
        return parts, "]"

    def layer(self, step: tree.LayerStep, indent: int) -> list[str]:
        """A layer with a matrix over lines: its rows stay on the lines on which the author put them; if that
        was one line, rows of equal length are one per line, and rows of several lengths fill the lines.
        """
        lines = [step.word]
        pad = " " * (indent + 6)
        for argument in w.ordered(step.arguments):
            matrix = argument.value
            if type(argument) is not tree.NamedArgument or type(matrix) is not tree.Matrix:
                lines[-1] += f" {w.write_argument(argument)}"
                continue
            lines[-1] += f" {argument.name}=["
            heads = _heads(self.text[matrix.span.start : matrix.span.end])
            equal = len({len(row) for plane in matrix.planes for row in plane}) == 1
            number = 0
            for index, plane in enumerate(matrix.planes):
                for place, row in enumerate(w.write_rows(plane)):
                    parts = index > 0 and place == 0
                    fits = not equal and place > 0 and len(lines[-1]) + len(row) + 2 <= MATRIX_WIDTH
                    if number in heads or (len(heads) == 1 and not fits):
                        lines.append(f"{pad[:-2]}| {row}" if parts else pad + row)
                    else:
                        lines[-1] += f"{' |' if parts else ';'} {row}"
                    number += 1
            lines[-1] += " ]"
        return lines

    def sequence_inline(self, sequence: tree.Sequence) -> str | None:
        if self._comments(*sequence.within):
            return None
        if not sequence.items:
            return ""
        first, *more = sequence.items
        if more or type(first) is not tree.Line or first.label is not None:
            return None
        texts = [self.inline(step) for step in first.steps]
        return None if None in texts else join(first.steps, texts)


def _chained(otherwise: tree.Sequence) -> tree.IfStep | None:
    """The `if` inside an `else`, where the two are written `else if`."""
    match otherwise.items:
        case (tree.Line(None, _, (tree.IfStep() as step,)),):
            return step
    return None


def _heads(matrix: str) -> set[int]:
    """The numbers of the rows that begin a line of a matrix's text; the first does."""
    heads, row, new_row, new_line = {0}, -1, True, True
    for piece in re.findall(r"#[^\r\n]*|[\r\n]|[;|]|[^][;|#\s]+", matrix):
        if piece[0] in "\r\n;|":
            new_row, new_line = True, new_line or piece[0] in "\r\n"
        elif piece[0] != "#":
            row += new_row
            heads |= {row} if new_row and new_line else set()
            new_row = new_line = False
    return heads


def _link(step: tree.Step) -> str:
    return " " if type(step) is tree.ClaimStep else " -> "


def join(steps: Sequence[tree.Step], texts: Sequence[str | None]) -> str:
    """The steps' texts as one line; none of them is None."""
    line = "".join(_link(step) + (text or "") for step, text in zip(steps, texts, strict=True))
    return line[len(_link(steps[0])) :]
