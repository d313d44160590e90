"""Patterns → text for the parser, which the formatter formats afterwards."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any, Literal, NamedTuple, TypeAlias

from cnnspec.language.write import LETTER_ORDER
from cnnspec.ops.base import Op, in_order, is_default, spelled, written_shape
from cnnspec.sources.layers import Layer, LayerList
from cnnspec.structure import names
from cnnspec.structure.align import Work
from cnnspec.structure.express import Parameter, written_value
from cnnspec.structure.holes import UnknownLayer
from cnnspec.structure.layout import rows
from cnnspec.structure.parts import Body, Leaf, Merge, Repeat, Step, Use, local_numbers
from cnnspec.structure.pattern import Group, Pattern, Site, Track, sites_in
from cnnspec.structure.usual import Usual, default_lines

POOLS = ("maxpool", "avgpool")
ENTRY = ("c", "h", "w")
"""Names for the channels, rows and columns at the beginning of a block."""
SHORT = 70
"""The longest merge, in characters, that other steps may follow on its line."""
BRANCH = 90
"""The longest branch, in characters, that is written on one line."""


Kind: TypeAlias = Literal["block", "shared", "shared inside"]
"""Of blocks: one of the file, or (`shared inside`) one of the blocks that use it."""


class Block(NamedTuple):
    """A block of the text: its name, its parameters, and the pattern of its uses."""

    name: str
    parameters: list[Parameter]
    pattern: Pattern
    kind: Kind = "block"


class Writer(NamedTuple):
    """The blocks, names and defaults that the text of a step depends on."""

    network: LayerList
    usual: Usual
    blocks: dict[str, Block]
    work: Work

    def file(self, root: Pattern) -> str:
        """The text of a whole network."""
        network, body = self.network, root.bodies[0]
        labels = self.labels(body, network=True)
        name = names.cleaned(network.name)
        lines = [f"model {names.free([name, name.title(), 'Net'], ())}", *default_lines(self.usual), ""]
        inside = self.inside(root)
        for block in self.blocks.values():
            if block.kind != "shared inside" or block in inside:
                lines += [*self.block(block), ""]
        named = {value: labels[number] for number, value in enumerate(local_numbers(body))}
        for value, input_ in enumerate(network.inputs):
            name = f"{named[value]}: " if len(network.inputs) > 1 or value in body.named else ""
            lines.append(f"input {name}{written_shape(input_.shape)}")
        lines += ["", *self.lines(root, labels, claims=True)]
        if body.outputs and all(value in body.named for value in body.outputs):
            lines.append(f"output {', '.join(f'@{named[value]}' for value in body.outputs)}")
        if weights := self.weights():
            lines += ["", f"expect params {weights:,}"]
        return "\n".join(lines) + "\n"

    def weights(self) -> int:
        """The number of the network's weights; 0 where a part of it is unknown."""
        total = 0
        shared: set[tuple[tuple[str, str], ...]] = set()
        tied = any(block.kind != "block" for block in self.blocks.values())
        for layer in self.network.layers:
            if not isinstance(layer, Layer):
                return 0
            inputs = tuple(self.network.shape(value) for value in layer.inputs)
            keys = tuple(sorted(layer.weights.items()))
            if not (tied and keys and keys in shared):
                weights = layer.op.weights(*inputs)
                total += sum(prod(weight.shape) for weight in weights if weight.role != "buffer")
            shared.add(keys)
        return total

    # --- blocks -----------------------------------------------------------------------------------

    def block(self, block: Block) -> list[str]:
        body = block.pattern.bodies[0]
        lets = _lets(block.pattern)
        labels = self.labels(body, taken=lets)
        heads = [_head(parameter) for parameter in block.parameters if parameter.default is None]
        heads += [f"@{labels[number]}" for number in range(1, len(body.inputs))]
        heads += [_head(parameter) for parameter in block.parameters if parameter.default is not None]
        lines = self.lines(block.pattern, labels)
        lines[:0] = [f"let {name} = {name.upper()}" for name in lets]
        if any(one.inputs[0] in one.named for one in block.pattern.bodies):
            lines.insert(0, f"{labels[0]}: id")
        if len(body.outputs) > 1 or (body.outputs[0] in body.named and body.lines[-1].ends != body.outputs):
            local = local_numbers(body)
            lines.append(f"output {', '.join(f'@{labels[local[value]]}' for value in body.outputs)}")
        lines[:0] = [line for one in self.inside(block.pattern) for line in self.block(one)]
        return [
            f"{block.kind.split()[0]} {block.name}({', '.join(heads)}) {{",
            *(f"  {line}" for line in lines),
            "}",
        ]

    def inside(self, pattern: Pattern) -> list[Block]:
        """The `shared` blocks that belong to this one."""
        uses = (site.first.region.block for site in pattern.sites() if isinstance(site.first, Use))
        used = [self.blocks[name] for name in dict.fromkeys(uses)]
        return [block for block in used if block.kind == "shared inside"]

    def labels(self, body: Body, network: bool = False, taken: Iterable[str] = ()) -> list[str]:
        """A label for each value that the text refers to, by its local number: the source's name, or the
        layer's word; `taken` are other names of the body."""
        taken = set(taken)
        result: list[str] = []
        outputs = self.network.outputs if network else ()
        output_names = {
            output.value: names.cleaned(output.name) for output in outputs if not output.name.isdigit()
        }
        makers = {end: (line, end) for line in body.lines for end in line.ends if line.chain.steps}
        each: list[list[str]] = []
        for value in local_numbers(body):
            word = [output_names.get(value, "")]
            if value in body.inputs:
                word += [names.cleaned(self.network.inputs[value].name)] if network else []
                word += ["x"] if network or value == body.inputs[0] else ["skip", "other"]
            elif value in makers:
                line, end = makers[value]
                word += self.words(line.chain.steps[-1], line.ends.index(end) if len(line.ends) > 1 else None)
            each.append([one for one in word if one] or ["x"])
        plain = Counter(word[0] for word in each)
        for word in each:
            numbered = len(word) > 1 and word[1].rstrip("0123456789") == word[0] != word[1]
            result.append(names.free(word[numbered and plain[word[0]] > 1 :], taken))
            taken.add(result[-1])
        return result

    def words(self, step: Step, place: int | None = None) -> list[str]:
        """Possible labels for a step; `place`: the index of the output."""
        match step:
            case Use(region):
                if place is not None:
                    body = self.blocks[region.block].pattern.bodies[0]
                    label = self.labels(body)[local_numbers(body)[body.outputs[place]]]
                    return [label, label.rstrip("0123456789") or label]
                last, numbered = names.last_of(region.key[0])
                if last.rstrip("0123456789") == region.class_name:  # a module from found.py
                    last = numbered = region.class_name
                return [last, numbered, region.block]
            case Repeat(passes):
                return self.words(passes[-1].steps[-1], place)
            case Leaf(layer=int() as number) | Merge(layer=int() as number):
                layer = self.network.layers[number]
                word = layer.op.word if isinstance(layer, Layer) else names.snake(layer.what)
                if not layer.name.isdigit():
                    return [names.cleaned(layer.name) or word]
                keys = [key.rpartition(".")[0] for key in layer.weights.values()]
                around = layer.scopes[-1].path if layer.scopes else ""
                return [*names.last_of(keys[0] if keys else around), word]
        return [step.op.word]

    # --- lines ------------------------------------------------------------------------------------

    def lines(self, pattern: Pattern, labels: Sequence[str], claims: bool = False) -> list[str]:
        body = pattern.bodies[0]
        local = local_numbers(body)
        written = []
        for line, track in zip(body.lines, pattern.lines, strict=True):
            ends = [labels[local[end]] for end in line.ends if end in local]
            label = f"{', '.join(ends)}: " if ends else ""
            texts = [self.group(group, labels) for group in track.groups]
            laid = rows(texts, self.breaks(track, texts))
            parts = [" -> ".join(row) for row in laid] or [""]
            if claims:
                parts = self.claimed(track, parts, [len(row) for row in laid])
            if track.begin is not None:
                begin = ", ".join(f"@{labels[number]}" for number in (track.begin, *track.also))
                parts[0] = " -> ".join(filter(None, (begin, parts[0])))
            if parts == [""]:
                parts = ["id"]
            written += [*parts[:-1], label + parts[-1]]
        return written

    def claimed(self, track: Track, parts: list[str], counts: list[int]) -> list[str]:
        """The rows of a line, with the shape claimed where the maps have a new size."""
        result = []
        at, size = 0, self.network.shape(next(iter(track.at.values())).begin)[1:]
        for text, count in zip(parts, counts, strict=True):
            at += count
            shape = self.network.shape(track.groups[at - 1].sites[-1].first.end)
            new = len(shape) > 1 and shape[1:] != size and " => " not in text
            result.append(f"{text} => {written_shape(shape)}" if new else text)
            size = shape[1:]
        return result

    def breaks(self, track: Track, texts: Sequence[str]) -> list[bool]:
        """Whether each group of a line begins a part of the network: where the maps become smaller, or after
        a merge."""
        starts: list[bool] = []
        before: Any = None
        for group in track.groups:
            step = group.sites[0].first
            layer = isinstance(step, Leaf) and not step.op.weighted
            long = isinstance(before, Merge) and len(texts[len(starts) - 1]) > SHORT
            after = long or (_is_pool(before) and len(starts) > 1 and not starts[-1])
            ends = isinstance(step, Leaf) and step.op.ends_map and not _ends_map(before)
            smaller = not layer and self.resizes(step)
            starts.append(bool(starts) and (after or ends or smaller))
            if starts[-1] and smaller and self.opens(track, len(starts) - 2):
                starts[-2:] = [True, False]  # a norm before a convolution belongs to it
            before = step
        return starts

    def opens(self, track: Track, number: int) -> bool:
        """Whether a group is a norm directly after a block or a merge."""
        step, before = (track.groups[at].sites[-1].first for at in (number, number - 1))
        return number > 0 and _is_norm(step) and not isinstance(before, Leaf)

    def resizes(self, step: Any) -> bool:
        """Whether maps become clearly smaller or larger: by a stride, not by a border."""
        size_before, size_after = (self.network.shape(value)[1:] for value in (step.begin, step.end))
        both = zip(size_before, size_after, strict=False)
        return len(size_before) == len(size_after) and any(3 * a > 4 * b or 3 * b > 4 * a for a, b in both)

    def chain(self, track: Track, labels: Sequence[str]) -> str:
        """A chain in brackets; a long one is on several lines."""
        start = "" if track.begin is None else f"@{labels[track.begin]}"
        texts = [self.group(group, labels) for group in track.groups]
        joined = " -> ".join(filter(None, (start, *texts)))
        if not any(group.condition for group in track.groups) and len(joined) <= BRANCH:
            return joined or "id"
        own = [
            number > 0 and bool(group.condition or before.condition)
            for number, (group, before) in enumerate(
                zip(track.groups, (track.groups[0], *track.groups), strict=False)
            )
        ]
        chain_lines = [" -> ".join(row) for row in rows(texts, own)]
        if start:
            chain_lines[0] = f"{start} -> {chain_lines[0]}"
        return "\n".join(chain_lines)

    def group(self, group: Group, labels: Sequence[str]) -> str:
        text = " -> ".join(self.site(site, labels) for site in group.sites)
        if not group.condition:
            return text
        other = " -> ".join(self.site(one, labels) for one in group.otherwise)
        return f"if {group.condition} [ {text} ]" + (f" else [ {other} ]" if other else "")

    def site(self, site: Site, labels: Sequence[str]) -> str:
        if site.layer:
            return site.layer
        refers = [labels[number] for number in site.refers]
        match site.first:
            case Leaf(_, op):
                return layer_text(op, refers, site.texts, self.usual)
            case Use(region):
                return self.use(self.blocks[region.block], region.arguments, refers, site.texts)
            case Merge(_, op):
                inside = " | ".join(self.branch(track, labels) for track in site.tracks)
                return f"{layer_text(op, (), site.texts, self.usual)} [ {inside} ]"
            case Repeat(passes):
                times = site.texts.get("times", str(len(passes)))
                return f"[{self.chain(site.tracks[0], labels)}]*{_atom(times)}"
        raise AssertionError(site.first)

    def branch(self, track: Track, labels: Sequence[str]) -> str:
        text = self.chain(track, labels)
        return f"if {track.condition} [ {text} ] else [ none ]" if track.condition else text

    def use(
        self, block: Block, arguments: Mapping[str, Any], refers: Sequence[str], literal: Mapping[str, str]
    ) -> str:
        letters: dict[str, str] = {}
        first: list[str] = []
        behind: list[str] = []
        for parameter in block.parameters:
            text = literal.get(parameter.name) or written_value(arguments[parameter.name])
            if parameter.kind == "layer":
                text = _layer_argument(text)
            if parameter.default is not None and text == _default(parameter):
                continue
            if parameter.kind == "letter":
                letters[parameter.name] = f"{'' if re.fullmatch('[0-9x]+', text) else '='}{text}"
            elif parameter.default is not None:
                behind.append(f"{parameter.name}={text}")
            else:
                first.append(text)
        ordered = [name + letters[name] for name in LETTER_ORDER if name in letters]
        tensors = [f"@{reference}" for reference in refers]
        parts = [*([" ".join(ordered)] if ordered else []), *first, *tensors, *behind]
        return f"{block.name}({', '.join(parts)})"


