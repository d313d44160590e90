"""Every entry of the tables of other tools' layers: its example is what it says it is."""

from __future__ import annotations

import pytest

from cnnspec.notations import translate
from cnnspec.notations.caffe import CAFFE
from cnnspec.notations.calls import Tool, parsed, tools, tools_with_signs
from cnnspec.notations.darknet import DARKNET
from cnnspec.notations.entry import Entry, read
from cnnspec.notations.julia import FLUX
from cnnspec.notations.steps import LATEX, SPELLINGS, Spelling
from cnnspec.notations.yolo import A_BLOCK, YOLO
from tests.support import findings

TOOLS = (*tools(), *tools_with_signs().values(), Tool("Flux", FLUX, frozenset(), ()))
CALLS = [*{entry: (tool.name, entry) for tool in reversed(TOOLS) for entry in tool.entries}.values()]
INPUT = "input 3x16x16\n"


def ids(entries: list[tuple[str, Entry]]) -> list[str]:
    return [f"{tool}-{entry.example}" for tool, entry in entries]


@pytest.mark.parametrize(("tool", "entry"), CALLS, ids=ids(CALLS))
def test_an_example_is_what_its_entry_says(tool: str, entry: Entry) -> None:
    call = parsed(entry.example)
    assert call is not None
    (ignored,) = [one.ignored for one in TOOLS if one.name == tool]
    reading = read(entry, call.positional, call.named, ignored)
    assert reading.text == entry.here
    assert reading.why == entry.why
    assert bool(entry.here) or bool(entry.why), "what has no counterpart says why"


HERE = [(tool, entry) for tool, entry in CALLS if entry.here and not entry.here.startswith("input")]


@pytest.mark.parametrize(("tool", "entry"), HERE, ids=ids(HERE))
def test_a_translation_can_be_read_here(tool: str, entry: Entry) -> None:
    found = findings(f"input {entry.takes}\n{entry.here}\nrelu\n")
    assert [one.message for one in found if one.code.startswith("E")] == []


FILES = [
    *((entry.example, entry) for entry in DARKNET if "=" in entry.example),
    *((f"layer {{\n{entry.example}\n}}", entry) for entry in CAFFE),
    *((entry.example, entry) for entry in YOLO),
]


@pytest.mark.parametrize(("written", "entry"), FILES, ids=[entry.example for _, entry in FILES])
def test_a_part_of_a_model_file_is_what_its_entry_says(written: str, entry: Entry) -> None:
    before, behind = (f"input {entry.takes}\n", "relu\n")
    if entry.here.startswith("input "):
        before = ""
    (found,) = [one for one in findings(f"{before}{written}\n{behind}") if one.code.startswith("E")]
    assert found.code == "E102"
    assert found.span == (len(before), len(before) + len(written))
    assert [edit.text for edit in found.fix] == ([entry.here] if entry.here else [])


PROTOTXT = """name: "Net"
layer { type: "Input" name: "data" top: "data" input_param { shape: { dim: 64 dim: 1 dim: 28 dim: 28 } } }
layer {
  name: "conv1"
  type: "Convolution"
  bottom: "data"
  top: "conv1"
  param { lr_mult: 1 }
  convolution_param {
    num_output: 20
    kernel_size: 5
    weight_filler { type: "xavier" }
  }
}
layers { name: "fc/1" type: INNER_PRODUCT bottom: "pool1" top: "fc" inner_product_param { num_output: 10 } }
"""
RESIDUAL = """layer { name: "data" type: "Input" top: "data"
  input_param { shape: { dim: 1 dim: 8 dim: 16 dim: 16 } } }
layer { name: "c1" type: "Convolution" bottom: "data" top: "c1"
  convolution_param { num_output: 8 kernel_size: 3 pad: 1 bias_term: false } }
layer { name: "bn1" type: "BatchNorm" bottom: "c1" top: "c1" batch_norm_param { use_global_stats: true } }
layer { name: "s1" type: "Scale" bottom: "c1" top: "c1" scale_param { bias_term: true } }
layer { name: "r1" type: "ReLU" bottom: "c1" top: "r1" }
layer { name: "sum" type: "Eltwise" bottom: "c1" bottom: "r1" top: "sum" }
"""
YAML = """nc: 80
depth_multiple: 1.0
width_multiple: 0.50
anchors:
  - [10,13, 16,30, 33,23]
backbone:
  - [-1, 1, Conv, [64, 6, 2, 2]]  # 0-P1/2
  - [-1, 3, BottleneckCSP, [128]]
head:
  - [0, 3, Conv, [64]]
  - [[-1, 0], 1, Concat, [1]]
"""
CFG = """[net]
# training
batch=64
width=64
height=64
channels=3

[convolutional]
batch_normalize=1
filters=16
size=3
stride=1
pad=1
activation=leaky

[convolutional]
filters=16
size=1
activation=linear

[shortcut]
from=-2
activation=leaky

[route]
layers=-1, 0

[yolo]
mask=0,1

[route]
layers=-4

[upsample]
stride=2

[yolo]
mask=2
"""


