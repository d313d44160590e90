"""What a person would write: keywords, bools, an activation that the constructor chooses, chunks."""

from __future__ import annotations

import torch

from tests.targets.torch.constructs import CONSTRUCTS
from tests.targets.torch.support import built, graph_of, keys_of, program

UNITS = """\
block unit(f, t, k, se, hs) {
  conv F=f P=f//2 K=t
  if hs == 1 [ hswish ] else [ relu ]
  mul [ id | if se == 1 [ gap -> conv F1 K=t -> sigmoid ] else [ none ] ]
  conv F1 K=k -> if hs == 0 [ leaky 0.1 ] else [ prelu ]
}
input 3x8x8
unit(3, 8, 4, 0, 1) -> unit(5, 8, 4, 1, 0) -> [unit(1, 4, 4, i % 2, 1)]*4
"""


def test_numbers_in_a_row_have_names_and_zero_or_one_is_a_bool() -> None:
    text = program(graph_of(UNITS))
    assert "in_channels: int, f: int, t: int, k: int, se: bool, hs: bool" in " ".join(text.split())
    assert "Unit(3, f=3, t=8, k=4, se=False, hs=True)" in text
    assert "se=i % 2 == 1" in text


def test_an_activation_is_chosen_by_the_constructor() -> None:
    """One with weights keeps its name, for that is in the state_dict."""
    graph = graph_of(UNITS)
    text = program(graph)
    assert "self.activation = nn.Hardswish() if hs else nn.ReLU(inplace=True)" in text
    assert text.count("self.activation(") == 1
    assert "self.prelu = nn.PReLU(k)" in text
    model = built(graph)
    assert {key: tuple(value.shape) for key, value in model.state_dict().items()} == keys_of(graph)
    assert model(torch.randn(2, 3, 8, 8)).shape == (2, 4, 8, 8)


def test_a_truth_value_has_a_name() -> None:
    spec = "block b(k, norm) { conv F3 P1 K=k -> if norm == 1 [ bn ] }\ninput 3x8x8\nb(4, 0) -> b(6, 1)"
    assert "B(3, 4, norm=False)" in program(graph_of(spec))


def test_few_numbers_and_defaults_stay_as_they_are() -> None:
    text = program(graph_of("block b(k, s=1) { conv F3 P1 K=k S=s }\ninput 3x8x8\nb(4) -> b(6, s=2)"))
    assert "B(3, 4)" in text
    assert "B(4, 6, s=2)" in text


def test_what_is_computed_with_is_no_bool() -> None:
    text = program(graph_of("block b(n) { [relu]*n -> if n == 1 [ conv F1 K4 ] }\ninput 4x8x8\nb(1) -> b(0)"))
    assert "n: int" in text


HALVES = """\
block unit(k) { concat [ slice 0:C//2 | slice C//2:C -> conv F3 P1 K=k//2 ] -> shuffle G2 }
block odd(k)  { concat [ slice 0:C//2 | slice C//2:C -> conv F3 P1 K=k//2 ] }
input 8x8x8
unit(8) -> conv F1 K7 -> odd(6)
"""


def test_slices_that_are_all_of_their_input_are_chunks_or_a_split() -> None:
    graph = graph_of(HALVES)
    text = program(graph)
    assert text.count("branch1, branch2 = x.chunk(2, dim=1)") == 1
    assert text.count("branch1, branch2 = x.split([3, 4], dim=1)") == 1
    assert built(graph)(torch.randn(2, 8, 8, 8)).shape == (2, 6, 8, 8)


def test_slices_that_depend_on_a_number_keep_it_in_an_attribute() -> None:
    graph = graph_of(CONSTRUCTS["slices"])
    text = program(graph)
    assert "self.slice = " not in text
    assert "self.sizes = [in_channels // r, in_channels - in_channels // r]" in text
    assert "branch1, branch2 = x.split(self.sizes, dim=1)" in text
    assert "a = all_[:, : self.k]" in text
    assert "b = all_[:, self.k : self.high]" in text
    assert "x[:, self.low :]" in text


