"""What is said about a mistake, and which mistakes can be read as what they were meant to be."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from cnnspec.diagnostics import Edit, Span
from cnnspec.language import foreign
from cnnspec.language.automaton import END, STATEMENTS, Automaton, Failure
from cnnspec.language.build import SMALL_HYPER

STATEMENT = re.compile(r"(?:model|input|variant|default|block|shared|output|expect)(?![A-Za-z0-9_:])")
_ARROW_LIKE = re.compile(r"-+[ \t]*>+|~>|>+(?!=)")
_CLAIMS_LIKE = re.compile(r"={2,}>+|=>+|=[ \t]+>")
_NUMBER_LIKE = re.compile(r"~?[0-9.][0-9A-Za-z_.]*(?:,[0-9]+)*[A-Za-z]*")
_LETTER_NUMBER = re.compile(r"[FSPKGD][0-9][0-9A-Za-z_.]*")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?(?![A-Za-z0-9_.])")
_TIMES = re.compile(r"x?[ \t]*([0-9]+)(?![A-Za-z0-9_.])")
_WORD = re.compile(r"\w+")
_VARIANT = re.compile(r"[ \t]*(variant[ \t]+\w+)[ \t]*")
_LAYER = re.compile(r"[ \t]*([A-Za-z][A-Za-z0-9_]*)")
REST = re.compile(r"[^\r\n]*")

Instead: TypeAlias = Callable[..., "Repair"]
Finding: TypeAlias = tuple[str, str, Span, str, tuple[Edit, ...]]


class Repair(NamedTuple):
    """How to go on as if it had been written right: the tokens to take, and where the text goes on."""

    code: str
    message: str
    span: Span
    help: str
    fix: tuple[Edit, ...]
    safe: bool
    feeds: tuple[tuple[str, str, int, int], ...]
    pos: int


def found(failure: Failure, text: str) -> str:
    """A token in plain words."""
    kind = failure.kind
    if kind == END:
        return "the end of the file"
    if kind == "_NL":
        return "the end of the line"
    if kind == "?":
        return character(failure.text)
    return f"`{failure.text.strip()}`"


def character(char: str) -> str:
    if char.isprintable() and char != "`":
        return f"`{char}`"
    return f"the character U+{ord(char):04X}"


def repair(automaton: Automaton, failure: Failure) -> Repair | None:
    """The mistake and its mending, where it is plain what was meant."""
    text, kind, start, end = automaton.text, failure.kind, failure.start, failure.end
    accepts, span = automaton.accepts, Span(start, end)

    def instead(kind: str, plain: str, end: int, message: str, code: str = "E101", help: str = "") -> Repair:
        where = Span(start, end)
        return Repair(
            code, message, where, help or f"write `{plain}`", (Edit(where, plain),), True,
            ((kind, plain, start, end),), end,
        )  # fmt: skip

    def drop(end: int, message: str, help: str) -> Repair:
        where = Span(start, end)
        return Repair("E101", message, where, help, (Edit(where, ""),), True, (), end)

    if foreign.recognise(automaton, failure) is not None:
        return None
    if kind in STATEMENTS or kind in ("LET", "IF", "ELSE", "AND", "OR", "NOT"):
        if automaton.last in ("MODEL", "LET", "VARIANT") and accepts("NAME"):
            return Repair(
                "E107", f"`{failure.text}` cannot be a name: it is a word of the language", span,
                "choose another name", (), False, (("NAME", failure.text, start, end),), end,
            )  # fmt: skip
    if kind == "NAME" and accepts("HYPER") and SMALL_HYPER.fullmatch(failure.text):
        upper = _upper(failure.text)
        return instead("HYPER", upper, end, f"a hyperparameter has a capital letter: `{upper}`", "E104")
    if kind == "?":
        return _odd_character(automaton, failure, instead)
    if (claims := _CLAIMS_LIKE.match(text, start)) and accepts("CLAIMS"):
        return instead("CLAIMS", "=>", claims.end(), f"`{claims.group()}` in place of `=>`")
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
        if number and accepts("LPAR") and automaton.last == "NAME":
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
                f"write `{plain}`, or give the argument by its name", (Edit(where, plain),), True,
                feeds, number.end(),
            )  # fmt: skip
    if kind == "VBAR" and automaton.brackets and automaton.brackets[-1].kind == "[" and accepts("_NL"):
        return Repair(
            "E101", "`|` parts branches, and here are none", span,
            "branches stand behind a word that merges them: `add [ … | … ]`, `concat [ … | … ]`",
            (), False, (("_NL", "\n", start, end),), end,
        )  # fmt: skip
    if kind in ("NAME", "DIM", "NUMBER") and automaton.last == "RSQB" and accepts("STAR"):
        times = _TIMES.match(text, start)
        if times:
            count = ("NUMBER", times[1], times.start(1), times.end())
            where = Span(_before(text, start), times.end())
            return Repair(
                "E101", "a repetition is written with `*`", where, f"write `*{times[1]}`",
                (Edit(where, f"*{times[1]}"),), True, (("STAR", "*", start, start), count), times.end(),
            )  # fmt: skip
    if (
        kind in ("LSQB", "NAME", "CALL")
        and accepts("ARROW")
        and (kind == "LSQB" or automaton.last in ("RSQB", "RPAR"))
    ):
        gap = _before(text, start)
        return Repair(
            "E101", f"`->` is missing before {found(failure, text)}", span,
            "the next step follows with `->` or on a new line", (Edit(Span(gap, gap), " ->"),), False,
            (("ARROW", "->", start, start),), start,
        )  # fmt: skip
    if (
        kind in ("NUMBER", "NAME", "CALL", "LPAR", "MINUS")
        and accepts("EQUAL")
        and not accepts("HYPER")
        and not accepts("COMMA")
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
        return drop(end, "a step is missing before `->`", "leave the arrow out")
    if kind == "EQUAL" and accepts("COMPARE"):
        return instead("COMPARE", "==", end, "`=` in a condition; two values are compared with `==`")
    if kind == "VBAR" and text.startswith("||", start) and accepts("OR"):
        return instead("OR", "or", start + 2, "`||` in place of `or`")
    if kind == "SEMICOLON":
        rest = REST.match(text, end)
        tail = rest.group().strip() if rest else ""
        if not tail or tail[0] == "#":
            return drop(end, "a line ends without `;`", "leave the `;` out")
        if accepts("_NL"):
            return Repair(
                "E101", "`;` does not part steps", span, "the next step follows with `->` or on a new line",
                (), False, (("_NL", "\n", start, end),), end,
            )  # fmt: skip
    inside = automaton.brackets[-1].kind if automaton.brackets else ""
    if kind == "COMMA" and inside == "[" and accepts("VBAR"):
        return Repair(
            "E101", "branches are parted by `|`, not by commas", span, "write `|`",
            (Edit(span, " |"),), False, (("VBAR", "|", start, end),), end,
        )  # fmt: skip
    if kind == "COMMA" and inside != "(":
        following = _LAYER.match(text, end)
        if accepts("ARROW") and following and foreign.is_layer(following[1]):
            return Repair(
                "E101", "steps are parted by `->`, not by commas", span, "write `->`",
                (Edit(span, " ->"),), True, (("ARROW", "->", start, end),), end,
            )  # fmt: skip
        if accepts("HYPER"):
            return drop(end, "arguments are parted by spaces, not by commas", "leave the comma out")
        rest = REST.match(text, end)
        if not (rest and rest.group().split("#")[0].strip()):
            return drop(end, "a line ends without a comma", "leave the comma out")
    if kind in ("NAME", "NUMBER", "CALL", "REFERENCE", "LPAR", "DIM", "CLAIM_NUMBER") and accepts("COMMA"):
        if inside == "(" or automaton.last in ("CLAIM_NUMBER", "REFERENCE"):
            comma = Span(_before(text, start), _before(text, start))
            return Repair(
                "E101", f"`,` is missing before {found(failure, text)}", span, "put a comma between the two",
                (Edit(comma, ","),), False, (("COMMA", ",", start, start),), start,
            )  # fmt: skip
    if kind in ("RPAR", "RSQB", "RBRACE") and not any(
        b.kind == "([{"[")]}".index(failure.text)] for b in automaton.brackets
    ):
        return drop(end, f"`{failure.text}` closes nothing: no bracket is open", "leave it out")
    return None


def _odd_character(automaton: Automaton, failure: Failure, instead: Instead) -> Repair | None:
    text, start = automaton.text, failure.start
    accepts, char = automaton.accepts, failure.text
    rest = REST.match(text, start)
    line = rest.group() if rest else ""
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
    number = _NUMBER_LIKE.match(text, start)
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
    elif kinds and re.fullmatch(_NUMBER, plain):
        return instead(kinds[0], plain, stop, f"`{written}` is no number", "E106")
    return None


def explain(automaton: Automaton, failure: Failure) -> Finding:
    """The mistake in plain words: what was found, what may stand there, how it is written."""
    text, kind, start, end = automaton.text, failure.kind, failure.start, failure.end
    last = automaton.last
    told = foreign.recognise(automaton, failure)
    if told is not None:
        message, where, advice, fix = told
        return "E102", message, where, advice, fix
    if kind == "?":
        return _explain_character(automaton, failure)
    span = Span(start, end) if kind != "_NL" else Span(start, start)
    what = found(failure, text)
    early = {END: "the file ends too early", "_NL": "the line ends too early"}.get(kind, f"unexpected {what}")
    inside = automaton.brackets[-1].kind if automaton.brackets else ""
    if last == "NAME" and kind in ("NUMBER", "DIM"):
        before = _before(text, start)
        letter = text[before - 1 : before]
        whole = _NUMBER_LIKE.match(text, start)
        if letter in set("FSPKGDfspkgd") and not text[before - 2 : before - 1].isalnum() and whole:
            plain = letter.upper() + whole.group()
            where = Span(before - 1, whole.end())
            return (
                "E104",
                f"a hyperparameter is written without a space: `{plain}`",
                where,
                "",
                (Edit(where, plain),),
            )
    if kind == "NUMBER" and automaton.accepts("CLAIM_NUMBER"):
        number = _NUMBER_LIKE.match(text, start)
        if number:
            return (
                "E106", f"`{number.group()}` is no number", Span(*number.span()),
                "commas stand before every three digits: 1,516", (),
            )  # fmt: skip
    if last in ("BLOCK", "SHARED") and failure.text in automaton.tables.keywords:
        return (
            "E107", f"`{failure.text}` cannot be a name: it is a word of the language", span,
            "choose another name", (),
        )  # fmt: skip
    if kind == "REFERENCE" and last == "ARROW":
        return (
            "E101", f"{what} stands at the head of a line or branch only", span,
            f"begin a new line: `{failure.text} -> …`; tensors come together in `add [ … | … ]`", (),
        )  # fmt: skip
    if (kind == "STAR" and last != "STAR") or (
        kind in ("NAME", "DIM") and last == "RSQB" and text[start] in "x0123456789"
    ):
        return "E101", f"unexpected {what}", span, "a repetition is written `[ … ]*3`", ()
    if kind == "HYPER" and automaton.accepts("CALL") and automaton.accepts("LSQB"):
        return (
            "E101", f"a step begins with the layer's word, not with {what}", span,
            f"put the layer before it, as in `conv {failure.text}`", (),
        )  # fmt: skip
    if kind == "EQUAL" and last == "NAME":
        return (
            "E101", "a line gives nothing a name with `=`", span,
            "a value is named with `let name = …`, a tensor with `name: steps`", (),
        )  # fmt: skip
    if kind == "COMPARE" and automaton.last in ("NUMBER", "NAME", "RPAR"):
        return "E101", f"unexpected {what}", span, "a comparison has two sides; join two with `and`", ()
    if last == "NAME" and kind in ("ARROW", "_NL", END, "COMMA") and automaton.accepts("CLAIM_NUMBER"):
        word = _WORD.search(
            text, text.rfind("=>", 0, start) if "=>" in text[max(0, start - 80) : start] else start
        )
        return (
            "E101", f"a claim needs a value before {what}", span,
            "claims look like `=> 64x56x56, params 1,516`; the next step follows with `->`"
            + (f": `-> {word.group()}`" if word and word.start() < start else ""), (),
        )  # fmt: skip
    expected = expectation(automaton)
    advice = f"here may stand {expected}" if expected else ""
    if inside and kind in ("RSQB", "RBRACE") and last == "ARROW":
        advice = "a step is missing behind `->`"
    elif (
        last in ("NAME", "HYPER")
        and kind != "_NL"
        and (head := _VARIANT.fullmatch(text, text.rfind("\n", 0, start) + 1, start))
    ):
        advice = f"a colon stands behind the variant's name: `{head[1]}: …`"
    elif kind == "STAR":
        advice = "there is no power; write `a*a`"
    elif kind == "LET" or kind in STATEMENTS:
        advice = f"`{failure.text}` begins a line of its own"
    return "E101", early, span, advice, ()


def _explain_character(automaton: Automaton, failure: Failure) -> Finding:
    text, start = automaton.text, failure.start
    char = failure.text
    begin = start
    while char == "." and begin > 0 and (text[begin - 1].isascii() and text[begin - 1].isalnum()):
        begin -= 1
    number = _NUMBER_LIKE.match(text, begin) or _LETTER_NUMBER.match(text, begin)
    if number and any(map(str.isdigit, number.group())):
        advice = "numbers look like 12, 0.5 and 1e-6"
        if automaton.accepts("CLAIM_NUMBER"):
            advice = "claimed numbers look like 1,516, 25.6M and ~8.8M; units are k, M and G"
        elif re.fullmatch(r"[0-9.,]+[kKmMgG]?", number.group()):
            advice = "commas and k, M, G stand in claims only; write all digits"
        return "E106", f"`{number.group()}` is no number", Span(*number.span()), advice, ()
    if char == "_" or (not char.isascii() and (char.isalpha() or char.isdigit())):
        begin = start
        while begin > 0 and (text[begin - 1].isalnum() or text[begin - 1] == "_"):
            begin -= 1
        word = _WORD.match(text, begin)
        span = Span(begin, word.end() if word else start + 1)
        name = text[span.start : span.end]
        reason = (
            "a name begins with a letter"
            if name.isascii()
            else "names are made of the letters a-z, A-Z, digits and _"
        )
        return "E107", f"`{name}` cannot be a name", span, reason, ()
    span = Span(start, failure.end)
    if char == "@":
        return "E101", "a label's name stands right behind `@`", span, "as in `@skip`", ()
    if char == '"':
        return (
            "E101",
            "unexpected text in quotation marks",
            span,
            'only a model has a title: `model Name "title"`',
            (),
        )
    if char == "^":
        return "E101", "unexpected `^`", span, "there is no power; write `a*a`", ()
    if char == ".":
        return "E101", "unexpected `.`", span, "names have no points in them", ()
    expected = expectation(automaton)
    advice = f"here may stand {expected}" if expected else ""
    return "E101", f"unexpected {character(char)}", span, advice, ()


def expectation(automaton: Automaton) -> str:
    """What may stand here, in plain words."""
    row = automaton.tables.rows[automaton.states[-1]]
    kinds = {kind for kind in row if automaton.accepts(kind)}
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


def _before(text: str, start: int) -> int:
    while start > 0 and text[start - 1] in " \t":
        start -= 1
    return start


def _upper(text: str) -> str:
    """`f3s1` → `F3S1`; the `x` of `f1x7` and the `same` of `psame` stay small."""
    return re.sub(r"([fspkgd])(same|[0-9]+(?:x[0-9]+)?)", lambda part: part[1].upper() + part[2], text)