def summary_of(text: str) -> list[str]:
    return [one.help for one in findings(text) if one.code.startswith("E")]


def test_a_prototxt_is_one_finding() -> None:
    (found,) = summary_of(PROTOTXT)
    assert found.splitlines()[1:] == [
        "input 1x28x28",
        "conv1: conv F5 K20",
        "flatten -> fc 10  # what `pool1` is, is not in this text",
    ]


@pytest.mark.parametrize("shape", ["input_dim: 1\ninput_dim: 3\ninput_dim: 9\ninput_dim: 8\n",
                                   "input_shape { dim: 1 dim: 3 dim: 9 dim: 8 }\n"])  # fmt: skip
def test_the_first_lines_of_a_prototxt_are_its_input(shape: str) -> None:
    head = f'name: "Net"\ninput: "data"\n{shape}'
    layer = 'layer { name: "r" type: "ReLU" bottom: "data" top: "r" }\n'
    for behind, here in ((layer, "model Net\ninput 3x9x8\nrelu"), ("relu\n", "model Net\ninput 3x9x8")):
        (found,) = findings(head + behind)
        assert [edit.text for edit in found.fix] == [here]


def test_blobs_of_a_prototxt_are_labels_where_they_are_needed() -> None:
    (found,) = summary_of(RESIDUAL)
    assert found.splitlines()[1:] == [
        "input 8x16x16",
        "c1: conv F3 P1 K8 nobias",
        "bn1: bn",
        "relu",
        "add [ @bn1 | id ]",
    ]


def test_a_yolo_yaml_is_one_finding_with_its_widths_and_depths_multiplied() -> None:
    wide = "nobias -> bn eps=1e-3 momentum=0.03 -> silu"
    (found,) = summary_of(f"input 3x64x64\n{YAML}")
    assert found.splitlines()[1:] == [
        f"conv1: conv F6 S2 P2 K32 {wide}",
        f"# - [-1, 3, BottleneckCSP, [128]]: {A_BLOCK}",
        f"@conv1 -> [conv F1 K32 {wide}]*3",
        "concat [ id | @conv1 ]",
    ]


def test_a_darknet_cfg_is_one_finding_with_its_routes_and_shortcuts() -> None:
    (found,) = summary_of(CFG)
    assert found.splitlines()[1:] == [
        "input 3x64x64",
        "conv1: conv F3 P1 K16 nobias -> bn -> leaky 0.1",
        "conv2: conv F1 K16",
        "add [ id | @conv1 ] -> leaky 0.1",
        "concat1: concat [ id | @conv1 ]",
        "upsample1: @conv2 -> upsample 2",
        "output @concat1, @upsample1",
    ]


@pytest.mark.parametrize("spelling", [*SPELLINGS, *LATEX], ids=lambda spelling: spelling.example)
def test_a_spelling_of_a_paper_is_what_it_says(spelling: Spelling) -> None:
    assert spelling.written.search(spelling.example)
    found = translate(spelling.example, 0)
    assert found is not None
    assert (found.text, found.sure) == (spelling.here, True)