def test_numbers_after_the_channels_have_names() -> None:
    blocks = "block b(k, n) { [conv F3 P1 K=k]*n }\nblock c(a, k) { conv F1 K=a -> conv F1 K=k }\n"
    blocks += "block s(k, s) { conv F3 P1 S=s K=k }\nblock t(k, n) { [s(k, 2 if i == 0 else 1)]*n }\n"
    text = program(
        graph_of(f"{blocks}input 3x8x8\nb(4, 2) -> c(5, 6) -> c(7, 8) -> b(8, 1) -> t(3, 2) -> t(4, 3)\n")
    )
    assert "B(3, 4, n=2)" in text
    assert "C(4, a=5, k=6)" in text
    assert "S(in_channels, k, s=2 if i == 0 else 1)" in text


def test_a_product_over_its_own_factor_and_a_sum_of_equal_terms_are_simplified() -> None:
    blocks = "block p(k) { conv F1 K=k -> pixelunshuffle 2 -> shuffle G=C//4 }\n"
    blocks += "block w(k, share) { conv F1 K=26*k//64 -> conv F1 K=k*share*4//4 }\n"
    blocks += "block e(k) { concat [ id | conv F1 K=k | conv F3 P1 K=k ] -> conv F1 K=C }\n"
    text = program(
        graph_of(f"{blocks}input 3x8x8\np(4) -> p(6) -> w(8, 0.5) -> w(16, 0.25) -> e(5) -> e(6)\n")
    )
    assert "nn.ChannelShuffle(k)" in text
    assert "26 * k // 64" in text
    assert "int(k * share * 4 // 4)" in text
    assert "in_channels + 2 * k" in text


def test_where_both_sides_add_the_projection_has_the_name() -> None:
    sides = "add [ bn -> conv F3 S=s P1 K=k | conv F1 S=s K=k ] ] else [ add [ bn -> conv F3 P1 K=k | id ] ]"
    block = f"block unit(k, s) {{ let c = C\n if s > 1 or c != k [ {sides} }}\n"
    text = program(graph_of(f"{block}input 3x8x8\nunit(4, 1) -> unit(4, 1) -> unit(8, 2) -> unit(8, 1)\n"))
    assert "self.projection = s > 1 or in_channels != k" in text


def test_passes_that_differ_only_in_the_sizes_of_their_maps_are_one_run() -> None:
    text = program(graph_of("input 4x8x8\n[upsample 2 -> conv F3 P1 K4]*2\n"))
    assert text.count("nn.Upsample(") == 1
    assert "for _ in range(2)" in text


def test_how_most_layers_of_a_kind_start_is_one_rule() -> None:
    spec = (
        "default conv init=normal(0.5)\nblock b(k) { [conv F1 K=k -> relu]*1\nconv F1 K=k\n}\ninput 3x8x8\n"
        "conv F3 K40 -> relu -> conv F3 K50 -> conv F1 K40 frozen -> conv F1 K60 init=zeros -> b(4)\n"
        "conv F1 K60 init=constant(2) bias=3 -> conv F1 K7 weight=[1] -> flatten -> fc 5\n"
    )
    text = program(graph_of(spec))
    rule = "if isinstance(module, nn.Conv2d):\n                nn.init.normal_(module.weight, std=0.5)\n"
    assert rule in text
    assert "def normal(" not in text
    assert "self.conv1 = nn.Conv2d(3, 40, kernel_size=3)\n" in text
    model = built(graph_of(spec))
    for layer in (model.conv1, model.conv2, model.conv3):
        assert 0.45 < layer.weight.std() < 0.55
        assert not layer.bias.any()
    assert not model.conv3.weight.requires_grad
    assert not model.conv4.weight.any()
    assert set(model.conv5.weight.unique().tolist()) == {2}
    assert set(model.conv5.bias.unique().tolist()) == {3}
    assert set(model.conv6.weight.unique().tolist()) == {1}
    assert 0 < float(model.conv6.bias.detach().abs().max()) <= 60**-0.5  # a bias as torch has it


def test_an_activation_that_may_be_left_out_is_else_the_identity() -> None:
    """In a chain it is left out: nn.Sequential has no forward to be kept short."""
    spec = (
        "block b(k, act) { add [ id | conv F3 P1 K=k -> if act == 1 [ relu ] ] }\n"
        "block c(k, act) { conv F3 P1 K=k\nif act == 1 [ relu ]\n}\n"
        "input 4x8x8\nb(4, 0) -> b(4, 1) -> c(4, 0) -> c(4, 1)\n"
    )
    graph = graph_of(spec)
    text = program(graph)
    assert "self.relu = nn.ReLU(inplace=True) if act else nn.Identity()" in text
    assert "        if act:\n            self.relu = nn.ReLU(inplace=True)\n" in text
    assert built(graph)(torch.randn(2, 4, 8, 8)).shape == (2, 4, 8, 8)


