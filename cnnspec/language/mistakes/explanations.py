"""What is said about a mistake that cannot be read as what it was meant to be."""

from __future__ import annotations

import re

from cnnspec.diagnostics import Edit, Span, line_start
from cnnspec.language.automaton import Automaton
from cnnspec.language.mistakes import foreign
from cnnspec.language.mistakes.claimed import claim_finding, number_in_pieces
from cnnspec.language.mistakes.expectation import expectation
from cnnspec.language.mistakes.matrices import NO_COMMAS, no_matrix
from cnnspec.language.mistakes.mistake import Finding, character, found
from cnnspec.language.mistakes.nearby import (
    LAYER,
    NUMBER_LIKE,
    REST,
    gap_before,
    mistyped_statement,
    open_reshape,
)
from cnnspec.language.mistakes.repeated import closing
from cnnspec.language.tokens import END, STATEMENTS, Token
from cnnspec.notations.steps import step

_LETTER_NUMBER = re.compile(r"[FSPKGD][0-9][0-9A-Za-z_.]*")
_NAMED = re.compile(r"[ \t]*(let|model)[ \t]+([^=\"#\r\n:,(]+)(?:=|\"|#|[\r\n]|$)")
_WORD = re.compile(r"\w+")
_SHAPE_NEXT = re.compile(r"[ \t]+[0-9]+(?:[x@]|[ \t]*(?:[\r\n]|$))")
_SUM = re.compile(r"@\w+(?:[ \t]*\+[ \t]*@\w+)+")
_TIMES_GROUP = re.compile(r"[0-9]+[ \t]*[*x]?[ \t]*\[")
_IF = re.compile(r"(?:^|->|(?<=\[)|[|{:])[ \t]*if\b")
_IF_ELSE = re.compile(r"(?:^|[|\[])[ \t]*if\b|else\b")
_VARIANT = re.compile(r"[ \t]*(variant[ \t]+\w+)[ \t]*")


def explain(automaton: Automaton, failure: Token) -> Finding:
    """The mistake in plain words: what was found, what may stand there, how it is written."""
    text, kind, start, end = automaton.text, failure.type, failure.start, failure.end
    last = automaton.last
    told = foreign.recognise(automaton, failure)
    if told is not None:
        message, where, advice, fix, *cause = told
        return "E102", message, where, advice, fix, *cause
    if (matrix := no_matrix(automaton, failure)) is not None:
        return matrix
    if (pieces := number_in_pieces(automaton, failure)) is not None:
        return pieces
    if (named := name_in_pieces(text, start)) is not None:
        return named
    if (unbracketed := _without_brackets(automaton, failure)) is not None:
        return unbracketed
    if (mistyped := mistyped_statement(text, start)) is not None:
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
        before = gap_before(text, start)
        letter = text[before - 1 : before]
        whole = NUMBER_LIKE.match(text, start)
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
    if kind == "MINUS" and (reshape := open_reshape(text, end)) is not None:
        return (
            "E108", "no size of a `reshape` is left open", reshape, "`flatten` makes a vector of any map",
            (Edit(reshape, "flatten"),),
        )  # fmt: skip
    if kind == "COMMA" and last == "MATRIX_NUMBER":
        return "E101", NO_COMMAS, span, "leave the commas out", ()
    if kind == "VBAR" and not inside:
        if (row := _row_of_a_table(text, start)) is not None:
            return row
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
        following = LAYER.match(text, end)
        line = text[line_start(text, start) : start]
        if following and foreign.is_layer(following[1]) and "@" not in line:
            return (
                "E101", "steps are not joined by `+`", span,
                f"`->` hands on to `{following[1]}`; `add [ … | … ]` sums branches", (Edit(span, "->"),),
            )  # fmt: skip
        return (
            "E101", "tensors are not added with `+`", span,
            "branches are added: `add [ … | … ]`, each from the tensor that arrives or from an `@label`", (),
        )  # fmt: skip
    if kind == "NUMBER" and (times := _TIMES_GROUP.match(text, start)):
        close = closing(text, times.end() - 1)
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
        and (head := _VARIANT.fullmatch(text, line_start(text, start), start))
    ):
        advice = f"a colon stands behind the variant's name: `{head[1]}: …`"
    elif kind == "STAR":
        advice = "there is no power; write `a*a`"
    elif kind == "LET" or kind in STATEMENTS:
        advice = f"`{failure.text}` begins a line of its own"
    return "E101", early, span, advice, ()


def _row_of_a_table(text: str, start: int) -> Finding | None:
    """`| conv | 3x3 | 64 |`, a line of a Markdown table."""
    begin = line_start(text, start)
    line = (REST.match(text, begin) or "")[0].split("#")[0].rstrip()
    found_ = step(" ".join(line.replace("|", " ").split()))
    if found_ is None or not found_.sure:
        return None
    found_ = found_._replace(span=Span(begin + len(line) - len(line.lstrip()), begin + len(line)))
    return "E102", found_.message, found_.span, found_.help, found_.fix


def _explain_character(automaton: Automaton, failure: Token) -> Finding:
    text, start = automaton.text, failure.start
    char = failure.text
    begin = start
    while char == "." and begin > 0 and (text[begin - 1].isascii() and text[begin - 1].isalnum()):
        begin -= 1
    number = NUMBER_LIKE.match(text, begin) or _LETTER_NUMBER.match(text, begin)
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


def name_in_pieces(text: str, start: int) -> Finding | None:
    """`let a-b = 3`, `model Mein Netz`, `model 3D`: a name that is no single word."""
    begin = line_start(text, start)
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


def _without_brackets(automaton: Automaton, failure: Token) -> Finding | None:
    """`if C > 3 then relu`, `else relu`: the steps of an `if` stand in brackets."""
    text, start = automaton.text, failure.start
    begin = line_start(text, start)
    line = text[begin:start]
    if failure.text == "=>" and _IF.search(line, line.rfind("[") + 1):
        span = Span(start, failure.end)
        return "E101", "`=>` in place of `>=`", span, "write `>=`", (Edit(span, ">="),)
    wanted = automaton.accepts("LSQB") and not automaton.accepts("CALL")
    if not (wanted or failure.type in ("LBRACE", "COLON") or failure.text == ":") or not _IF_ELSE.search(
        line
    ):
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
