"""Content of brackets: matrices, `[[1, 0], [0, 1]]`; branches, `[ a | b ] add`; statements in a block."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise

from cnnspec.diagnostics import Edit, Span, line_start
from cnnspec.language.recovery.mistake import REST, Answer, Mistake, rewritten
from cnnspec.language.recovery.rule import Rule
from cnnspec.language.recovery.words import closing, is_layer, shortened
from cnnspec.language.tokens import CLOSES, STATEMENTS
from cnnspec.notations import MERGES as MERGING
from cnnspec.notations.rows import row
from cnnspec.notations.words import layer_word

_TOKEN = re.compile(r"[\[\],;|&\r\n]|\\+|[-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?(?:/[0-9]+)?(?![\w./])")
_FACTOR = re.compile(r"weight[ \t]*=[ \t]*([0-9]+(?:\.[0-9]+)?(?:[ \t]*/[ \t]*[0-9]+)?)[ \t]*\*[ \t]*$")
NO_COMMAS = "the numbers of a matrix are separated by spaces"
_MESSAGES = {
    ",": "the rows of a matrix are separated by `;`, not by commas",
    "[": "a matrix is not a list of lists: numbers are separated by spaces, rows by `;`",
    "{": "a matrix is written in square brackets",
}
_LATEX = "this is LaTeX: the numbers of a matrix are separated by spaces, rows by `;`"
_LOOKS = "as in `[1 0; 0 1]`, with `|` between planes"
_WORD_BEHIND = re.compile(r"[ \t]*(?:->|→)?[ \t]*([A-Za-z_]+)(?:\([ \t]*\))?(?![ \t]*(?:[\w(\[:]|=(?!>)))")
_ARGUMENT = r"(?:[A-Za-z]\w*=[\w./]+|(?:weighted|relative|linear|unscaled|frozen)\b)"
"""An argument of a merge."""

# --- matrices -------------------------------------------------------------------------------------


def _matrix(span: Span, plain: str, message: str, otherwise: str = _LOOKS) -> Answer:
    shown = f"[{plain}]"
    return rewritten(span, shown, message, f"write `{shown}`" if len(shown) <= 40 else otherwise)


def _other_matrix(m: Mistake) -> Answer | None:
    """`[[1, 0], [0, 1]]` and LaTeX's `[1 & 0 \\\\ 0 & 1]`, read as `[1 0; 0 1]`."""
    if not m.inside:
        return None
    close = m.text.find("]", m.opened) + 1
    if "[" in m.text[m.opened + 1 : close]:
        close = closing(m.text, m.opened) or 0
    inner, span = m.text[m.opened + 1 : close - 1], Span(m.opened, close)
    rows = _rows_by_commas(inner)
    plain = _plain(inner, rows) if close else None
    if plain is None:
        return None
    if m.word != "," or rows:
        answer = _matrix(span, plain, _MESSAGES.get(m.word, _LATEX))
    elif (decimals := _decimal_commas(inner)) and (by_size := _fitting(m, inner, close)) != "list":
        message = f"the decimal mark is a point; {NO_COMMAS}"
        if by_size != "decimals":
            message = f"the commas of `[{inner}]` may be decimal marks or separate numbers"
            return Answer("E106", message, span, f"write `[{decimals}]` or `[{plain}]`")
        inside = Span(m.opened + 1, close - 1)
        answer, plain = rewritten(inside, decimals, message), decimals
    else:
        commas = [Span(at, at + 1) for at in range(m.opened, close) if m.text[at] == ","]
        fix = tuple(Edit(comma, "" if m.text[comma.end : comma.end + 1] == " " else " ") for comma in commas)
        answer = Answer("E101", NO_COMMAS, m.span, "leave the commas out", fix)
    return answer._replace(safe=True, reads=f"{plain}]", since=m.opened + 1, resume=close)


def _decimal_commas(inner: str) -> str | None:
    """`0,5 1,0; 0,5 1,5` with points; None where it can only be a list."""
    numbers = re.split(r"[ \t\r\n;|]+", inner.strip())
    fits = all(re.fullmatch(r"[-+]?[0-9]+(?:,[0-9]+)?", number) for number in numbers)
    return inner.replace(",", ".") if fits else None