SURE = [
    ("nn.Conv2d(3, 64, 7, 2, 3, bias=False)", "conv F7 S2 P3 K64 nobias"),
    ("Conv2d(64, 64, kernel_size=3, groups=64)", "conv F3 G64 K64"),
    ("nn.Conv2d(64, 64, [1, 7], padding = (0, 3), bias = False)", "conv F1x7 P0x3 K64 nobias"),
    ("Conv2d(3, 64, 3", "conv F3 K64"),
    ("Conv2d(64, k, kernel_size=(1, 7), padding=(0, 3))", "conv F1x7 P0x3 K=k"),
    ("Conv2d(8, 8, 3, padding='same')", "conv F3 Psame K8"),
    ("MaxPool2d(3, 2, 1)", "maxpool F3 S2 P1"),
    ("MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)", "maxpool F2"),
    ("AdaptiveAvgPool2d(output_size=(1, 1))", "gap"),
    ("BatchNorm2d(64, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)", "bn"),
    ("InstanceNorm2d(64, affine=True)", "in"),
    ("nn.PReLU()", "prelu one"),
    ("PReLU(num_parameters=64)", "prelu"),
    ("PReLU(64)", "prelu"),
    ("nn.LeakyReLU()", "leaky"),
    ("layers.LeakyReLU()", "leaky 0.3"),
    ("ReLU(6.)", "relu6"),
    ("Upsample(scale_factor=2.0, mode='nearest')", "upsample 2"),
    ("BatchNormalization()", "bn eps=1e-3 momentum=0.01"),
    ("BatchNormalization(momentum=0.9, epsilon=1e-5)", "bn"),
    ("MaxPooling2D((2, 2), strides=1, padding='same')", "maxpool F2 S1 Psame"),
    ("Conv2D(64, 3, activation='relu', name='conv1', kernel_initializer='he_normal')", "conv F3 K64 -> relu"),
    ("Conv2D(64, 3, activation='linear')", "conv F3 K64"),
    ("Reshape((-1,))", "flatten"),
    ("ZeroPadding2D(3)", "pad 3"),
    ("Input(shape=(3, 224, 224))", "input 3x224x224"),
    ("F.max_pool2d(x, 2)", "maxpool F2"),
]


@pytest.mark.parametrize(("written", "here"), SURE, ids=[written for written, _ in SURE])
def test_a_call_that_has_one_meaning(written: str, here: str) -> None:
    found = translate(written, 0)
    assert found is not None
    assert (found.text, found.why) == (here, "")


UNSURE = [
    ("PReLU()", "in torch it is `prelu one`, in Keras `prelu positions`"),
    ("Convolution2D(32, 3, 5)", "in Keras it is `conv F3 S5 K32`, in Keras 1 `conv F3x5 K32`"),
    ("LeakyReLU()", "in torch it is `leaky`, in Keras `leaky 0.3`"),
    ("LayerNorm([68, 120])", "`ln all` all numbers of an image"),
    ("Softmax(dim=2)", "`dim=2` has no counterpart"),
    ("Upsample(scale_factor=2, mode='nearest-exact')", "`mode='nearest-exact'` has no counterpart"),
    ("Conv2d(64, 64, 3, padding_mode='reflect')", "a pad layer before it"),
    ("Conv2D(64, 3, activation='leaky_relu')", "`activation='leaky_relu'` has no counterpart"),
    ("Conv2d(3, 64)", "`kernel_size` is missing"),
    ("Conv(64, 3)", "tools differ in what `Conv` is"),
    ("Convolution(num_filter=20, kernel=5)", "as in `conv F3 K64`"),
    ("BatchNormalization(scale=False)", "`scale=False` has no counterpart"),
]


@pytest.mark.parametrize(("written", "why"), UNSURE, ids=[written for written, _ in UNSURE])
def test_what_has_no_certain_meaning_is_explained_without_a_fix(written: str, why: str) -> None:
    (found,) = [one for one in findings(f"{INPUT}{written}\n") if one.code.startswith("E")]
    assert found.code in ("E102", "E502")
    assert why in found.help
    assert found.fix == ()


LATEX_TABLE = r"""\begin{tabular}{lll}
layer & output & filters \\ \hline
conv1 & $112\times112$ & $7\times7$, 64, stride 2 \\
pool1 & $56\times56$ & $3\times3$ max pool, stride 2 \\ \hline
conv2 & $56\times56$ & $3\times3$, 128 \\
fc & & 1000-d fc, softmax \\
"""
MARKDOWN_TABLE = """| layer | output | filters |
|---|---|---|
| conv1 | 112x112 | 7x7, 64, stride 2 |
| pool1 | 56x56 | 3x3 max pool, stride 2 |
| conv2 | 56x56 | 3x3, 128 |
"""
VOLUMES = """| Layer | Filter | Stride | Output |
|---|---|---|---|
| Conv | 3x3x64 | 1 | 224x224x64 |
| MaxPool | 2x2 | 2 | 112x112x64 |
| FC | - | - | 10 |
"""
DEPTHS = r"""\begin{tabular}{l|c|c}
Layer & Output & Kernel \\ \hline
Conv1 & $224\times224\times64$ & $3\times3$ \\
Pool1 & $112\times112\times64$ & $2\times2$ \\
Conv2 & $128\times112\times112$ & $3\times3$ \\
\end{tabular}
"""
PLAIN_ROWS = "3x3 conv, 64, pad 1\n3x3 conv, 64, stride 2\n2x2 max pool\n"


