"""What is said about a mistake, and which mistakes can be read as what they were meant to be."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeAlias

from cnnspec.diagnostics import Edit, Span
from cnnspec.language import foreign
from cnnspec.language.automaton import END, STATEMENTS, Automaton, Failure
from cnnspec.language.build import SMALL_HYPER
from cnnspec.language.claimed import claim_finding, claim_repair, number_in_pieces
from cnnspec.language.mistake import Finding, Repair, character, found

STATEMENT = re.compile(r"(?:model|input|variant|default|block|shared|output|expect)(?![A-Za-z0-9_:])")
_ARROW_LIKE = re.compile(r"-+[ \t]*>+|~>|>+(?!=)")
_CLAIMS_LIKE = re.compile(r"={2,}>+|=>+|=[ \t]+>")
_NUMBER_LIKE = re.compile(r"~?[0-9.][0-9A-Za-z_.]*(?:,[0-9]+)*[A-Za-z]*")
_LETTER_NUMBER = re.compile(r"[FSPKGD][0-9][0-9A-Za-z_.]*")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?(?![A-Za-z0-9_.])")
_TIMES = re.compile(r"x?[ \t]*([0-9]+)(?![A-Za-z0-9_.])")
_NAMED = re.compile(r"[ \t]*(let|model)[ \t]+([^=\"#\r\n:,(]+)(?:=|\"|#|[\r\n]|$)")
_STATEMENT_WORDS = (*STATEMENT.pattern[3 : STATEMENT.pattern.index(")")].split("|"), "let")
_WORD = re.compile(r"\w+")
_INPUT_BEFORE = re.compile(r"(?:^|[\r\n])[ \t]*input[^\r\n]*[ \t\r\n]*$")
SOME_HYPER = re.compile(r"[ \t]*[FSPKGD](?:[0-9]|same)")
_CLAIMED_SHAPE = re.compile(r"[ \t]*(?:[0-9]+[x@]|\()")
_SHAPE_NEXT = re.compile(r"[ \t]+[0-9]+(?:[x@]|[ \t]*(?:[\r\n]|$))")
_OPEN_RESHAPE = re.compile(r"\b(?:reshape|view)[ \t]+-1$")
_ARROWS = re.compile(r"->(?:[ \t]*->)*")
_SUM = re.compile(r"@\w+(?:[ \t]*\+[ \t]*@\w+)+")
_TIMES_GROUP = re.compile(r"[0-9]+[ \t]*[*x]?[ \t]*\[")
_VARIANT = re.compile(r"[ \t]*(variant[ \t]+\w+)[ \t]*")
_LAYER = re.compile(r"[ \t]*([A-Za-z][A-Za-z0-9_]*)")
REST = re.compile(r"[^\r\n]*")

Instead: TypeAlias = Callable[..., Repair]


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

    if foreign.recognise(automaton, failure) is not None or number_in_pieces(automaton, failure):
        return None
    if kind in ("EQUAL", "COMMA", "LBRACE", "STRING", "REFERENCE") and _mistyped_statement(text, start):
        return None
    if accepts("CLAIM_NUMBER") or automaton.last == "CLAIM_NUMBER":
        claim = claim_repair(automaton, failure)
        if claim is not None or claim_finding(automaton, failure) is not None:
            return claim
    if kind == "NAME" and automaton.last in ("BLOCK", "SHARED"):
        return Repair(
            "E101", "a block has brackets behind its name, be there parameters or not", span,
            f"write `{failure.text}()`", (Edit(Span(end, end), "()"),), False,
            (("CALL", f"{failure.text}(", start, end), ("RPAR", ")", end, end)), end,
        )  # fmt: skip
    if kind == "BLOCK" and automaton.last == "SHARED":
        return drop(end, "`shared` stands in place of `block`", "leave `block` out")
    if kind == "COMMA" and automaton.last == "MATRIX_NUMBER":
        opened = automaton.brackets[-1].span.start
        return _no_comma_in_matrix(text, opened, span, first="," not in text[opened:start])
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
        if number and accepts("LPAR") and automaton.last == "NAME" and not _open_reshape(text, end):
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
        alone = not text[text.rfind("\n", 0, start) + 1 : start].strip()  # the arrow begins its line
        gap = Span(start if alone else _before(text, start), behind_arrows(text, start))
        way, written = ("leave the arrow out", "") if alone else ("begin a new line here", "\n")
        return Repair(
            "E101", "the input is a statement of its own; the first step begins a new line", span, way,
            (Edit(gap, written),), False, (("_NL", "\n", start, end),), behind_arrows(text, start),
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
        place = _before(text, start)
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
        and not _name_in_pieces(text, start)
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
        return drop(behind_arrows(text, start), "a step is missing before `->`", "leave the arrow out")
    if kind == "EQUAL" and accepts("COMPARE"):
        return instead("COMPARE", "==", end, "`=` in a condition; two values are compared with `==`")
    if kind == "VBAR" and text.startswith("||", start) and accepts("OR"):
        return instead("OR", "or", start + 2, "`||` in place of `or`")
    if kind in ("SEMICOLON", "VBAR", "DIVIDE", "MINUS", "PLUS", "STAR") and automaton.last == "HYPER":
        if accepts("HYPER") and SOME_HYPER.match(text, end):
            return Repair(
                "E101", f"arguments are parted by spaces, not by `{failure.text}`", span, "write a space",
                (Edit(span, " "),), True, (), end,
            )  # fmt: skip
    if kind == "MINUS" and accepts("ARROW") and (following := _LAYER.match(text, end)):
        if foreign.is_layer(following[1]):
            return instead("ARROW", " -> ", end, "`-` in place of `->`", help="write `->`")
    if (kind == "EQUAL" or failure.text == "==") and accepts("CLAIMS") and _CLAIMED_SHAPE.match(text, end):
        return instead("CLAIMS", "=>", end, f"`{failure.text}` in place of `=>`")
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
        following = _LAYER.match(text, end)
        if accepts("ARROW") and following and foreign.is_layer(following[1]):
            return Repair(
                "E101", "steps are parted by `->`, not by commas", span, "write `->`",
                (Edit(span, " ->"),), True, (("ARROW", "->", start, end),), end,
            )  # fmt: skip
        if accepts("HYPER"):
            return drop(end, "arguments are parted by spaces, not by commas", "leave the comma out")
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
    if (pieces := number_in_pieces(automaton, failure)) is not None:
        return pieces
    if (named := _name_in_pieces(text, start)) is not None:
        return named
    if (unbracketed := _without_brackets(automaton, failure)) is not None:
        return unbracketed
    if (mistyped := _mistyped_statement(text, start)) is not None:
        where, near = mistyped
        word = text[where.start : where.end]
        return (
            "E101",
            f"there is no statement `{word}`",
            where,
            f"did you mean `{near}`?",
            (Edit(where, near),),
        )
    if automaton.accepts("CLAIM_NUMBER") or last == "CLAIM_NUMBER":
        claim = claim_finding(automaton, failure)
        if claim is not None:
            return claim
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
    if last in ("BLOCK", "SHARED") and failure.text in automaton.tables.keywords:
        return (
            "E107", f"`{failure.text}` cannot be a name: it is a word of the language", span,
            "choose another name", (),
        )  # fmt: skip
    if kind == "PLUS" and (sum_ := _SUM.match(text, text.rfind("@", 0, start))):
        tensors = sum_.group().replace(" ", "").replace("\t", "").split("+")
        where = Span(*sum_.span())
        return (
            "E101", "tensors are not added with `+`", where,
            f"write `{(way := 'add [ ' + ' | '.join(tensors) + ' ]')}`", (Edit(where, way),),
        )  # fmt: skip
    if kind == "MINUS" and (reshape := _open_reshape(text, end)) is not None:
        return (
            "E108", "no size of a `reshape` is left open", reshape, "`flatten` makes a vector of any map",
            (Edit(reshape, "flatten"),),
        )  # fmt: skip
    if kind == "VBAR" and not inside:
        return (
            "E101", "`|` parts branches, and here are none", span,
            "branches stand behind a word that merges them: `add [ … | … ]`, `concat [ … | … ]`", (),
        )  # fmt: skip
    if kind == "LSQB" and automaton.last == "EQUAL":
        return (
            "E101", "a `let` names one number, and this is a list", span,
            "give each number a name of its own: `let n1 = 2`", (),
        )  # fmt: skip
    if kind == "PLUS" and automaton.accepts("ARROW"):
        return (
            "E101", "tensors are not added with `+`", span,
            "branches are added: `add [ … | … ]`, each from the tensor that arrives or from an `@label`", (),
        )  # fmt: skip
    if kind == "NUMBER" and (times := _TIMES_GROUP.match(text, start)):
        close = foreign.closing(text, times.end() - 1)
        where = Span(start, times.end() - 1)
        fix = (Edit(where, ""), Edit(Span(close, close), f"*{failure.text}")) if close else ()
        return "E101", "a repetition has its number behind it", where, f"write `[ … ]*{failure.text}`", fix
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
        if _SHAPE_NEXT.match(text, end):
            return (
                "E101", f"a label has a colon behind it: `{failure.text}:`", span,
                f"and a layer follows, as in `{failure.text}: conv F5 K6 => 6@28x28`",
                (),
            )  # fmt: skip
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
    if char == "?":
        return (
            "E101",
            "unexpected `?`",
            span,
            "what may be left out stands under an `if`: `if n > 0 [ … ]`",
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


def _name_in_pieces(text: str, start: int) -> Finding | None:
    """`let a-b = 3`, `model Mein Netz`, `model 3D`: a name that is no single word."""
    begin = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    found_ = _NAMED.match(text, begin)
    if found_ is None or not found_.start(2) <= start <= found_.end(2):
        return None
    word, name = found_[1], found_[2].rstrip()
    parts = re.findall(r"[A-Za-z0-9]+", name)
    span = Span(found_.start(2), found_.start(2) + len(name))
    if (
        name.isidentifier()
        or not parts
        or not name.isascii()
        or (word == "let" and found_.group()[-1] != "=")
    ):
        return None
    if word == "model":
        plain = "".join(part[:1].upper() + part[1:] for part in parts)
        plain = plain if plain[0].isalpha() else f"Net{plain}"
        title = "" if '"' in found_.group() else f' "{name}"'
        return (
            "E107",
            f"`{name}` cannot be a name",
            span,
            f"write `{plain}{title}`",
            (Edit(span, plain + title),),
        )
    plain = "_".join(parts)
    return "E107", f"`{name}` cannot be a name", span, f"a name is one word: `{plain}`", (Edit(span, plain),)


def _without_brackets(automaton: Automaton, failure: Failure) -> Finding | None:
    """`if C > 3 then relu`, `else relu`: the steps of an `if` stand in brackets."""
    text, start = automaton.text, failure.start
    begin = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    if failure.text == "=>" and re.compile(r"(?:.*->|.*[|\[{:])?[ \t]*if\b[^\[]*").fullmatch(
        text, begin, start
    ):
        span = Span(start, failure.end)
        return "E101", "`=>` in place of `>=`", span, "write `>=`", (Edit(span, ">="),)
    head = re.compile(r"(?:.*[|\[])?[ \t]*(?:if\b|.*\]?[ \t]*else\b)").match(text, begin, start)
    wanted = automaton.accepts("LSQB") and not automaton.accepts("CALL")
    if head is None or not (wanted or failure.kind in ("LBRACE", "COLON") or failure.text == ":"):
        return None
    span = Span(start, failure.end)
    fix = (
        (Edit(span, ""),)
        if failure.text == "then" and re.compile(r"[ \t]*\[").match(text, failure.end)
        else ()
    )
    return (
        "E101", f"unexpected {found(failure, text)}", span,
        "the steps of an `if` stand in square brackets: `if C > 3 [ … ] else [ … ]`", fix,
    )  # fmt: skip


def _no_comma_in_matrix(text: str, opened: int, comma: Span, first: bool) -> Repair:
    """`weight=[1, 0, -1]`: told of the first comma, with all of them in the fix."""
    close = foreign.closing(text, opened) or comma.end
    commas = [at for at in range(opened, close) if text[at] == ","]
    edits = tuple(Edit(Span(at, at + 1), "" if text[at + 1 : at + 2] == " " else " ") for at in commas)
    message = "the numbers of a matrix are parted by spaces" if first else ""
    return Repair("E101", message, comma, "leave the commas out", edits, True, (), comma.end)


def behind_arrows(text: str, start: int) -> int:
    """Where the arrows that stand here one behind the other end."""
    arrows = _ARROWS.match(text, start)
    if arrows:
        return arrows.end()
    return start + (2 if text.startswith(("->", "=>"), start) else 1)  # `→` is one character


def _open_reshape(text: str, end: int) -> Span | None:
    """`reshape -1`, whose sign ends at `end`."""
    found_ = _OPEN_RESHAPE.search(text, max(0, end - 40), end + 1)
    return None if found_ is None else Span(*found_.span())


def _mistyped_statement(text: str, start: int) -> tuple[Span, str] | None:
    """The first word of a line where it looks like a statement's: `blcok f(k) {`, `vairant A: …`."""
    from cnnspec.diagnostics.suggest import nearest

    begin = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    head = _LAYER.match(text, begin)
    if (
        head is None
        or not text[head.end() : start].strip()
        or head[1] in _STATEMENT_WORDS
        or foreign.is_layer(head[1])
    ):
        return None
    near = nearest(head[1], _STATEMENT_WORDS)
    return None if near is None else (Span(*head.span(1)), near)


def _before(text: str, start: int) -> int:
    while start > 0 and text[start - 1] in " \t":
        start -= 1
    return start


def _upper(text: str) -> str:
    """`f3s1` → `F3S1`; the `x` of `f1x7` and the `same` of `psame` stay small."""
    return re.sub(r"([fspkgd])(same|[0-9]+(?:x[0-9]+)?)", lambda part: part[1].upper() + part[2], text)