def _fitting(m: Mistake, inner: str, close: int) -> str:
    """Which reading of a matrix's commas has as many numbers as F or K requires: `decimals` or `list`."""
    begin, end = line_start(m.text, m.opened), REST.match(m.text, close)
    layer = m.text[begin : m.opened] + (end.group() if end else "")
    is_bias = layer[: m.opened - begin].rstrip(" \t=").endswith("bias")
    letter = r"\b(?:[A-Z0-9x]*K=?|(?:fc|rbf)[ \t]+)" if is_bias else "F=?(?:[0-9]+x)?"
    size = re.search(rf"{letter}([0-9]+)(?![\w.]*[ \t]*[-+*/%])", layer)
    if size is None:
        return ""
    rows = [inner] if is_bias else re.split(r"[;|\r\n]+", inner.strip())
    by_blanks = all(len(row.split()) == int(size[1]) for row in rows)
    by_commas = all(len(row.replace(",", " ").split()) == int(size[1]) for row in rows)
    return "" if by_blanks == by_commas else "decimals" if by_blanks else "list"


def _rows_by_commas(inner: str) -> bool:
    """`1 0, 0 1`: commas between rows, not between numbers."""
    rows = inner.split(",")
    return len(rows) > 1 and not {*inner} & {*";|[]\r\n"} and all(len(row.split()) > 1 for row in rows)


def _plain(inner: str, by_commas: bool, factor: Fraction | None = None) -> str | None:
    """The numbers and what separates them; None where there is anything else."""
    if _TOKEN.sub("", inner).strip(" \t"):
        return None
    three = re.match(r"[ \t\r\n]*\[[ \t\r\n]*\[", inner) is not None
    written: list[str] = []
    depth, parting = 0, ""
    for word in _TOKEN.findall(inner):
        if word[-1].isdigit():
            written += [" |" if parting == "|" else ";"] if written and parting else []
            written.append(f" {word if factor is None else factor * Fraction(word)}")
            parting = ""
        elif word == "[":
            depth += 1
            if depth > 3:  # torch's weights have four levels
                return None
        elif word == "]":
            depth -= 1
            parting = "|" if three and depth == 0 else parting or ";"
        elif word in ";|" or word[0] == "\\" or (word == "," and by_commas):
            parting = "|" if word == "|" else parting or ";"
    return "".join(written)[1:]


def _in_braces(m: Mistake) -> Answer | None:
    close = closing(m.text, m.start)
    plain = _plain(m.text[m.start + 1 : close - 1], False) if close else None
    return _matrix(Span(m.start, close), plain, _MESSAGES["{"]) if close and plain else None


def _in_round_brackets(m: Mistake) -> Answer | None:
    """`weight=(1 2; 3 4)`."""
    match = m.around(r"=[ \t]*(?P<mark>\(([-+0-9./;| \t]+)\))")
    if match is None:
        return None
    plain = f"[{match[2]}]"
    return rewritten(Span(*match.span("mark")), plain, _MESSAGES["{"], safe=True, reads=plain)


def _without_brackets(m: Mistake) -> Answer | None:
    """`weight=1 2; 3 4`."""
    number = r"[-+]?[0-9][0-9./]*"
    match = m.around(
        rf"\b(?:weight|connect|bias)=(?P<mark>{number}(?:(?:[ \t]*[;|][ \t]*|[ \t]+){number})+)(?![\w.])"
    )
    if match is None:
        return None
    plain = f"[{match['mark']}]"
    return rewritten(Span(*match.span("mark")), plain, _MESSAGES["{"], safe=True, reads=plain)


def _times_a_number(m: Mistake) -> Answer | None:
    factor = _FACTOR.search(m.text, max(0, m.start - 60), m.start)
    close = closing(m.text, m.start) if factor else None
    if factor is None or close is None:
        return None
    times = Fraction(factor[1].replace(" ", "").replace("\t", ""))
    plain = _plain(m.text[m.start + 1 : close - 1], False, times)
    message, way = "a matrix has no factor before it", "multiply each number, as in `1/9`"
    return _matrix(Span(factor.start(1), close), plain, message, way) if plain else None