@pytest.mark.parametrize(
    ("table", "here"),
    [
        (
            LATEX_TABLE,
            "conv F7 S2 P3 K64 -> maxpool F3 S2 P1\nconv F3 P1 K128\nflatten -> fc 1000 -> softmax",
        ),
        (MARKDOWN_TABLE, "conv F7 S2 P3 K64 -> maxpool F3 S2 P1\nconv F3 P1 K128"),
        (VOLUMES, "conv F3 P1 K64 -> maxpool F2\nflatten -> fc 10"),
        (DEPTHS, "conv F3 P1 K64 -> maxpool F2\nconv F3 P1 K128"),
        (PLAIN_ROWS, "conv F3 P1 K64\nconv F3 S2 K64 -> maxpool F2"),
    ],
)
def test_rows_of_a_table_are_one_finding_and_outputs_say_the_padding(table: str, here: str) -> None:
    spec = f"input 3x224x224\n{table}"
    found = [one for one in findings(spec) if one.code.startswith("E")]
    (rows,) = [one for one in found if one.message.startswith("these are rows")]
    assert rows.help == f"in this language it is:\n{here}"
    assert rows.fix[0].text == here
    assert len(found) == 1


@pytest.mark.parametrize(
    "table",
    [
        VOLUMES.replace("Conv |", "Magic |"),
        "| Layer | Filters |\n|---|---|\n| Magic 7 | 2x2 |\n| Conv | 3x3, 64 |\n| FC | 10 |\n",
        "| Layer | Filters | Kernel |\n|---|---|---|\n| Conv | 3x3x64 | 5x5 |\n| Conv | 8 | 3x3 |\n",
    ],
)
def test_a_row_that_cannot_be_read_is_named_and_there_is_no_fix(table: str) -> None:
    (found,) = [one for one in findings(f"input 3x224x224\n{table}") if one.code.startswith("E")]
    assert ": it cannot be read as a layer" in found.help
    assert found.fix == ()


def test_an_output_that_no_padding_gives_is_said() -> None:
    (found,) = summary_of(f"input 3x224x224\n{MARKDOWN_TABLE.replace('112x112', '100x100')}")
    assert "conv F7 S2 K64  # no padding gives 100x100 of 224x224" in found


@pytest.mark.parametrize(
    ("before", "written", "said"),
    [
        ("512x7x7", "Conv2d(1024, 64, 1)", ("1,024", "512")),
        ("512x7x7", "conv(1024, 64, 1)", ("1,024", "512")),
        ("512x7x7", "conv 3x3, 64, in_channels=1024", ("1,024", "512")),
        ("512x7x7", "BatchNorm2d(256)", ("256", "512")),
        ("512x7x7", "GroupNorm(8, 256)", ("256", "512")),
        ("512x7x7", "PReLU(num_parameters=64)", ("64", "512")),
        ("512x7x7", "(conv1): Conv2d(1024, 64, kernel_size=(1, 1))", ("1,024", "512")),
        ("512x7x7", "x = nn.Conv2d(1024, 64, 1)(x)", ("1,024", "512")),
        ("512x7x7", "view(-1, 400)", ("400", "25,088")),
        ("512x7x7", "conv F3 K64 in_channels=1024", ("1,024", "512")),
        ("512x7x7", "relu -> conv F3 K64 in_channels=1024 -> relu", ("1,024", "512")),
        ("512", "Linear(in_features=400, out_features=10)", ("400", "512")),
        ("512", "fc 400 120", ("400", "512")),
        ("512", "linear(400, 120)", ("400", "512")),
        ("512x7x7", "Conv2D(8, 3, input_shape=(28, 28, 1))", ("1x28x28", "512x7x7")),
    ],
)
def test_a_stated_input_that_is_another_is_one_finding_with_both(
    before: str, written: str, said: tuple[str, str]
) -> None:
    (found,) = [one for one in findings(f"input {before}\n{written}\n") if one.code.startswith("E")]
    assert found.code == "E502"
    assert all(number in found.message for number in said)
    assert found.fix == ()
