"""What a scene shows, and what is wrong with where it shows it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise

from cnnspec.drawing import fonts
from cnnspec.drawing.scene import Circle, Group, Item, Line, Point, Scene, Shape, Text

Box = tuple[float, float, float, float]
NEAR = 0.05
"""Points by which two things may touch."""


def flat(items: tuple[Item | Group, ...]) -> Iterator[Item]:
    for item in items:
        if isinstance(item, Group):
            yield from flat(item.items)
        else:
            yield item


def groups(scene: Scene, *roles: str) -> list[Group]:
    """The groups of these roles, wherever they are."""
    found: list[Group] = []
    stack: list[Item | Group] = list(scene.items)
    while stack:
        item = stack.pop()
        if isinstance(item, Group):
            stack += item.items
            if item.role in roles:
                found.append(item)
    return found


def box_of(item: Item) -> Box:
    match item:
        case Text():
            left, top, right, bottom = fonts.box_of(item)
            if not item.turn:
                return left, top, right, bottom
            assert item.turn == 90  # to the right becomes up
            x, y = item.x, item.y
            return x - (y - top), y - (right - x), x + (bottom - y), y - (left - x)
        case Circle():
            return item.x - item.r, item.y - item.r, item.x + item.r, item.y + item.r
        case Shape() | Line():
            xs, ys = zip(*item.points, strict=True)
            return min(xs), min(ys), max(xs), max(ys)


def outside(scene: Scene) -> list[Item]:
    """What is not wholly in the view box."""
    found = []
    for item in flat(scene.items):
        left, top, right, bottom = box_of(item)
        if left < -NEAR or top < -NEAR or right > scene.width + NEAR or bottom > scene.height + NEAR:
            found.append(item)
    return found


def overlap(one: Box, other: Box) -> bool:
    return all(one[axis] < other[axis + 2] - NEAR and other[axis] < one[axis + 2] - NEAR for axis in (0, 1))


def overlapping_texts(scene: Scene) -> list[tuple[Text, Text]]:
    texts = [
        item for item in flat(scene.items) if isinstance(item, Text) and "".join(r.text for r in item.runs)
    ]
    return [(a, b) for a, b in combinations(texts, 2) if overlap(box_of(a), box_of(b))]


def front_of(group: Group) -> Box:
    """The front of a volume: the rectangles of a bar together, else the one that is drawn last in full."""
    rectangles = [item for item in group.items if isinstance(item, Shape) and _is_upright(item)]
    if not rectangles:
        return box_of(next(item for item in group.items if isinstance(item, Shape)))
    last = box_of(rectangles[-1])
    first = box_of(rectangles[0])
    return (first[0], last[1], last[2], last[3]) if first[3] == last[3] else last


def _is_upright(shape: Shape) -> bool:
    return len({x for x, _ in shape.points}) == 2 == len({y for _, y in shape.points})


def overlapping_volumes(scene: Scene) -> list[tuple[Group, Group]]:
    """Pairs of volumes of which one stands on the other's front."""
    pairs = combinations([(group, front_of(group)) for group in groups(scene, "layer", "input")], 2)
    return [(a, b) for (a, one), (b, other) in pairs if overlap(one, other)]


def texts_on_volumes(scene: Scene) -> list[tuple[Text, Group]]:
    """Texts that stand on the front of a volume."""
    fronts = [(group, front_of(group)) for group in groups(scene, "layer", "input")]
    texts = [item for item in flat(scene.items) if isinstance(item, Text)]
    return [(text, group) for text in texts for group, box in fronts if overlap(box_of(text), box)]


def lines_over_things(scene: Scene) -> list[tuple[Line, Box]]:
    """Lines of arrows and skips that cross the front of a volume, or a text."""
    fronts = [front_of(group) for group in groups(scene, "layer", "input")]
    texts = [box_of(item) for item in flat(scene.items) if isinstance(item, Text) and item.runs]
    lines = [
        item for group in groups(scene, "edge", "skip") for item in group.items if isinstance(item, Line)
    ]
    pieces = [
        (line, _around(piece, line.pen.width * 0.3)) for line in lines for piece in pairwise(line.points)
    ]
    return [(line, box) for line, piece in pieces for box in (*fronts, *texts) if overlap(piece, box)]


def _around(piece: tuple[Point, Point], half: float) -> Box:
    """A piece of a line, which has a width."""
    xs, ys = zip(*piece, strict=True)
    return min(xs) - half, min(ys) - half, max(xs) + half, max(ys) + half