MATRICES = (
    Rule({"conv weight=⟦[[1,0],[0,1]]⟧": "conv weight=[1 0; 0 1]",
         "conv weight=⟦[1 0, 0 1]⟧": "conv weight=[1 0; 0 1]",
         "conv weight=[1⟦,⟧ 0;0, 1]": "conv weight=[1 0;0 1]",
         r"conv weight=⟦[1 & 0 \\ 0 & 1]⟧": "conv weight=[1 0; 0 1]",
         "conv F2 weight=[⟦0,5 1,0⟧]": "conv F2 weight=[0.5 1.0]",
         "conv K1 bias=[⟦0,5⟧]": "conv K1 bias=[0.5]", "conv K2 bias=[0⟦,⟧5]": "conv K2 bias=[0 5]",
         "conv bias=⟦[0,5]⟧": ""}, word="[ & \\ ,", accepts="MATRIX_NUMBER", when=_other_matrix),
    Rule({"conv weight=⟦{1 0; 0 1}⟧": "conv weight=[1 0; 0 1]"}, on="LBRACE", last="EQUAL", when=_in_braces),
    Rule({"conv F3 weight=⟦(1 2; 3 4)⟧": "conv F3 weight=[1 2; 3 4]"}, on="NUMBER MINUS",
         when=_in_round_brackets),
    Rule({"conv F3 bias=⟦1; 2⟧": "conv F3 bias=[1; 2]"}, on="SEMICOLON", when=_without_brackets),
    Rule({"conv weight=⟦1/4*[1 2; 2 1]⟧": "conv weight=[1/4 1/2; 1/2 1/4]"}, on="LSQB", when=_times_a_number),
)  # fmt: skip

# --- branches -------------------------------------------------------------------------------------


def several(text: str, opened: int, closed: int) -> tuple[str, tuple[Edit, ...]]:
    """The branches in these brackets as the help shows them, and the edits that complete them: a single
    branch gets `id`."""
    inner, added, depth, separated = text[opened + 1 : closed - 1], "", 0, False
    for char in inner:
        depth += (char in "[(") - (char in "])")
        separated = separated or (char == "|" and depth == 0)
    if not separated:
        blank = " " if inner[-1:].isspace() else ""
        added = f"| id{blank}" if blank else " | id"
    shown = shortened(f"[{inner}{added}]", "[ … | id ]" if added else "[ … | … ]")
    return shown, (Edit(Span(closed - 1, closed - 1), added),) if added else ()


def word_behind(text: str, head: int, opened: int) -> Answer | None:
    """The finding about a word after the branches that the `[` at a place opens; the text before it begins at
    `head`.
    """
    closed = closing(text, opened)
    match = _WORD_BEHIND.match(text, closed) if closed else None
    word = layer_word(match[1]) if match else None
    if match is None or closed is None or word not in MERGING:
        return None
    branches, added = several(text, opened, closed)
    fix = (Edit(Span(head, opened), f"{word} "), *added, Edit(Span(closed, match.end()), ""))
    message, way = "the word that merges branches comes before them", f"write `{word} {branches}`"
    place = Span(*match.span(1))
    return Answer(
        "E101", message, place, way, fix, not added, reads="", resume=match.end(), merges=word
    )  # fmt: skip


def _at_the_bar(m: Mistake) -> Answer | None:
    answer = word_behind(m.text, m.opened, m.opened) if m.inside == "[" else None
    return answer and answer._replace(resume=m.start)


def _at_the_word(m: Mistake) -> Answer | None:
    opened, named = m.part(2), m.part(3)
    if opened.symbol != "LSQB":
        return None
    if m.reported(m.start) and (word := m.here(r"\w+(?:\([ \t]*\))?")):  # at the first `|`
        return Answer("", "", m.span, reads="", resume=word.end())
    branches = m.part(1).symbol == "branches"
    if branches and named.token is None:
        return None  # a merge with arguments
    answer = word_behind(m.text, named.start if branches else opened.start, opened.start)
    if answer is None or answer.span.start != m.start:
        return None
    return answer if branches else answer._replace(merges="")


def _arguments_behind(m: Mistake) -> Answer | None:
    """`attention [ q | k | v ] heads=4`."""
    match = m.here(rf"{_ARGUMENT}(?:[ \t]+{_ARGUMENT})*")
    opened, word = m.part(2), m.part(3).token
    if match is None or opened.symbol != "LSQB" or word is None:
        return None
    fix = (Edit(Span(word.end, word.end), f" {match.group()}"), Edit(Span(m.gap.start, match.end()), ""))
    message, way = (
        "the arguments of a merge come before its branches",
        f"write `{word.text} {match.group()} [ … ]`",
    )
    return Answer("E101", message, Span(*match.span()), way, fix, True, reads="", resume=match.end())


def _wrong_closer(m: Mistake) -> Answer | None:
    """`[ relu )`, `[ f(3] ]`: a bracket of another kind than the one that is open."""
    opens = CLOSES[m.kind]
    if m.inside in ("", opens):
        return None
    rest = m.text[m.start : m.line_end]
    if m.opens(opens) and not (opens == "[" and rest.count("]") - rest.count("[") > m.opens("[")):
        return None
    right = {"(": ")", "[": "]", "{": "}"}[m.inside]
    if m.rest.count(right) - m.rest.count(m.inside) >= m.opens(m.inside):
        return None  # it is one too many
    message = f"expected `{right}`, found `{m.word}`"
    return rewritten(m.span, right, message, code="E105", reads=right)