def test_arguments_that_are_computed_have_names_too() -> None:
    text = program(
        graph_of(
            "block unit(t, f, k, s) { conv F=f P=f//2 S=s K=t*k -> relu -> conv F1 K=k }\n"
            "block stage(k, n) { [unit(2, 3, k//2, 2 if i == 0 else 1)]*n }\n"
            "input 3x16x16\nstage(8, 2) -> stage(16, 3)\n"
        )
    )
    assert "Unit(in_channels, t=2, f=3, k=k // 2, s=2 if i == 0 else 1)" in " ".join(text.split())


def test_short_sides_of_an_if_are_one_line_and_conditions_are_final() -> None:
    text = program(
        graph_of(
            "block unit(k, t) { add [ id | if t > 1 [ conv F1 K=t*k -> relu ] -> conv F3 P1 K=k ] }\n"
            "input 4x8x8\nunit(4, 1) -> unit(4, 2)\n"
        )
    )
    assert "y = self.relu(self.conv1(x)) if self.has_conv1 else x" in text
    assert "class Unit(nn.Module):\n    has_conv1: Final[bool]\n\n    def __init__" in text
    assert "from typing import Final\n" in text


def test_several_tensors_are_called_as_the_block_calls_them() -> None:
    graph = graph_of(
        "block two(k) { a: conv F1 K=k\nb: @a -> relu -> conv F1 K=k\noutput @a, @b\n}\n"
        "block both(@a, @b) { c: @a -> conv F1 K4\nd: @b -> conv F1 K4\noutput @c, @d\n}\n"
        "input 3x8x8\nx1, x2: two(4)\nx3, x4: both(@x1, @x2)\nadd [ @x3 | @x4 ]\n"
    )
    text = program(graph)
    assert "x1, x2 = self.two(x)" in text
    assert built(graph)(torch.randn(2, 3, 8, 8)).shape == (2, 4, 8, 8)


def test_no_name_looks_like_a_digit() -> None:
    graph = graph_of(
        "block b(l) { conv F1 K=l }\ninput 3x8x8\nl: b(4)\nO: b(5)\nadd [ @l -> conv F1 K5 | @O ]\n"
    )
    text = program(graph)
    assert "l_ = self.l(x)" in text
    assert set(built(graph).state_dict()) == set(keys_of(graph))


def test_ifs_in_a_row_are_elifs_and_the_last_is_returned() -> None:
    graph = graph_of(
        "block b(n) {\n"
        "  add [ id | if n == 1 [ conv F1 K4 ] else if n == 2 [ conv F3 P1 K4 ] else [ conv F5 P2 K4 ] ]\n"
        "  if n != 2 [ bn ] else [ gn G2 ]\n}\n"
        "block act() { tanh }\n"
        "input 4x8x8\nb(1) -> b(2) -> b(3) -> act()\n"
    )
    text = program(graph)
    assert "        elif self.has_conv2:\n            shortcut = self.conv2(x)\n        else:\n" in text
    assert "        return self.bn(x) if self.has_bn else self.gn(x)\n" in text
    assert "self.has_bn = n != 2\n" in text
    assert "self.act = nn.Tanh()\n" in text  # a class that says no more would be none
    model = built(graph)
    assert set(model.state_dict()) == set(keys_of(graph))
    assert model(torch.randn(2, 4, 8, 8)).shape == (2, 4, 8, 8)


def test_a_rule_is_torchs_own_call_and_a_function_where_a_layer_needs_it_too() -> None:
    spec = (
        "input 3x8x8\n[conv F3 P1 K4 {how} -> relu]*3\n"
        "conv F3 P1 K4 nobias {last}\nflatten -> fc 9 init=xavier\n"
    )
    text = program(graph_of(spec.format(how="init=truncated(0.02)", last="init=truncated(0.02)")))
    assert "nn.init.trunc_normal_(module.weight, std=0.02, a=-0.04, b=0.04)\n" in text
    assert "                if module.bias is not None:\n" in text
    assert "nn.init.xavier_uniform_(module.weight)\n                nn.init.zeros_(module.bias)\n" in text
    text = program(graph_of(spec.format(how="init=constant(2)", last="init=constant(3)")))
    assert "                constant(module, value=2)\n" in text
    assert "starting(" in text


