"""A network as a list: YAML (`- conv: {filters: 16, kernel: 3}`), JSON (`[{"type": "conv", "filters": 16}]`),
or numbered lines in words (`2. Conv layer: 16 filters of size 3x3, stride 1`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from cnnspec.diagnostics import Span
from cnnspec.notations.network import Network, Node, Program, dense, head_of, stretches
from cnnspec.notations.rows import ROWS, row
from cnnspec.notations.words import layer_word

_ITEM = re.compile(
    r"^[ \t]*(?:[-*•]|[0-9]{1,3}[.)])[ \t]+([^\r\n]+)((?:(?:\r\n|[\r\n])[ \t]+\w+:[ \t]+[^\r\n]+)*)",
    re.MULTILINE,
)
_JSON = re.compile(r"(?:[ \t]*(?:#|model\b|input\b)[^\r\n]*[\r\n])*\s*([\[{]\s*[{\[\"'])")
_INPUT = re.compile(r"[\"']input(?:_?shape|_?size)?[\"']\s*:\s*[\[(]([0-9, ]+)[\])]")
_OBJECT = re.compile(r"\{(?:[^{}\[\]]|\[[^{}\[\]]*\]|\{[^{}]*\})*\}")
"""Matches an object with objects of one level in it."""
_HEAD = r"\*\*[^\r\n]*|[A-Za-z][\w ]*:|(?:name|model|title)[ \t]*:[^\r\n]*"
_OURS = re.compile(r"->|=>|\b[FSPKGD][0-9]|\w\(")
_PAIR = re.compile(r"[\"']?(\w+)[\"']?[ \t]*:[ \t]*[\"']?(\[[^\]]*\]|[^,\"'{}\r\n]+)")
_NAMES = ("type", "layer", "op", "class", "kind", "name")
_FILLER = (
    *("layer", "layers", "with", "of", "a", "an", "the", "and", "using", "by", "to", "which", "is", "has"),
    *("size", "function", "activation", "neurons", "outputs", "output", "classes", "image", "images"),
)
_SIZES = re.compile(r"[0-9]+(?:[ \t]*[x×,][ \t]*[0-9]+)+")
_LONGEST, _MOST_WORDS = 300, 4
_FEWEST = 2
_UNREAD = "it cannot be read as a layer"


class _Item(NamedTuple):
    words: str
    pairs: Sequence[tuple[str, str]]
    span: Span
    is_yaml: bool


def networks(text: str) -> Iterator[Program]:
    """The lists in a text."""
    whole = _JSON.match(text)
    for items in [[*_objects(text)]] if whole else stretches(_items(text), _span, text, r"\s*+"):
        nodes: list[Node] = []
        for number, item in enumerate(items):
            node = _node(item)
            if node.text.startswith("fc "):
                node = node._replace(text=dense(node.text, nodes, (number - 1,)))
            nodes.append(node if node.text.startswith("input ") else node._replace(inputs=(number - 1,)))
        if sum(bool(node.text) for node in nodes) < _FEWEST:
            continue
        description = (
            "this is YAML" if any(item.is_yaml for item in items) else "this is a list of layers in words"
        )
        span = Span(items[0].span.start, items[-1].span.end)
        if whole:
            description, span = "this is JSON", Span(whole.start(1), len(text.rstrip()))
        yield Program(
            description, span, Network(nodes), span.start if whole else head_of(text, span.start, _HEAD)
        )


def _span(item: _Item) -> Span:
    return item.span


def _objects(text: str) -> Iterator[_Item]:
    """The objects of JSON, or dictionaries of Python, that are layers: with a key that names them, or with
    the layer's name as the only key."""
    if input_line := _INPUT.search(text):
        yield _Item(
            f"input {'x'.join(re.findall('[0-9]+', input_line[1]))}", (), Span(*input_line.span()), True
        )
    for found in islice(_OBJECT.finditer(text), 400):
        plain, inner = found.group()[1:-1], _OBJECT.search(found.group(), 1)
        pairs = _PAIR.findall(inner.group() if inner else plain)
        outside = _PAIR.findall(plain.replace(inner.group(), "0") if inner else plain)
        name = next((value for key, value in outside if key.lower() in _NAMES), "")
        if not name and inner and len(outside) == 1:
            name = outside[0][0]
        if name:
            rest = [
                (key, value)
                for key, value in (*pairs, *outside)
                if key.lower() not in _NAMES and value != "0"
            ]
            yield _Item(name.strip("\"' "), [*dict.fromkeys(rest)], Span(*found.span()), True)