MERGES = (
    Rule({}, on="COMMA RPAR", when=lambda m: _rest_of_called(m)),
    Rule({"[ relu⟦*⟧2": "[ relu]*2"}, "expected `]` before `*`", on="STAR", accepts="RSQB",
         when=lambda m: "]" not in m.rest and bool(m.behind("[ \t]*[0-9(]")), before="]", code="E105"),
    Rule({"[ relu ⟦)⟧*2": "[ relu ]*2", "[ f(3⟦]⟧ ]*2": "[ f(3) ]*2"},
         on="RPAR RSQB RBRACE", when=_wrong_closer),
    Rule({"[ conv F3 | id ] ⟦add⟧": "add [ conv F3 | id ]"}, on="VBAR", when=_at_the_bar),
    Rule({"parallel [ relu | id ] ⟦concat⟧": "concat [ relu | id ]", "[ relu ] ⟦add⟧": "add [ relu | id ]"},
         on="NAME CALL", last="RSQB", when=_at_the_word),
    Rule({"mix [ relu | id | id ] ⟦heads=4⟧": "mix heads=4 [ relu | id | id ]"},
         on="NAME", last="RSQB", when=_arguments_behind),
)  # fmt: skip


def _one_pair(m: Mistake) -> Answer | None:
    """`add [ relu ] [ bn ]`."""
    match = m.around(r"\][ \t]*\[")
    merging = m.part(3).token
    if match is None or merging is None or merging.text not in MERGING:
        return None
    message = "branches are written in one pair of brackets, separated by `|`"
    return Answer(
        "E101",
        message,
        Span(*match.span()),
        f"write `{merging.text} [ … | … ]`",
        (Edit(Span(*match.span()), "|"),),
    )


def _not_branches(m: Mistake) -> Answer | None:
    """`conv [F3 K8]`, `slice [0:2]`, `f[3]`."""
    match = m.around(r"(?<![\w@.])([A-Za-z]\w*)[ \t]*[\[{]([^][{}|\r\n#]*)[\]}]")
    if match is None or match[1] in MERGING:
        return None
    if (word := layer_word(match[1])) in MERGING and is_layer(
        match[2].split()[0] if match[2].split() else ""
    ):
        plain = f"{word} [ {match[2].strip()} | id ]"
        message = f"there is no `{match[1]}`: branches are merged by a word"
        whole = Span(*match.span())
        return rewritten(whole, plain, message, code="E101", reads=plain, since=whole.start)
    numbers = re.search(r"[0-9][ \t]*,|^[ \t]*[0-9]+x[0-9]+[ \t]*$", match[2])
    if is_layer(match[1]):
        read = row(match[1], [one.strip() for one in match[2].split(",")]) if numbers else None
        if numbers and read is None:
            return None
        plain, message = (
            read.text if read else f"{match[1]} {match[2].strip()}",
            "the arguments of a layer follow its word without brackets",
        )
    elif re.search(rf"\b(?:block|shared)[ \t]+{match[1]}\b", m.text):
        plain, message = (
            f"{match[1]}({match[2].strip()})",
            "the arguments of a block are written in parentheses",
        )
    else:
        return None
    span = Span(*match.span())
    return rewritten(span, plain, message, code="E101", safe=not numbers, reads=plain)


def _branches_without_brackets(m: Mistake) -> Answer | None:
    """`add relu | id`."""
    match = re.compile(r"(?:.*->)?[ \t]*([A-Za-z]\w*)[ \t]+(?=[A-Za-z@])").match(m.head)
    if match is None or match[1] not in MERGING:
        return None
    start = m.begin + match.start(1)
    code = m.text[m.begin + match.end() : m.line_end].split("#")[0].rstrip().removesuffix("]").rstrip()
    end = m.begin + match.end() + len(code)
    end += len(m.text[end : m.line_end]) - len(m.text[end : m.line_end].lstrip(" \t]"))
    plain = f"{match[1]} [ {code} ]"
    return rewritten(
        Span(start, end),
        plain,
        "branches are written in square brackets",
        code="E101",
        reads=plain,
    )