def layer_text(
    op: Op, refers: Sequence[str] = (), literal: Mapping[str, str] | None = None, usual: Usual | None = None
) -> str:
    """The text of a layer, `conv F3 P1 K64`; `given` are texts for some of its fields."""
    if isinstance(op, UnknownLayer):
        sizes = (literal and literal.get(f"shape.{axis}") for axis in range(len(op.shape)))
        shape = [f"({size})" if size else str(n) for size, n in zip(sizes, op.shape, strict=True)]
        return f"{op.what}({', '.join(f'@{reference}' for reference in refers)}) => {'x'.join(shape)}"
    parts = [op.word]
    named = iter(refers)
    defaults = (usual or {}).get(op.word, {})
    for name, argument, default in in_order(type(op)):
        value = getattr(op, name)
        if literal and name in literal:
            parts.append(_argument(argument, literal[name]))
        elif literal and argument.kind == "range" and (f"{name}.0" in literal or f"{name}.1" in literal):
            low, high = (literal.get(f"{name}.{end}", str(value[end])) for end in (0, 1))
            text = f"({low}):{high}"
            parts.append(text if argument.positional is not None else f"{argument.keyword}={text}")
        elif argument.kind == "tensor":
            parts += [f"{argument.keyword}=@{next(named)}"] if value else []
        elif value != defaults[name] if name in defaults else not is_default(default, value):
            parts.append(spelled(argument, value))
    return " ".join(parts)