def _items(text: str) -> Iterator[_Item]:
    for match in islice(_ITEM.finditer(text), 400):
        content = match[1].strip()[:_LONGEST]
        if _OURS.search(content):
            continue
        pairs = _PAIR.findall(match[2])
        inner = re.fullmatch(r"\{(.*)\}", content)
        first = re.fullmatch(r"[\"']?([\w ]+?)[\"']?[ \t]*:[ \t]*(.*)", content)
        span = Span(match.start() + len(match[0]) - len(match[0].lstrip()), match.end())
        if inner:
            pairs = _PAIR.findall(inner[1])
        elif first and first[1].lower() in _NAMES:
            pairs = [(first[1], first[2]), *pairs]
        elif first and first[2].startswith("{"):
            yield _Item(first[1], _PAIR.findall(first[2]), span, True)
            continue
        name = next((value for key, value in pairs if key.lower() in _NAMES), "")
        if name:
            rest = [(key, value) for key, value in pairs if key.lower() not in _NAMES]
            yield _Item(name, rest, span, True)
        elif re.search("[A-Za-z]", content):
            yield _Item(content, pairs, span, bool(pairs))


def _node(item: _Item) -> Node:
    plain = re.sub(r"[*`\"']|\.$", "", re.sub("[()]", " ", item.words)).replace("×", "x")
    plain = re.sub(r"([0-9]+[ \t]*x[ \t]*[0-9]+)[ \t]+(?:kernel|window)s?\b", r"\1", plain)
    plain = re.sub(r"\b(same|valid)[ \t]+padding\b", r"\1", plain)
    plain = re.sub(r"^[ \t]*(?i:output)(?:[ \t]+layer)?\b", "fc", plain)
    head, colon, rest = plain.partition(":")
    words = re.findall(r"[A-Za-z]+[0-9]?[A-Za-z]*", head)
    plain = " ".join([plain, *(value for key, value in item.pairs if key == "shape")])
    if words and words[0].lower() == "input" and (sizes := _SIZES.search(plain)):
        return Node(f"input {_channels_first(re.findall('[0-9]+', sizes[0]))}", item.span, ())
    for count in range(min(len(words), _MOST_WORDS), 0, -1):
        word = layer_word(" ".join(words[:count]))
        if word is not None:
            rest = rest if colon else head[head.index(words[count - 1]) + len(words[count - 1]) :]
            written = _written(word, rest, item.pairs)
            return Node(written, item.span, why="" if written else _UNREAD)
    return Node("", item.span, why=_UNREAD)


def _written(word: str, rest: str, pairs: Sequence[tuple[str, str]]) -> str:
    """A layer in this language; "" where its numbers are not certain."""
    kind = next((value.strip().lower() for key, value in pairs if key == "type"), "")
    word = "avgpool" if word == "maxpool" and kind in ("avg", "average", "mean") else word
    pairs = [pair for pair in pairs if pair[0] != "type"]
    pieces = [one for one in re.split(r"[\s,;]+", rest) if one and one.lower() not in _FILLER]
    pieces += [f"{key}={value.strip().strip('[]').replace(' ', '')}" for key, value in pairs]
    if word in ROWS:
        reading = row(word, pieces)
        return reading.text if reading is not None and not reading.why else ""
    return "" if any(re.search("[0-9]", piece) for piece in pieces) else word


def _channels_first(sizes: Sequence[str]) -> str:
    """`32x32x3` is rows, columns and channels."""
    turned = len(sizes) == 3 and sizes[2] in ("1", "3") and sizes[0] not in ("1", "3")
    return "x".join((sizes[2], *sizes[:2]) if turned else sizes)