def _called(m: Mistake) -> Answer | None:
    """`concat(conv F1 K8 -> relu, conv F3 K8)`."""
    before = (
        re.search(r"(?<![\w@])([A-Za-z]\w*)$", m.text[max(0, m.opened - 40) : m.opened])
        if m.inside == "("
        else None
    )
    close = closing(m.text, m.opened) if before else None
    word = layer_word(before[1]) if before else None
    if before is None or close is None or word not in MERGING:
        return None
    start, depth, commas = m.opened - len(before[1]), 0, list[int]()
    for place in range(m.opened, close - 1):
        depth += (m.text[place] in "([{") - (m.text[place] in ")]}")
        commas += [place] if m.text[place] == "," and depth == 1 else []
    ends = [m.opened, *commas, close - 1]
    branches = [m.text[one + 1 : other].strip() for one, other in pairwise(ends)]
    heads = [re.match(r"@?([A-Za-z]\w*)", branch) for branch in branches]
    if len(branches) < 2 or not all(
        head and (head[0][0] == "@" or is_layer(head[1]) or head[1] == "id") for head in heads
    ):
        return None
    plain = f"{word} [ {' | '.join(branches)} ]"
    fix = (
        Edit(Span(start, m.opened + 1), f"{word} ["),
        *(Edit(Span(comma, comma + 1), " |") for comma in commas),
        Edit(Span(close - 1, close), "]"),
    )
    message = "branches are written in square brackets, separated by `|`"
    way, span = f"write `{shortened(plain, f'{word} [ … | … ]')}`", Span(start, m.opened + 1)
    return Answer("E101", message, span, way, fix, True, reads=f"{word} [", since=start, resume=span.end)


def _rest_of_called(m: Mistake) -> Answer | None:
    """The commas and the `)` of branches that were read as if `(` were `[`."""
    if m.inside != "[" or m.text[m.opened] != "(":
        return None
    return Answer("E101", "", m.span, reads="|" if m.kind == "COMMA" else "]")


NOT_BRANCHES = (
    Rule({"⟦concat(⟧conv F1 K8 -> relu, conv F3 P1 K8)": "concat [conv F1 K8 -> relu | conv F3 P1 K8]"},
         when=_called),
    Rule({"⟦conv[F3 K8]⟧": "conv F3 K8", "⟦conv{F3 K8}⟧": "conv F3 K8", "⟦conv[3x3, 8]⟧": "conv F3 K8",
          "⟦skip { relu }⟧": "add [ relu | id ]", "⟦slice [0:2]⟧": "slice 0:2",
          "block f(k) { relu }\n⟦f[3]⟧": "block f(k) { relu }\nf(3)"},
         on="HYPER NUMBER DIM LBRACE", when=_not_branches),
)  # fmt: skip

BEFORE_BRANCHES = (
    Rule({"add [ relu ⟦] [⟧ bn ]": "add [ relu | bn ]"}, on="LSQB", last="RSQB", when=_one_pair),
    Rule({"⟦add relu | bn⟧": "add [ relu | bn ]"}, on="VBAR",
         when=lambda m: not m.inside and _branches_without_brackets(m)),
)  # fmt: skip

# --- statements in a block ------------------------------------------------------------------------


def _in_a_block(m: Mistake) -> bool:
    """Not where the block before is not closed, and this begins a new statement."""
    closed, opened = m.text.find("}", m.end), m.text.find("{", m.end)
    return m.inside == "{" and closed >= 0 and not 0 <= opened < closed


def _block_in_block(m: Mistake) -> bool:
    """It is further to the right than the line on which the block around it begins, or on that line."""
    if m.inside != "{":
        return False
    around, own = line_start(m.text, m.opened), line_start(m.text, m.start)
    indents = [re.compile(r"[ \t]*").match(m.text, at) for at in (around, own)]
    first, second = (len(indent[0]) if indent else 0 for indent in indents)
    return around == own or second > first


IN_BLOCKS = (
    Rule({"block f() { ⟦block⟧ g() { relu }\n g() }": ""}, "a `block` cannot be defined in a block",
         "put it before the block around it, where all can use it; a `shared` may be defined in a block,"
         " and belongs to each use of that block", on="BLOCK", when=_block_in_block, code="E405",
         reads="shared "),
    *(Rule({example: ""}, "`{found}` is a statement of the file and is not allowed in a block", way,
         on=kinds, when=_in_a_block, code="E405")
    for kinds, example, way in (
        ("INPUT", "block f() { ⟦input⟧ 3x8x8 }", "a block's input is its first line's; leave this out"),
        ("EXPECT", "block f() { ⟦expect⟧ params 3 }", "in a block a line's claims follow after `=>`"),
        (" ".join(STATEMENTS - {"DEFAULT", "OUTPUT", "SHARED"}), "block f() { ⟦model⟧ a }",
         "put it before the block"),
    )),
)  # fmt: skip
