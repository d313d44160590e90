"""Receptive fields against gradients: which input pixels does an output position depend on?

A small forward pass (torch, float64, all weights positive, maxima taken as means, so that nothing cancels) is
differentiated at every position along the middle of each axis, of signals, images and volumes; where no
window leaves the input, the pixels with a gradient must begin and end exactly where the analysis says.
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from cnnspec.analyses import analyse
from cnnspec.analyses.reach import Reach, either
from cnnspec.ir.flat import Entry, flat, flat_outputs
from cnnspec.ir.graph import Graph
from tests.analyses.specs import graph, of_zoo

torch = pytest.importorskip("torch")
F = torch.nn.functional


@pytest.fixture(autouse=True)
def _one_thread():
    """The maps are tiny; threads would only wait for each other."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def forward(network: Graph, image: torch.Tensor) -> torch.Tensor:
    """The mean over channels of the model's first output."""
    values = [image]
    for entry in flat(network):
        values.append(one(entry, [values[number] for number in entry.inputs]))
    return values[flat_outputs(network)[0]].mean(1)[0]


def one(entry: Entry, given: list[torch.Tensor]) -> torch.Tensor:
    op, x = entry.op, given[0]
    axes = x.dim() - 2
    match op.word:
        case "conv" | "dwconv":
            groups = entry.input_shapes[0][0] if op.word == "dwconv" else op.G
            kernel = torch.ones(entry.out[0], entry.input_shapes[0][0] // groups, *op.F, dtype=x.dtype)
            return getattr(F, f"conv{axes}d")(x, kernel, None, op.S, op.P, op.D, groups)
        case "deconv":
            kernel = torch.ones(entry.input_shapes[0][0], entry.out[0], *op.F, dtype=x.dtype)
            return getattr(F, f"conv_transpose{axes}d")(x, kernel, None, op.S, op.P, op.extra, 1, op.D)
        case "avgpool" | "maxpool":
            return getattr(F, f"avg_pool{axes}d")(x, op.F, op.S, op.P)
        case "gap":
            return x.mean(tuple(range(2, x.dim())), keepdim=True)
        case "upsample":
            kind = {"mode": op.mode} | ({} if op.mode == "nearest" else {"align_corners": False})
            return F.interpolate(x, entry.out[1:], **kind)
        case "pixelshuffle":
            return F.pixel_shuffle(x, op.factor[0])
        case "pixelunshuffle":
            return F.pixel_unshuffle(x, op.factor[0])
        case "crop":
            along = zip(entry.input_shapes[0][1:], entry.out[1:], op.offset or [None] * axes, strict=True)
            firsts = [((a - b) // 2 if first is None else first, b) for a, b, first in along]
            return x[:, :, *(slice(first, first + size) for first, size in firsts)]
        case "pad":
            ends = op.ends(tuple(x.shape[1:]))
            return F.pad(x, [count for both in reversed(ends) for count in both])
        case "concat":
            return torch.cat(given, 1)
        case "add" | "max":
            return sum(given)
        case "transpose":
            return x.transpose(-2, -1)
        case "relu" | "bn":
            return x
    raise AssertionError(op.word)


def turned(network: Graph) -> bool:
    """Whether the output's rows are the input's columns."""
    return sum(entry.op.word == "transpose" for entry in flat(network)) % 2 == 1


def read_by(network: Graph, axis: int) -> tuple[list[tuple[int, int] | None], int]:
    """First and last pixel along an axis that each position reads, and how many pixels there are."""
    shape = network.root.values[0]
    image = torch.rand(1, *shape, dtype=torch.float64, requires_grad=True)
    out = forward(network, image)
    middle = [size // 2 for size in out.shape]
    others = tuple(other for other in range(image.dim() - 1) if other != 1 + axis)
    found: list[tuple[int, int] | None] = []
    along = 1 - axis if turned(network) else axis
    for position in range(out.shape[along]):
        at = (*middle[:along], position, *middle[along + 1 :])
        (gradient,) = torch.autograd.grad(out[at], image, retain_graph=True)
        seen = gradient[0].abs().sum(others).nonzero().flatten().tolist()
        found.append((seen[0], seen[-1]) if seen else None)
    return found, shape[1 + axis]


def predicted(network: Graph, axis: int, position: int) -> tuple[int, int]:
    fields = analyse(network).fields
    view = fields.views[-1][network.root.outputs[0]]
    reach = view.seen[0].reaches[axis]
    turns, place = divmod(position, reach.period)
    return reach.first[place] + turns * reach.shift, reach.last[place] + turns * reach.shift


NETWORKS = [
    "conv F3 K2 -> conv F3 K2",
    "conv F5 S2 P2 K2 -> maxpool F3 S2 P1 -> conv F3 P1 K2",
    "conv F3 D2 K2 -> avgpool F2 -> conv F1x7 P0x3 K2 -> conv F7x1 S2x1 P3x0 K2",
    "[conv F3 P1 K2 -> relu]*5",
    "[conv F3 P1 K2 -> [conv F3 P1 K2]*3 -> bn]*3",
    "add [ conv F3 P1 K2 -> conv F3 P1 K2 | conv F1 K2 ]",
    "concat [ conv F1 K2 | conv F3 P1 K2 | conv F5 P2 K2 | maxpool F3 S1 P1 -> conv F1 K2 ]",
    "concat [ conv F3 K2 -> pad right=2 top=2 | pad left=2 bottom=2 -> conv F3 K2 ]",
    "maxpool F2 -> upsample 2",
    "maxpool F2 -> conv F3 P1 K2 -> upsample 2 -> conv F3 P1 K2",
    "maxpool F4 -> upsample 2 -> conv F2 K2 -> upsample 2 -> conv F3 P1 K2",
    "maxpool F2 -> conv F3 P1 K2 -> upsample 2 bilinear -> conv F3 P1 K2",
    "maxpool F3 -> upsample 4 bilinear",
    "maxpool F4 -> upsample out=14x20 -> conv F3 P1 K2",
    "conv F4 S2 P1 K2 -> conv F3 P1 K2 -> deconv F4 S2 P1 K2",
    "conv F3 S2 P1 K2 -> deconv F3 S2 P1 extra=1 K2 -> conv F3 P1 K2",
    "conv F2 S2 K2 -> deconv F2 S2 K2 -> conv F3 P1 K2",
    "conv F3 S2 P1 K2 -> deconv F2 S3 K2 -> conv F3 P1 K2",
    "conv F3 P1 K8 -> pixelshuffle 2 -> conv F3 P1 K2 -> pixelunshuffle 2 -> conv F3 P1 K2",
    "upsample 3 -> conv F3 S2 K2 -> conv F3 K2",
    "[maxpool F2 -> conv F3 P1 K2 -> upsample 2 -> conv F3 P1 K2]*3",
    "a: conv F3 P1 K2\nmaxpool F2 -> conv F3 P1 K2 -> upsample 2\nadd [ id | @a ] -> conv F3 P1 K2",
    "conv F1x5 P0x2 K2 -> transpose -> conv F1x3 S1x2 P0x1 K2 -> maxpool F2x1 -> transpose -> conv F3x1 K2",
    "maxpool F1x3 -> [transpose -> conv F1x3 P0x1 K2]*3 -> conv F5x1 S2x1 P2x0 K2 -> upsample 2x1",
    "block f() { transpose -> conv F1x3 P0x1 K2 -> transpose }\nadd [ f() -> f() | conv F1x3 P0x1 K2 ]",
    "e: conv F3 P1 K2\n[ add [ conv F3 P1 K2 | @e ] ]*4",
    "s: conv F1 K2\ne: conv F15 P7 K2\n@s -> [ add [ conv F3 P1 K2 | @e ] ]*4",
]


SIGNALS = [
    "conv F9 S2 P4 K2 -> maxpool F3 S2 P1 -> conv F3 D2 P2 K2",
    "conv F2 D1 K2 -> conv F2 D2 K2 -> conv F2 D4 K2 -> conv F2 D8 K2",  # a block of WaveNet's
    "add [ pad left=4 right=0 -> conv F3 D2 K2 | conv F1 K2 ] -> relu -> conv F3 P1 K2",  # causal
    "maxpool F4 -> conv F3 P1 K2 -> upsample 4 linear -> conv F3 P1 K2",
    "conv F4 S2 P1 K2 -> deconv F4 S2 P1 K2 -> crop 90 -> dwconv F5",
    "e: conv F3 P1 K2\n[ add [ conv F3 P1 K2 | @e ] ]*4",
    "[avgpool F2 -> [conv F3 P1 K2]*3 -> upsample 2]*2",
]
VOLUMES = [
    "conv F3 P1 K2 -> maxpool F1x2x2 -> conv F3x3x3 S1x2x1 P1 K2",
    "conv F1x3x3 P0x1x1 K2 -> conv F3x1x1 P1x0x0 K2",
    "maxpool F2 -> conv F3 P1 K2 -> upsample 2 trilinear -> conv F1x3x1 K2",
    "conv F2 S2 K2 -> deconv F2 S2 K2 -> pad front=1 right=2 -> conv F3 K2 -> crop 4x6x8",
    "add [ conv F3 D1x2x1 P1x2x1 K2 | conv F1 K2 ] -> upsample 1x2x2 -> conv F3 P1 K2",
]
INPUTS = [
    *(("1x32x36", text) for text in NETWORKS),
    *(("1x120", text) for text in SIGNALS),
    *(("1x14x15x16", text) for text in VOLUMES),
]


@pytest.mark.parametrize(("shape", "text"), INPUTS)
def test_gradients_reach_as_far_as_predicted(shape: str, text: str) -> None:
    inside = 0
    network = graph(f"input {shape}\n{text}\n")
    for axis in range(shape.count("x")):
        found, length = read_by(network, axis)
        for position, interval in enumerate(found):
            first, last = predicted(network, axis, position)
            if first >= 0 and last < length and first <= last:
                assert interval == (first, last), (axis, position)
                inside += 1
            elif interval is not None:  # at the border: never beyond
                assert first <= interval[0]
                assert interval[1] <= last
    assert inside >= 8


@pytest.mark.parametrize(("shape", "text"), [one for one in INPUTS if one[1] not in NETWORKS[-2:]])
def test_size_is_that_of_the_widest_position(shape: str, text: str) -> None:
    network = graph(f"input {shape}\n{text}\n")
    field = analyse(network).totals.field
    for axis in range(shape.count("x")):
        found, length = read_by(network, axis)
        widths = [last - first + 1 for first, last in filter(None, found) if first > 0 and last < length - 1]
        assert max(widths) == field[axis]


@pytest.mark.parametrize(
    ("name", "variant", "size"),
    [  # Araujo, Norris, Sim: "Computing Receptive Fields of Convolutional Neural Networks", Distill, 2019
        ("vgg", "VGG16", 212),
        ("resnet", "ResNet50v1", 483),
        ("resnet", "ResNet101v1", 1027),
        ("resnet", "ResNet152v1", 1507),
        ("mobilenet_v1", "MobileNet_100_224", 315),
        ("inception_v3", "InceptionV3", 1311),
        ("inception_resnet_v2", None, 3039),
        ("alexnet", None, 195),
    ],
)
def test_published_fields(name: str, variant: str | None, size: int) -> None:
    assert analyse(of_zoo(name, variant)).totals.field == (size, size)


def test_field_is_that_of_the_last_map() -> None:
    text = "input 3x32x32\nconv F3 K8 -> maxpool F2 -> conv F3 K8\n"
    report = analyse(graph(text + "gap -> fc 4\n"))
    assert report.totals.field == analyse(graph(text)).totals.field == (8, 8)
    assert [row.field and row.field.size for row in report.rows()] == [(3, 3), (4, 4), (8, 8), None, None]


def test_a_block_behind_the_end_of_the_map_widens_nothing() -> None:
    """Whether its layers stand in a block or not."""
    head = "block h() { conv F3 P1 K4 -> relu -> conv F3 P1 K4 }\n"
    for layers in ("h()", "conv F3 P1 K4 -> relu -> conv F3 P1 K4", "[h()]*3"):
        report = analyse(graph(f"{head}input 3x32x32\nconv F5 K8 -> gap -> {layers}\n"))
        assert report.totals.field == (5, 5)


def test_stride_and_offset() -> None:
    *_, row = analyse(graph("input 3x32x32\nconv F3 S2 P1 K8 -> conv F3 P1 K8 -> upsample 4\n")).rows()
    assert row.field.stride == (Fraction(1, 2), Fraction(1, 2))
    assert row.field.offset == (-3, -3)
    assert row.field.size == (7, 7)


def test_gate_widens_nothing() -> None:
    text = "input 8x32x32\nmul [ conv F3 P1 K8 | gap -> fc 8 -> sigmoid ] -> conv F3 P1 K8\n"
    assert analyse(graph(text)).totals.field == (5, 5)
    assert analyse(graph(text.replace("gap -> fc 8", "conv F9 P4 K8"))).totals.field == (11, 11)


def test_a_map_from_the_whole_picture_sees_it_whole() -> None:
    """Context pooling, as in DeepLab: what is averaged comes back as a map (32: the wider way)."""
    text = "input 8x32x32\nconcat [ conv F3 P1 K8 | gap -> conv F1 K8 -> upsample out=32x32 bilinear ]\n"
    assert analyse(graph(text)).totals.field == (32, 32)


def test_long_repeats_are_powers() -> None:
    report = analyse(graph("input 1x64x64\n[conv F3 P1 K1]*99999\n"))
    assert report.totals.field == (1 + 2 * 99999,) * 2


def test_ways_of_different_strides_count_the_wider() -> None:
    assert either(Reach((0,), (4,), 1), Reach((0,), (1,), 2)) == Reach((0,), (4,), 1)


def test_vectors_have_no_field() -> None:
    assert analyse(graph("input 784\nfc 10\n")).totals.field is None


def test_behind_a_reshape_to_other_axes_everything_is_read() -> None:
    """An image made of a signal: each of its positions may be any of the signal's."""
    report = analyse(
        graph("input 1x64\nconv F3 P1 K4 -> reshape 1x16x16 -> conv F3 P1 K4 -> conv F3 P1 K2\n")
    )
    assert [row.field and row.field.size for row in report.rows()] == [(3,), (66,), (66,), (66,)]
    assert report.totals.field == (66,)


def test_a_block_is_summarised_on_its_own_axes() -> None:
    """Its uses on a signal and on the image that is made of it; and what a repeat carries beside."""
    block = "block b(k) { [add [ conv F3 P1 K=k | conv F1 K=k ]]*3 }\n"
    text = f"{block}input 1x64\nb(4) -> reshape 1x16x16 -> b(4)\n"
    assert analyse(graph(text)).totals.field == (70,)
    text = "input 2x64\ne: conv F9 P4 K2\n[ add [ conv F3 P1 K2 | @e ] ]*40\n"
    assert analyse(graph(text)).totals.field == (89,)
