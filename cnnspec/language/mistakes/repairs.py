"""Which mistakes can be read as what they were meant to be, and how the parser goes on then."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from cnnspec.diagnostics import Edit, Span, line_start
from cnnspec.language.automaton import Automaton
from cnnspec.language.builder.letters import SMALL_HYPER
from cnnspec.language.mistakes import foreign
from cnnspec.language.mistakes.bullets import list_item
from cnnspec.language.mistakes.claimed import (
    claim_finding,
    claim_repair,
    number_in_pieces,
    points_between_thousands,
)
from cnnspec.language.mistakes.explanations import name_in_pieces
from cnnspec.language.mistakes.matrices import other_matrix
from cnnspec.language.mistakes.merged import arguments_between
from cnnspec.language.mistakes.mistake import Repair, found
from cnnspec.language.mistakes.named import label_apart, value_named
from cnnspec.language.mistakes.nearby import (
    LAYER,
    NUMBER_LIKE,
    REST,
    gap_before,
    mistyped_statement,
    open_reshape,
)
from cnnspec.language.mistakes.repeated import TIMES_BEHIND
from cnnspec.language.mistakes.sizes import sizes_apart
from cnnspec.language.tokens import STATEMENTS, Token

_ARROW_LIKE = re.compile(r"-+[ \t]*>+|~>|>+(?!=)")
_CLAIMS_LIKE = re.compile(r"={2,}>+|=>+|=[ \t]+>")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?(?![A-Za-z0-9_.])")
_INPUT_BEFORE = re.compile(r"(?:^|[\r\n])[ \t]*input[^\r\n]*[ \t\r\n]*$")
_SOME_HYPER = re.compile(r"[ \t]*[FSPKGD](?:[0-9]|same)")
_CLAIMED_SHAPE = re.compile(r"[ \t]*(?:[0-9]+[x@]|\()")
_VARIANT = re.compile(r"[ \t]*variant\b")
_ARROWS = re.compile(r"->(?:[ \t]*->)*")

Instead: TypeAlias = Callable[..., Repair]


def repair(automaton: Automaton, failure: Token) -> Repair | None:
    """The mistake and its mending, where it is plain what was meant."""
    text, kind, start, end = automaton.text, failure.type, failure.start, failure.end
    accepts, span = automaton.accepts, Span(start, end)

    def instead(kind: str, plain: str, end: int, message: str, code: str = "E101", help: str = "") -> Repair:
        where = Span(start, end)
        return Repair(
            code, message, where, help or f"write `{plain}`", (Edit(where, plain),), True,
            ((kind, plain, start, end),), end,
        )  # fmt: skip

    def drop(end: int, message: str, help: str) -> Repair:
        where = Span(start, end)
        glued = text[start - 1 : start].isalnum() and text[end : end + 1].isalnum()
        return Repair("E101", message, where, help, (Edit(where, " " if glued else ""),), True, (), end)

    if (item := list_item(automaton, failure)) is not None:
        return item
    if foreign.recognise(automaton, failure) is not None:
        return None
    if (between := arguments_between(automaton, failure)) is not None:
        return between
    if (named := value_named(automaton, failure)) is not None:
        return named
    if (label := label_apart(automaton, failure)) is not None:
        return label
    if (sizes := sizes_apart(automaton, failure)) is not None:
        return sizes
    if number_in_pieces(automaton, failure):
        return None
    if kind in ("EQUAL", "COMMA", "LBRACE", "STRING", "REFERENCE") and mistyped_statement(text, start):
        return None
    if accepts("CLAIM_NUMBER") or automaton.last == "CLAIM_NUMBER":
        claim = claim_repair(automaton, failure)
        if claim is not None or claim_finding(automaton, failure) is not None:
            return claim
    if (matrix := other_matrix(automaton, failure)) is not None:
        return matrix
    if kind == "NAME" and automaton.last in ("BLOCK", "SHARED"):
        return Repair(
            "E101", "a block has brackets behind its name, be there parameters or not", span,
            f"write `{failure.text}()`", (Edit(Span(end, end), "()"),), False,
            (("CALL", f"{failure.text}(", start, end), ("RPAR", ")", end, end)), end,
        )  # fmt: skip
    if kind == "BLOCK" and automaton.last == "SHARED":
        return drop(end, "`shared` stands in place of `block`", "leave `block` out")
    if kind in STATEMENTS or kind in ("LET", "IF", "ELSE", "AND", "OR", "NOT"):
        if automaton.last in ("MODEL", "LET", "VARIANT") and accepts("NAME"):
            return Repair(
                "E107", f"`{failure.text}` cannot be a name: it is a word of the language", span,
                "choose another name", (), False, (("NAME", failure.text, start, end),), end,
            )  # fmt: skip
    if kind == "NAME" and accepts("HYPER") and SMALL_HYPER.fullmatch(failure.text):
        upper = _upper(failure.text)
        return instead("HYPER", upper, end, f"a hyperparameter has a capital letter: `{upper}`", "E104")
    if (like := _CLAIMS_LIKE.match(text, start)) and accepts("CLAIMS"):
        return instead("CLAIMS", "=>", like.end(), f"`{like.group()}` in place of `=>`")
    if (arrow := _ARROW_LIKE.match(text, start)) and accepts("ARROW"):
        return instead("ARROW", "->", arrow.end(), f"`{arrow.group()}` in place of `->`")
    if kind == "DIVIDE" and failure.text == "//":
        rest = REST.match(text, start)
        stop = rest.end() if rest else end
        return Repair(
            "E101", "a comment begins with `#`", span, "write `#` in place of `//`",
            (Edit(span, "#"),), True, (), stop,
        )  # fmt: skip
    if text.startswith("/*", start):
        stop = text.find("*/", start)
        line = REST.match(text, start)
        stop = stop + 2 if stop >= 0 else line.end() if line else end
        return Repair(
            "E101", "a comment begins with `#` and ends with the line", Span(start, start + 2),
            "put `#` before each line of the comment", (), False, (), stop,
        )  # fmt: skip
    if kind in ("MINUS", "PLUS"):
        number = _NUMBER.match(text, end)
        if number and accepts("LPAR") and automaton.last == "NAME" and not open_reshape(text, end):
            where = Span(start, number.end())
            positive = kind == "PLUS"
            plain = number.group() if positive else f"({failure.text}{number.group()})"
            signed = ("NUMBER", number.group(), *number.span())
            feeds = (
                (signed,)
                if positive
                else (
                    ("LPAR", "(", start, start),
                    ("MINUS", "-", start, end),
                    signed,
                    ("RPAR", ")", number.end(), number.end()),
                )
            )
            return Repair(
                "E108", "an argument without a name has no leading sign", where,
                f"write `{plain}`, or give the argument by its name", (Edit(where, plain),), positive,
                feeds, number.end(),
            )  # fmt: skip
    if kind == "ARROW" and accepts("_NL") and _INPUT_BEFORE.search(text, max(0, start - 200), start):
        alone = not text[line_start(text, start) : start].strip()  # the arrow begins its line
        gap = Span(start if alone else gap_before(text, start), _behind_arrows(text, start))
        way, written = ("leave the arrow out", "") if alone else ("begin a new line here", "\n")
        return Repair(
            "E101", "the input is a statement of its own; the first step begins a new line", span, way,
            (Edit(gap, written),), False, (("_NL", "\n", start, end),), _behind_arrows(text, start),
        )  # fmt: skip
    if kind == "MINUS" and text.startswith("--", start) and not accepts("MINUS"):
        dashes = Span(start, start + 2)
        behind = REST.match(text, start)
        return Repair(
            "E101", "a comment begins with `#`", dashes, "write `#` in place of `--`",
            (Edit(dashes, "#"),), True, (), behind.end() if behind else end,
        )  # fmt: skip
    if failure.text in ("elif", "elseif") and accepts("ELSE"):
        return Repair(
            "E101", f"`{failure.text}` in place of `else if`", span, "write `else if`",
            (Edit(span, "else if"),), True, (("ELSE", "else", start, start), ("IF", "if", start, end)), end,
        )  # fmt: skip
    if kind == "VBAR" and automaton.brackets and automaton.brackets[-1].kind == "[" and accepts("_NL"):
        return Repair(
            "E101", "`|` parts branches, and here are none", span,
            "branches stand behind a word that merges them: `add [ … | … ]`, `concat [ … | … ]`",
            (), False, (("_NL", "\n", start, end),), end,
        )  # fmt: skip
    if automaton.last == "RSQB" and accepts("STAR") and (times := TIMES_BEHIND.match(text, start)):
        count = ("NUMBER", times[1], *times.span(1))
        where = Span(gap_before(text, start), times.end())
        return Repair(
            "E101", "a repetition is written with `*`", where, f"write `*{times[1]}`",
            (Edit(where, f"*{times[1]}"),), failure.text != "times",
            (("STAR", "*", start, start), count), times.end(),
        )  # fmt: skip
    if kind == "?":
        return _odd_character(automaton, failure, instead)
    if kind == "STAR" and automaton.last == "STAR" and len(automaton.values) > 1:
        if getattr(automaton.values[-2], "text", "") == "]" and text[start - 1] == "*":
            return drop(end, "`**` in place of `*`", "write `*`")
    if (
        kind in ("LSQB", "NAME", "CALL")
        and accepts("ARROW")
        and (kind == "LSQB" or automaton.last in ("RSQB", "RPAR"))
    ):
        place = gap_before(text, start)
        return Repair(
            "E101", f"`->` is missing before {found(failure, text)}", span,
            "the next step follows with `->` or on a new line", (Edit(Span(place, place), " ->"),), False,
            (("ARROW", "->", start, start),), start,
        )  # fmt: skip
    if (
        kind in ("NUMBER", "NAME", "CALL", "LPAR", "MINUS")
        and accepts("EQUAL")
        and not accepts("HYPER")
        and not accepts("COMMA")
        and not name_in_pieces(text, start)
    ):
        return Repair(
            "E101", f"`=` is missing before {found(failure, text)}", span, "as in `let k = 64`",
            (Edit(Span(start, start), "= "),), False, (("EQUAL", "=", start, start),), start,
        )  # fmt: skip
    if kind == "STRING" and automaton.last == "MODEL":
        return Repair(
            "E101", "a model has a name before its title", span, f"as in `model Net {failure.text}`",
            (), False, (("NAME", "Net", start, start),), start,
        )  # fmt: skip
    if kind == "ARROW" and accepts("CALL"):
        return drop(_behind_arrows(text, start), "a step is missing before `->`", "leave the arrow out")
    if kind == "EQUAL" and accepts("COMPARE"):
        return instead("COMPARE", "==", end, "`=` in a condition; two values are compared with `==`")
    if kind == "VBAR" and text.startswith("||", start) and accepts("OR"):
        return instead("OR", "or", start + 2, "`||` in place of `or`")
    if kind in ("SEMICOLON", "VBAR", "DIVIDE", "MINUS", "PLUS", "STAR") and automaton.last == "HYPER":
        if accepts("HYPER") and _SOME_HYPER.match(text, end):
            return Repair(
                "E101", f"arguments are parted by spaces, not by `{failure.text}`", span, "write a space",
                (Edit(span, " "),), True, (), end,
            )  # fmt: skip
    if kind == "MINUS" and accepts("ARROW") and (following := LAYER.match(text, end)):
        if foreign.is_layer(following[1]):
            return instead("ARROW", " -> ", end, "`-` in place of `->`", help="write `->`")
    if (kind == "EQUAL" or failure.text == "==") and accepts("CLAIMS") and _CLAIMED_SHAPE.match(text, end):
        return instead("CLAIMS", "=>", end, f"`{failure.text}` in place of `=>`")
    if kind == "SEMICOLON" and accepts("COMMA") and _VARIANT.match(text, line_start(text, start)):
        return instead("COMMA", ",", end, "what a variant says is parted by commas, not by `;`")
    if kind in ("EXPECT", "NAME") and accepts("COMMA") and _VARIANT.match(text, line_start(text, start)):
        comma = Span(gap_before(text, start), gap_before(text, start))
        return Repair(
            "E101", f"`,` is missing before {found(failure, text)}", span, "put a comma between the two",
            (Edit(comma, ","),), True, (("COMMA", ",", start, start),), start,
        )  # fmt: skip
    if kind == "SEMICOLON":
        rest = REST.match(text, end)
        tail = rest.group().strip() if rest else ""
        if not tail or tail[0] == "#":
            return drop(end, "a line ends without `;`", "leave the `;` out")
        if accepts("_NL"):
            return Repair(
                "E101", "`;` does not part steps", span, "the next step follows with `->` or on a new line",
                (Edit(span, "\n"),), False, (("_NL", "\n", start, end),), end,
            )  # fmt: skip
    inside = automaton.brackets[-1].kind if automaton.brackets else ""
    if kind == "COMMA" and inside == "[" and accepts("VBAR"):
        return Repair(
            "E101", "branches are parted by `|`, not by commas", span, "write `|`",
            (Edit(span, " |"),), False, (("VBAR", "|", start, end),), end,
        )  # fmt: skip
    behind = REST.match(text, end)
    if kind == "COMMA" and inside != "(" and not (behind and behind.group().split("#")[0].strip()):
        return drop(end, "a line ends without a comma", "leave the comma out")
    if kind == "COMPARE" and failure.text == ">" and automaton.last == "COMPARE" and text[start - 1] == "<":
        where = Span(start - 1, end)
        return Repair(
            "E101", "`<>` in place of `!=`", where, "write `!=`", (Edit(where, "!="),), True, (), end
        )
    if kind == "COMPARE" and automaton.last == "ARROW" and text[start - 1] == ">":
        return drop(end, f"`->{failure.text}` in place of `->`", f"leave the `{failure.text}` out")
    if kind == "COMMA" and inside != "(":
        following = LAYER.match(text, end)
        if accepts("ARROW") and following and foreign.is_layer(following[1]):
            return Repair(
                "E101", "steps are parted by `->`, not by commas", span, "write `->`",
                (Edit(span, " ->"),), True, (("ARROW", "->", start, end),), end,
            )  # fmt: skip
        if accepts("HYPER"):
            return drop(end, "arguments are parted by spaces, not by commas", "leave the comma out")
    if kind in ("NAME", "NUMBER", "CALL", "REFERENCE", "LPAR", "DIM", "CLAIM_NUMBER") and accepts("COMMA"):
        if inside == "(" or automaton.last in ("CLAIM_NUMBER", "REFERENCE"):
            comma = Span(gap_before(text, start), gap_before(text, start))
            return Repair(
                "E101", f"`,` is missing before {found(failure, text)}", span, "put a comma between the two",
                (Edit(comma, ","),), False, (("COMMA", ",", start, start),), start,
            )  # fmt: skip
    if kind in ("RPAR", "RSQB", "RBRACE") and not any(
        b.kind == "([{"[")]}".index(failure.text)] for b in automaton.brackets
    ):
        return drop(end, f"`{failure.text}` closes nothing: no bracket is open", "leave it out")
    return None


def _odd_character(automaton: Automaton, failure: Token, instead: Instead) -> Repair | None:
    text, start = automaton.text, failure.start
    accepts, char = automaton.accepts, failure.text
    rest = REST.match(text, start)
    line = rest.group() if rest else ""
    if (dotted := points_between_thousands(automaton, start)) is not None:
        return dotted
    if char in "\"'`":
        close = line.find(char, 1)
        stop = start + (close + 1 if close > 0 else len(line.rstrip()))
        title = text[start + 1 : stop - 1 if close > 0 else stop]
        feeds = (("STRING", f'"{title}"', start, stop),)
        if not accepts("STRING"):
            return None
        if char == '"':
            return Repair(
                "E105", "this title is not closed", Span(start, stop), 'put `"` behind it',
                (Edit(Span(stop, stop), '"'),), False, feeds, stop,
            )  # fmt: skip
        if close > 0 and '"' not in title:
            return instead("STRING", f'"{title}"', stop, 'a title stands in `"`', "E101")
        return None
    if line.startswith("&&") and accepts("AND"):
        return instead("AND", "and", start + 2, "`&&` in place of `and`")
    if char == "!" and accepts("NOT"):
        return instead("NOT", "not ", start + 1, "`!` in place of `not`")
    number = NUMBER_LIKE.match(text, start)
    if start and text[start - 1].isalnum():
        return None
    if number is None or not any(map(str.isdigit, number.group())):
        return None
    written, stop = number.group(), number.end()
    plain = written.replace("_", "")
    kinds = [kind for kind in ("CLAIM_NUMBER", "MATRIX_NUMBER", "NUMBER") if accepts(kind)]
    plain = f"0{plain}" if plain[0] == "." else plain.removesuffix(".")
    if kinds and kinds[0] == "CLAIM_NUMBER":
        plain = plain[:-1] + {"K": "k", "m": "M", "g": "G"}.get(plain[-1], plain[-1])
        plain = plain[:-1] + "G" if plain[-1] in "B" else plain
        if re.fullmatch(r"~?[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?[kMG]?", plain):
            advice = "units are k, M and G" if plain[-1].isalpha() else ""
            return instead("CLAIM_NUMBER", plain, stop, f"`{written}` is no number", "E106", advice)
    elif kinds and kinds[0] == "NUMBER" and re.fullmatch("[0-9]+[xX]", plain):
        return instead("NUMBER", plain[:-1], stop, f"`{written}` is no number", "E106")
    elif kinds and re.fullmatch(_NUMBER, plain):
        return instead(kinds[0], plain, stop, f"`{written}` is no number", "E106")
    return None


def _behind_arrows(text: str, start: int) -> int:
    """Where the arrows that stand here one behind the other end."""
    arrows = _ARROWS.match(text, start)
    if arrows:
        return arrows.end()
    return start + (2 if text.startswith(("->", "=>"), start) else 1)  # `→` is one character


def _upper(text: str) -> str:
    """`f3s1` → `F3S1`; the `x` of `f1x7` and the `same` of `psame` stay small."""
    return re.sub(r"([fspkgd])(same|[0-9]+(?:x[0-9]+)?)", lambda part: part[1].upper() + part[2], text)