def _argument(argument: Any, text: str) -> str:
    if argument.letter is not None:
        return f"{argument.letter}{text}" if re.fullmatch("[0-9x]+", text) else f"{argument.letter}={text}"
    if argument.positional is not None:
        return text if re.fullmatch(r"\w+", text) or ")x" in text or "x(" in text else f"({text})"
    return f"{argument.keyword}={text}"


def _atom(text: str) -> str:
    return text if re.fullmatch(r"\w+", text) else f"({text})"


def _head(one: Parameter) -> str:
    return one.name if one.default is None else f"{one.name}={_default(one)}"


def _default(one: Parameter) -> str:
    text = written_value(one.default)
    return _layer_argument(text) if one.kind == "layer" else text


def _layer_argument(text: str) -> str:
    return text if re.fullmatch(r"\w+", text) else f"[{text}]"


def _is_pool(step: Any) -> bool:
    return isinstance(step, Leaf) and step.op.word in POOLS


def _is_norm(step: Any) -> bool:
    return isinstance(step, Leaf) and "affine" in type(step.op).model_fields


def _ends_map(step: Any) -> bool:
    return isinstance(step, Leaf) and step.op.ends_map


def _all_sites(pattern: Pattern) -> list[Site]:
    return [site for line in pattern.lines for site in sites_in(line)]


def _lets(pattern: Pattern) -> list[str]:
    """The names of sizes of the input that the text reads behind the first step: `let c = C`."""
    texts = [text for site in _all_sites(pattern) for text in site.texts.values()]
    read = " ".join([*texts, *_conditions(pattern)])
    return [name for name in ENTRY if re.search(rf"\b{name}\b", read)]


def _conditions(pattern: Pattern) -> list[str]:
    tracks = [*pattern.lines, *(track for site in _all_sites(pattern) for track in site.tracks)]
    return [track.condition for track in tracks] + [
        group.condition for track in tracks for group in track.groups
    ]