def test_conditions_are_called_after_what_stands_under_them() -> None:
    text = program(
        graph_of(
            "block unit(t, k, s) {\nlet same = s == 1 and C == k\nlet c = C\nadd [\n"
            "if t != 1 [ conv F1 K=t*c -> relu ]\ndwconv F3 P1 S=s -> if s == 2 [ maxpool F3 S1 P1 ]\n"
            "conv F1 K=k -> if same [ droppath 0.1 ]\n"
            "| if same [ id ] else [ none ] ] }\n"
            "block down(k, s) {\n"
            "add [ conv F3 P1 S=s K=k | if s > 1 or C != k [ conv F1 S=s K=k ] ] -> relu }\n"
            "input 4x8x8\nunit(1, 4, 1) -> unit(2, 4, 1) -> unit(2, 8, 2)\n"
            "down(8, 1) -> down(9, 2) -> down(9, 1)\n"
        )
    )
    assert "self.expansion = t != 1\n" in text
    assert "self.pooling = s == 2\n" in text
    assert "self.same = s == 1 and k == 4\n" in text
    assert " same = " not in text.replace("self.same = ", "")
    assert "self.projection = s > 1 or in_channels != k\n" in text


def test_tensors_have_the_names_of_their_lines_and_of_their_parts() -> None:
    graph = graph_of(
        "block attend(d) {\nqkv: conv F1 K=3*d\nwide: dwconv F3 P1\n"
        "attention [ concat [ @qkv -> slice 0:d | @wide -> slice 0:d ]\n"
        "| concat [ @qkv -> slice d:2*d | @wide -> slice d:2*d ] | @qkv -> slice 2*d:3*d ]\n}\n"
        "block fuse(@a, @b) { add [ @a | @b ] }\n"
        "input 4x8x8\np: conv F1 K4\nq: relu -> conv F1 K4\nr: @p -> fuse(@p, @q)\nadd [ id | attend(4) ]\n"
    )
    text = program(graph)
    assert "q = torch.cat([q1, q2], dim=1)\n" in text
    assert "x = self.attention(q, k, v)\n" in text or "return self.attention(q, k, v)\n" in text
    assert " x2 " not in text
    assert built(graph)(torch.randn(2, 4, 8, 8)).shape == (2, 4, 8, 8)


def test_beside_a_label_the_other_of_two_branches_needs_no_role() -> None:
    text = program(
        graph_of(
            "block gated(d) {\nf: conv F1 K=2*d\ng: slice 0:d -> gelu\n"
            "mul [ @g | @f -> slice d:2*d -> dwconv F3 P1 ] -> conv F1 K=d\n}\n"
            "input 4x8x8\ngated(4) -> gated(8)\n"
        )
    )
    assert "        return self.conv(g * x)\n" in text


def test_a_crop_counts_from_where_the_spec_does() -> None:
    """`crop 6x8 offset=2x3` gives 6x8 of a larger map, too, and `offset=(H-2)x(W-1)` its last rows."""
    ends = "crop 2x1 offset=(H-2)x(W-1) | conv F5x8 K4"
    text = program(graph_of(f"input 4x14x14\nconv F3 P1 K4\ncrop 6x8 offset=2x3\nadd [ {ends} ]"))
    assert "[:, :, 2:8, 3:11]" in text
    assert "[:, :, -2:, -1:]" in text
    text = program(graph_of("input 4x9x9\nadd [ conv F3 K4 | crop (H-2)x(W-2) ]"))
    assert "[:, :, 1:-1, 1:-1]" in text


CUT = "block cut(m) { crop (H-m)x(W-m) -> conv F1 K4 }\ninput 4x20x20\ncut(4) -> cut(5) -> cut(6)"


def test_what_is_added_and_subtracted_is_left_out() -> None:
    text = program(graph_of(CUT))
    assert "self.cut2 = Cut(5)" in text
    assert "self.crop = Crop(size, size - m, size, size - m)" in text
    assert built(graph_of(CUT))(torch.randn(2, 4, 30, 31)).shape == (2, 4, 15, 16)


def test_a_tensor_that_is_given_twice_is_one_input() -> None:
    spec = "input 3x9x9\na: conv F3 K4\nb: conv F3 K4\nc: add [ id | @a -> relu -> crop like=@b offset=1x1 ]"
    assert "self.c(a, b)" in program(graph_of(spec))
