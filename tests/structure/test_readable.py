"""What networks look like when they come back."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from textwrap import dedent

import pytest

from cnnspec import structure
from cnnspec.ops import lookup
from cnnspec.ops.base import Op
from cnnspec.sources.layers import Input, Layer, LayerList, Output, Scope
from cnnspec.structure import names
from tests.structure.from_graph import layer_list
from tests.structure.test_zoo import graphs


def op(word: str, **fields: object) -> Op:
    found = lookup(word)
    assert found is not None
    return found(**fields)


def conv(size: int, K: int) -> Op:
    return op("conv", F=(size, size), P=(size // 2, size // 2), K=K, bias=False)


def of_zoo(name: str, number: int, blocks: bool = True) -> str:
    text = next(Path("specs").rglob(f"{name}.cnn")).read_text()
    return structure.spec(layer_list(graphs(text)[number], blocks)).text


RESNET50 = """\
    block residual(mid, s=1) {
      add [
          conv F1 K=mid -> bn -> relu -> conv F3 S=s P1 K=mid -> bn -> relu -> conv F1 K=4*mid -> bn
        | if C != 4*mid [ conv F1 S=s K=4*mid -> bn ]
      ]
      relu
    }

    input 3x224x224

    conv F7 S2 P3 K64 -> bn -> relu -> maxpool F3 S2 P1   => 64x56x56
    [residual(64)]*3
    residual(128, s=2) -> [residual(128)]*3               => 512x28x28
    residual(256, s=2) -> [residual(256)]*5               => 1024x14x14
    residual(512, s=2) -> [residual(512)]*2               => 2048x7x7
    gap -> fc 1000

    expect params 25,557,032
    """


def again(text: str) -> str:
    """A spec, taken apart into its layers and their modules, and written again."""
    return structure.spec(layer_list(graphs(dedent(text))[0])).text


def test_a_resnet_without_names() -> None:
    assert of_zoo("resnet", 2, blocks=False).endswith(dedent(RESNET50))


def test_a_mobilenet_without_names() -> None:
    found = of_zoo("mobilenet_v1", 0, blocks=False)
    assert "block separable(k, s=1) { dwconv F3 S=s P1 -> bn -> relu -> conv F1 K=k -> bn -> relu }" in found
    assert "separable(512, s=2) -> [separable(512)]*5 " in found


def test_a_shortcut_that_is_there_where_the_shapes_allow_it() -> None:
    found = of_zoo("mobilenet_v2", 0)
    assert "if t != 1 [ conv F1 K=t*C -> bn -> relu6 ]" in found
    assert "| if C == k [ id ] else [ none ]" in found
    assert "inverted(16, t=1)" in found


def test_activations_as_parameters() -> None:
    found = of_zoo("mobilenet_v3", 0)
    assert "block inverted(mid, k, f=3, s=1, act=hswish, se=true) {" in found
    assert "if C != mid [ conv F1 K=mid -> bn -> act ]" in found


def test_sizes_along_each_axis_are_letters() -> None:
    found = of_zoo("inception_v3", 0)
    assert "block unit(K, F=1, S=1, P=0) { conv F=F S=S P=P K=K -> bn -> relu }" in found
    assert "unit(F1x7 P0x3 K=K) -> unit(F7x1 P3x0 K192)" in found


def test_rates_that_grow() -> None:
    assert "[unit(p+i/170)]*n" in of_zoo("convnext", 0)


def test_shared_beginnings_of_concatenations() -> None:
    """DenseNet as its code is: each layer stacks all maps before it, within its own module."""
    layers: list[Layer] = []
    maps = [0]
    for number in range(4):
        scopes = (Scope("dense", "Dense"), Scope(f"dense.layer{number}", "DenseLayer"))
        width = 8 + 4 * number
        value = 0
        if number:
            layers.append(Layer(op("concat"), tuple(maps), (width, 6, 6), "", scopes))
            value = len(layers)
        for one in (op("relu"), conv(3, 4)):
            layers.append(Layer(one, (value,), (width if one.word == "relu" else 4, 6, 6), "", scopes))
            value = len(layers)
        maps.append(value)
    layers.append(Layer(op("concat"), tuple(maps), (24, 6, 6)))
    found = structure.spec(LayerList("Net", (Input((8, 6, 6)),), tuple(layers), (Output(len(layers)),)))
    assert "[concat [ id | relu -> conv F3 P1 K4 ]]*4" in found.text


def test_numbers_a_rounding_error_away() -> None:
    rate = op("dropout", p=Fraction("0.30000000000000004"))
    layer = Layer(rate, (0,), (8, 6, 6))
    made = structure.spec(LayerList("Net", (Input((8, 6, 6)),), (layer,), (Output(1),)))
    assert "dropout 0.3\n" in made.text


@pytest.mark.parametrize(
    ("name", "lines"), [("densenet", 16), ("googlenet", 32), ("regnet_y", 26), ("squeezenet", 14)]
)
def test_lines(name: str, lines: int) -> None:
    for blocks in (True, False):
        assert len([one for one in of_zoo(name, 0, blocks).splitlines() if one]) <= lines


def test_sizes_that_follow_from_those_of_the_map() -> None:
    layers: list[Layer] = []
    size = 9
    for number in range(3):
        scopes = (Scope(f"cut{number}", "Cut"),)
        crop = op("crop", size=(size - 1, size - 1), offset=(1, 1))
        layers.append(Layer(op("relu"), (len(layers),), (4, size, size), "", scopes))
        size -= 1
        layers.append(Layer(crop, (len(layers),), (4, size, size), "", scopes))
        layers.append(Layer(conv(3, 4), (len(layers),), (4, size, size), "", scopes))
        layers.append(Layer(op("tanh"), (len(layers),), (4, size, size), "", scopes))
    network = LayerList("Net", (Input((4, 9, 9)),), tuple(layers), (Output(len(layers)),))
    text = structure.spec(network).text
    assert "relu -> crop (H-1)x(W-1) offset=1 -> conv F3 P1 K4 -> tanh" in text


def test_rates_are_each_call_s_own_where_some_calls_do_not_need_them() -> None:
    """Stochastic depth, only where there is a shortcut."""
    layers: list[Layer] = []
    width = 4
    for number, k in enumerate((4, 4, 8, 8, 8)):
        scopes = (Scope(f"block{number}", "Unit"),)
        at = len(layers)
        layers += [
            Layer(conv(3, k), (at,), (k, 6, 6), "", scopes),
            Layer(op("relu"), (at + 1,), (k, 6, 6), "", scopes),
            Layer(conv(1, k), (at + 2,), (k, 6, 6), "", scopes),
        ]
        if k == width:
            rate = op("droppath", p=Fraction(number + 1, 100))
            layers.append(Layer(rate, (at + 3,), (k, 6, 6), "", scopes))
            layers.append(Layer(op("add"), (at + 4, at), (k, 6, 6), "", scopes))
        width = k
    made = structure.spec(LayerList("Net", (Input((4, 6, 6)),), tuple(layers), (Output(len(layers)),)))
    assert "unit(4, 0.01) -> unit(4, 0.02) -> [unit(8, 0.01*(i+3))]*3" in made.text


def test_a_sum_of_sums_is_one() -> None:
    """Skips that are added up one by one, each read where it is made."""
    layers: list[Layer] = []
    shape = (4, 6, 6)
    skips = []
    for number in range(3):
        scopes = (Scope(f"blocks.{number}", "Block"),)
        at = len(layers)
        layers += [
            Layer(conv(3, 4), (at,), shape, "conv", scopes),
            Layer(op("relu"), (at + 1,), shape, "", scopes),
            Layer(conv(3, 4), (at + 2,), shape, "conv", scopes),
            Layer(op("tanh"), (at + 3,), shape, "", scopes),
        ]
        skips.append(len(layers))
    total = skips[0]
    for skip in skips[1:]:
        layers.append(Layer(op("add"), (total, skip), shape))
        total = len(layers)
    made = structure.spec(LayerList("model", (Input(shape),), tuple(layers), (Output(total),)))
    assert made.text.startswith("model Model\n")
    assert "blocks: block2()\nblock2() -> add [ @blocks | id | block2() ]" in made.text


def test_branches_that_begin_at_labels_stand_in_their_brackets() -> None:
    layers = [
        Layer(op("relu"), (0,), (4, 6, 6)),
        Layer(op("tanh"), (1,), (4, 6, 6)),
        Layer(op("sub"), (2, 3), (4, 6, 6)),
    ]
    inputs = Input((4, 6, 6), "a"), Input((4, 6, 6), "b")
    made = structure.spec(LayerList("Net", inputs, tuple(layers), (Output(4),)))
    assert "sub [ @a -> relu | @b -> tanh ]" in made.text


def test_a_default_is_for_most_layers() -> None:
    def text(*numbers: int) -> str:
        layers = [
            Layer(op("bn", eps=Fraction(one, 1000)), (place,), (4, 6, 6)) for place, one in enumerate(numbers)
        ]
        return structure.spec(
            LayerList("Net", (Input((4, 6, 6)),), tuple(layers), (Output(len(layers)),))
        ).text

    assert "default" not in text(1, 1)
    assert "default" not in text(1, 1, 2)
    assert "default bn eps=0.001" in text(1, 1, 1, 1, 2)


def test_a_found_module_ends_where_its_last_layer_does() -> None:
    """A norm behind a row belongs to the row."""
    found = of_zoo("yolo_v3_tiny", 0, blocks=False)
    assert "yolo13: conv F3 P1 K512 -> bn -> leaky 0.1 -> conv F1 K255 bias" in found


def test_a_call_without_the_shortcut_and_without_what_follows_it() -> None:
    layers: list[Layer] = []
    shape = (4, 8, 8)
    for number, (k, adds, pools) in enumerate(
        ((4, True, True), (4, True, True), (8, False, False), (8, True, False))
    ):
        scopes = (Scope(f"block{number}", "Unit"),)
        at = len(layers)
        shape = (k, *shape[1:])
        layers.append(Layer(conv(3, k), (at,), shape, "", scopes))
        layers += [
            Layer(op(word), (at + 1 + place,), shape, "", scopes)
            for place, word in enumerate(("relu", "tanh"))
        ]
        if adds:
            layers.append(Layer(op("add"), (at + 3, at), shape, "", scopes))
        if pools:
            shape = (k, shape[1] // 2, shape[2] // 2)
            pool = op("avgpool", F=(2, 2), P=(0, 0))
            layers.append(Layer(pool, (len(layers),), shape, "", scopes))
    made = structure.spec(LayerList("Net", (Input((4, 8, 8)),), tuple(layers), (Output(len(layers)),)))
    assert "if C == k [ id ] else [ none ]" in made.text
    assert made.text.count("conv F3") == 1


def test_a_merge_with_a_number_that_differs() -> None:
    """Attention with another number of heads in each use of a block."""
    found = again("""
        block att(heads) {
          let c = C
          add [
              ln -> conv F1 K=3*C
              attention heads=heads [ slice 0:c | slice c:2*c | slice 2*c:C ] -> conv F1 K=c
            | id
          ]
        }
        input 8x8x8
        [att(1)]*2 -> conv F2 S2 K16 -> [att(4)]*2 -> att(8)
        """)
    assert "block att(heads) {" in found
    assert "attention heads=heads [ slice 0:c | slice c:2*c | slice 2*c:C ]" in found
    assert "[att(4)]*2 -> att(8)" in found


def test_sizes_of_a_reshape_are_those_of_the_map() -> None:
    """A block that works on positions, used at several sizes."""
    found = again("""
        block mix() {
          let h = H
          let w = W
          let c = C
          add [ reshape (C)x(H*W) -> conv F3 P1 K=C -> relu -> reshape (c)x(h)x(w) | id ]
        }
        input 8x8x12
        [mix()]*2 -> conv F2 S2 K16 -> mix()
        """)
    assert "reshape (C)x(H*W) -> conv F3 P1 K=C -> relu -> reshape (C)x(h)x(w)" in found
    assert "let h = H" in found
    assert "block mix() {" in found


def test_uses_with_equal_steps_and_other_inputs_are_not_one_form() -> None:
    """What is computed from C behind a concatenation depends on all inputs."""
    found = again("""
        block unit(k) { conv F3 P1 K=k -> relu -> conv F3 P1 K=k -> tanh }
        block up(@skip, k) { concat [ id | @skip ] -> unit(k) }
        input 4x8x8
        a: unit(4)
        b: unit(8)
        c: unit(8)
        up(@c, 8) -> up(@b, 8) -> up(@a, 8) -> up(@a, 4)
        """)
    assert "block up(k, @skip) { concat [ id | @skip ] -> unit(k) }" in found


def test_the_first_input_of_a_block_is_the_one_that_is_read_first() -> None:
    found = again("""
        block unit(@time) {
          conv F3 P1 K=C -> relu
          h: conv F3 P1 K=C
          add [ id | @time -> fc 4 -> upsample like=@h ]
        }
        block up(@skip, @time) { concat [ id | @skip ] -> conv F1 K=C//2 -> unit(@time) }
        input x: 4x8x8
        input time: 16
        a: @x -> unit(@time)
        b: unit(@time)
        unit(@time) -> up(@b, @time) -> up(@a, @time)
        """)
    assert "unit(@time) -> up(@b, @time)" in found


def test_a_rate_at_a_distance_from_another_one() -> None:
    found = again("""
        block unit(k, p, s=1) { conv F3 S=s P1 K=k -> relu -> conv F3 P1 K=k -> droppath p }
        block stage(k, n, p) { unit(k, p, s=2) -> [unit(k, p+0.01*(i+1))]*n }
        input 4x32x32
        stage(8, 3, 0.01) -> stage(24, 2, 0.05) -> stage(40, 3, 0.08)
        """)
    assert "unit(k, p, s=2) -> [unit(k, p+0.01*(i+1))]*n" in found


def test_numbers_of_channels_and_windows_are_not_computed_from_each_other() -> None:
    found = again("""
        block unit(k, f) { add [ conv F=f P=f//2 K=k -> relu -> conv F1 K=k | conv F1 K=k ] }
        input 4x32x32
        unit(32, 1) -> unit(96, 3) -> unit(160, 5)
        """)
    assert "block unit(f, k) { add [ conv F=f P=f//2 K=k " in found


def test_the_number_that_others_are_computed_from_is_a_usual_one() -> None:
    found = again("""
        block causal(d) { add [ pad left=6*d right=0 -> conv F7 K8 D=d -> relu | conv F1 K8 ] }
        block attend(k) { add [ gn G=k//8 -> conv F1 K=k | conv F1 K=k ] }
        input 32x64
        attend(32) -> attend(64) -> causal(1) -> causal(2) -> causal(4) -> causal(8) -> causal(16)
        """)
    assert "block causal(d) { add [ pad left=6*d right=0 -> conv F7 K8 D=d " in found
    assert "block attend(k)" in found


def test_a_part_that_only_some_uses_have() -> None:
    """It has their stride; a pooling is `down`; the width of a block inside it is 0 where it is not there."""
    found = again("""
        block se(mid) { let c = C
          mul [ id | gap -> conv F1 K=mid -> relu -> conv F1 K=c -> sigmoid ] }
        block plain(k, s=1) { add [ conv F3 S=s P1 K=k -> bn | if s > 1 [ conv F1 S=s K=k ] ] }
        block unit(k, down, squeeze) {
          if squeeze > 0 [ se(squeeze) ]
          add [ if down [ avgpool F2 ] -> conv F3 P1 K=k | if down [ conv F1 S2 K=k ] ]
          relu
        }
        input 8x64x64
        plain(8) -> plain(16, s=2) -> plain(16) -> plain(32, s=2)
        unit(32, true, 0) -> unit(32, true, 4) -> unit(32, false, 6) -> unit(32, false, 0)
        """)
    assert "if s > 1 [ conv F1 S=s K=k ]" in found
    assert "if down [ avgpool F2 ]" in found
    assert "> 0 [ se(" in found


def test_a_norm_stands_on_the_line_of_its_convolution() -> None:
    found = again("""
        block unit(k) { add [ dwconv F3 P1 -> ln -> conv F1 K=k | id ] }
        input 8x32x32
        [unit(8)]*2 -> ln -> conv F2 S2 K16 -> [unit(16)]*3
        """)
    assert "ln -> conv F2 S2 K16 -> [unit(16)]*3" in found or "ln -> conv F2 S2 K16 -> [unit()]*3" in found


def test_a_module_that_several_modules_call_is_one_shared_block() -> None:
    """The heads of a detector, whose convolutions all levels share."""
    found = again("""
        shared separable() { dwconv F3 P1 -> conv F1 K8 }
        block head(k) { add [ separable() -> bn -> relu | id ] -> conv F1 K=k }
        input x: 8x8x8
        a: head(4)
        b: @x -> conv F2 S2 K8 -> head(4)
        output @a, @b
        """)
    assert "shared separable() { dwconv F3 P1 -> conv F1 K8 }" in found
    assert "block head() { add [ separable() -> bn -> relu | id ] -> conv F1 K4 }" in found


def test_a_module_that_each_use_of_a_block_calls_twice_is_shared_inside_it() -> None:
    """CBAM's layers, which see the mean and the maximum of each channel."""
    found = again("""
        block gate(r) {
          shared mlp(mid) {
            let c = C
            conv F1 K=mid -> relu -> conv F1 K=c
          }
          mul [ id | add [ gap -> mlp(C//r) | gmp -> mlp(C//r) ] -> sigmoid ]
        }
        input 16x8x8
        gate(4) -> conv F3 P1 K32 -> gate(4) -> conv F3 P1 K64 -> gate(4)
        """)
    assert "  shared mlp() {\n    let c = C\n    conv F1 K=C//4 -> relu -> conv F1 K=c\n  }\n" in found
    assert "add [ gap -> mlp() | gmp -> mlp() ]" in found
    assert "-> gate()" in found


def test_a_tensor_that_many_sums_add_gets_a_label() -> None:
    """DRRN: its recursion adds the same tensor after each pass."""
    found = again("""
        shared unit() { conv F3 P1 K8 }
        input 1x16x16
        x: conv F3 P1 K8
        [relu -> unit() -> add [ id | @x ]]*6 -> relu -> conv F3 P1 K1
        """)
    assert "[unit() -> add [ id | @conv ] -> relu]*6" in found


def test_rates_that_were_rounded_to_float32() -> None:
    """`torch.linspace(0, 0.1, 4)`; the first block drops nothing."""
    rates = ("0", "0.033333335", "0.06666667", "0.1")
    uses = " -> ".join(f"unit({rate})" for rate in rates)
    found = again(f"""
        block unit(p) {{ add [ conv F3 P1 K8 -> if p > 0 [ droppath p ] | id ] -> bn -> relu }}
        input 8x16x16
        {uses}
        """)
    assert "if p > 0 [ droppath p ]" in found
    assert "[unit(i/30)]*4" in found


def test_a_pooling_over_the_whole_map() -> None:
    found = again("input 8x7x7\nadd [ avgpool F7 | maxpool F7 ] -> avgpool F1\n")
    assert "add [ gap | gmp ]" in found


def test_means_along_one_axis_after_the_other() -> None:
    assert "avgpool" not in again("input 3x6x9\nconv F3 P1 K4 -> avgpool F1x9 -> gap\n")
    assert "avgpool F1x3" in again("input 3x6x9\nconv F3 P1 K4 -> avgpool F1x3 -> gap\n")


def test_a_pyramid_of_poolings() -> None:
    """torch's AdaptiveAvgPool2d(1) and AdaptiveAvgPool2d(3) in one class of modules."""
    text = """
        block level(n) { if n > 1 [ avgpool out=n ] else [ gap ] -> conv F1 K4 -> relu -> upsample out=12 }
        input 8x12x12
        concat [ id | level(1) | level(3) | level(6) ]
        """
    network = layer_list(graphs(dedent(text))[0])
    pools = ("gap", "avgpool")
    layers = (
        one._replace(name="pool") if isinstance(one, Layer) and one.op.word in pools else one
        for one in network.layers
    )
    found = structure.spec(network._replace(layers=tuple(layers))).text
    assert "block level(out) { avgpool out=out -> conv F1 K4 -> relu -> upsample out=12 }" in found


def test_a_convolution_and_a_depthwise_one_are_not_one_block() -> None:
    """What they have in common are norms and activations."""
    found = again("""
        block unit(k) { conv F3 P1 K=k -> bn -> silu }
        block deep() { dwconv F5 P2 -> bn -> silu }
        input 3x16x16
        add [ unit(8) | unit(8) -> deep() ] -> unit(16) -> deep() -> add [ unit(16) -> deep() | id ]
        """)
    assert "if " not in found


def test_uses_with_one_block_or_the_other_have_one_width() -> None:
    found = again("""
        block wide(k) { add [ conv F3 P1 K=k -> relu -> conv F3 P1 K8 | id ] }
        block gated(k) { mul [ id | gap -> conv F1 K=k -> relu -> conv F1 K8 -> sigmoid ] }
        block unit(k, deep) {
          conv F1 K8 -> bn -> relu
          if deep [ wide(k) ] else [ gated(k) ] -> conv F1 K8 -> bn
        }
        input 8x16x16
        unit(4, true) -> unit(2, false) -> unit(6, true) -> unit(3, false)
        """)
    assert "[ wide(mid) ]" in found
    assert "gated(mid)" in found


def test_a_size_that_is_that_of_the_blocks_beginning() -> None:
    found = again("""
        block context(n) { add [ conv F3 P1 K8 | gap -> conv F1 K8 -> upsample out=(n)x(n) ] }
        input 8x32x32
        context(32) -> maxpool F2 -> context(16) -> maxpool F2 -> context(8)
        """)
    assert "upsample out=(h)x(w)" in found
    assert "context() -> maxpool F2" in found


@pytest.mark.parametrize(
    ("class_name", "block"),
    [("ConvBNReLU", "conv_bn_relu"), ("ConvNeXtBlock", "conv_next_block"), ("SEBlock", "se_block")],
)
def test_names_of_blocks(class_name: str, block: str) -> None:
    assert names.snake(class_name) == block


EXCHANGE = """
    block exchange(@low) {
      a: conv F3 P1 K8 -> relu
      b: @low -> conv F3 P1 K16 -> relu
      high: add [ @a | @b -> conv F1 K8 -> upsample 2 ]
      low2: add [ @a -> conv F3 S2 P1 K16 | @b ]
      output @high, @low2
    }
    input x: 8x16x16
    y: conv F3 S2 P1 K16
    h, l: @x, @y -> [exchange()]*3
    """


def test_several_tensors_go_through_a_repeat() -> None:
    """HRNet's modules, each with the outputs of the one before."""
    found = again(EXCHANGE + "    concat [ @h | @l -> upsample 2 ]\n")
    assert "@x, @conv -> [exchange()]*3" in found


def test_a_tensor_between_two_uses_that_is_read_elsewhere_keeps_its_label() -> None:
    text = EXCHANGE.replace("[exchange()]*3", "exchange()") + "    m, n: @h, @l -> exchange()\n"
    found = again(text + "    concat [ @m | @n -> upsample 2 | @l -> upsample 2 ]\n")
    assert found.count("exchange(@") == 3  # the block, and two uses
    assert "]*" not in found
