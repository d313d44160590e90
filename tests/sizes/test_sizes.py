"""`cnnspec sizes`: which input sizes fit, worked out; each answer beside an evaluation of the spec."""

from __future__ import annotations

import pytest

from cnnspec.elaborate.limits import Limits
from cnnspec.report.input_sizes import InputSizes, input_sizes, text_of
from tests.support import check_text

ENCODER = """
input 3x224x224
a: conv F7 S2 P3 K64 -> relu
b: conv F3 S2 P1 K64 -> relu
conv F3 S2 P1 K64 -> relu -> upsample 2 -> add [ id | @b ] -> upsample 2 -> add [ id | @a ] -> conv F1 K8
"""
SPECS = {
    "padded": ("input 3x32x32\nconv F3 P1 K4\n", "any", "4xHxW"),
    "valid": ("input 3x32x32\nconv F5 K4\n", "any from 5 on", "4x(H − 4)x(W − 4)"),
    "strided": ("input 3x32x32\nconv F3 S2 P1 K4 -> maxpool F3 S2 P1\n", "any", "4x⌈H/4⌉x⌈W/4⌉"),
    "stride 3": ("input 3x32x32\nconv F2 S3 K4\n", "any from 2 on", "4x⌊(H + 1)/3⌋x⌊(W + 1)/3⌋"),
    "up and down": ("input 3x32x32\nmaxpool F4 -> upsample 2\n", "any from 4 on", "3x(2·⌊H/4⌋)x(2·⌊W/4⌋)"),
    "a skip": (ENCODER, "8k, 8k + 7, from 7 on", "8x⌈H/2⌉x⌈W/2⌉"),
    "unshuffled": ("input 3x32x32\npixelunshuffle 4\n", "multiples of 4: 4, 8, 12, …", "48x(H/4)x(W/4)"),
    "a vector": ("input 1x32x32\nconv F5 S2 K6 -> fc 10\n", "only 5 to 6", "10"),
    "a large vector": ("input 3x448x448\n[maxpool F2]*5\navgpool F14 S1 -> fc 10\n", "only 448 to 479", "10"),
    "a fixed size": ("input 3x64x64\nadd [ conv F3 S2 K3 | crop 20x20 ]\n", "only 41 to 42", "3x20x20"),
    "far from the spec": ("input 3x8x8\nadd [ conv F3 S2 K3 | pad 500 -> conv F1 S4 K3 ]\n", "", ""),
    "only far": ("input 3x8x8\nconv F1001 K3\n", "any from 1001 on", "3x(H − 1000)x(W − 1000)"),
    "different axes": ("input 1x32x64\nconv F3x5 P1x0 K4\n", "any; any from 5 on", "4xHx(W − 4)"),
    "flattened": ("input 1x32x32\nconv F3 K4 -> flatten -> fc 10\n", "any from 3 on", "10"),
    "a size from H": (
        "input 1x32x32\nadd [ conv F3 K1 | crop (H-2)x(W-2) ]\n",
        "any from 3 on",
        "1x(H − 2)x(W − 2)",
    ),
    "reshaped": ("input 1x32x32\nconv F3 S2 K4 -> reshape 1x60x15\n", "31 to 32", ""),
    "a vector reshaped": ("input 1x32x32\nflatten -> fc 12 -> reshape 3x2x2\n", "any", "3x2x2"),
    "a condition": ("input 1x8x8\nif H > 6 [ conv F3 K4 ]\nconv F3 P1 K4\n", "1 to 256", ""),
}


def answer(text: str) -> InputSizes:
    (model,) = check_text(text, lints=False)
    return input_sizes(model, Limits())


def fits(text: str, size: tuple[int, ...]) -> bool:
    head, _, rest = text.lstrip().partition("\n")
    channels = head.split()[-1].split("x")[0]
    other = "x".join((channels, *map(str, size)))
    return not check_text(f"input {other}\n{rest}", lints=False)[0].has_errors


@pytest.mark.parametrize("name", SPECS)
def test_what_is_said(name: str) -> None:
    text, said, output = SPECS[name]
    lines = list(answer(text).lines())
    assert (
        "; ".join(line.split("  ")[-1].strip() for line in lines if line.lstrip()[:2] in ("H ", "W ")) == said
    )
    made = [line.split("  ")[-1].strip() for line in lines if line.lstrip().startswith("output")]
    assert made == ([output] if output else [])


@pytest.mark.parametrize("name", SPECS)
def test_is_so(name: str) -> None:
    """For sizes up to 40, and around the ends that are said."""
    found = answer(SPECS[name][0])
    sizes = found.sizes
    if sizes is None:
        assert not any(fits(SPECS[name][0], (size, size)) for size in range(1, 40))
        return
    around = {
        max(1, end + by) for axis in sizes.axes for end in (axis.start, *axis.also) for by in (-1, 0, 1)
    }
    for size in sorted({*range(1, 40), *around}):
        if sizes.exact or size <= sizes.axes[0].tried:
            assert sizes.has((found.channels, size, size)) == fits(SPECS[name][0], (size, size)), size
    if len(sizes.axes) == 2:
        for size in ((7, 12), (40, 9), (64, 65), (450, 470), (41, 43)):
            assert sizes.has((found.channels, *size)) == fits(SPECS[name][0], size), size


def test_examples_of_what_does_not_fit() -> None:
    lines = list(answer(ENCODER).lines())
    assert (
        "at 3x225x225, line 5: branch 2 is 64x57x57, branch 1 is 64x58x58; add needs equal shapes"
        in lines[-1]
    )


def test_a_spec_that_does_not_fit_its_own_input() -> None:
    assert "H and W  8k, 8k + 7, from 7 on" in text_of([answer(ENCODER.replace("224", "226"))])


def test_inputs_of_one_size_vary_together() -> None:
    inputs = "input a: 3x8x8\ninput b: 1x8x8\ninput t: 5\n"
    found = answer(inputs + "concat [ @a | @b ] -> gap -> fc 3 -> add [ id | @t -> fc 3 ]\n")
    assert found.sizes is not None
    assert found.sizes.inputs == ("a", "b")


def test_a_signal_and_a_volume() -> None:
    signal = "input 1x16000\nconv F80 S4 K32 -> maxpool F4 -> gap -> fc 35\n"
    assert text_of([answer(signal)]).splitlines()[1:3] == ["  input   1xW", "  W       any from 92 on"]
    last = "input 1x784\npad left=3 right=0 -> crop 1 offset=W-1\n"
    assert "  output  1x1\n" in text_of([answer(last)])
    volume = "input 3x16x112x112\nconv F3 P1 K8 -> maxpool F1x2x2 -> conv F3 S2 K16\n"
    assert "  T        any from 3 on\n  H and W  any from 6 on\n" in text_of([answer(volume)])
    assert "16x⌊(T − 1)/2⌋x⌊(H − 2)/4⌋x⌊(W − 2)/4⌋" in text_of([answer(volume)])


def test_a_network_without_a_map() -> None:
    assert list(answer("input 10\nfc 3\n").lines()) == ["  no input is a map"]


def test_work_is_bounded() -> None:
    """A period of 2²⁰ is too long to go through: the answer says that sizes were only tried."""
    found = answer("input 1x4x4\n[upsample 3 -> conv F2 S2 P1 K1]*20\n")
    assert found.sizes is not None
    assert not found.sizes.exact
    assert found.sizes.why == "the network is too large to go through all sizes of a period"


def test_sizes_that_there_was_no_work_left_for_are_not_said_to_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """A condition on H makes every size an evaluation of the spec; the work ends before the last one."""
    monkeypatch.setattr("cnnspec.report.input_sizes.WORK", 400)
    found = answer(SPECS["a condition"][0].replace("1x8x8", "1x90x90"))
    assert found.sizes is not None
    (axis,) = found.sizes.axes
    assert 10 < axis.tried < 90
    assert axis.also == (*range(1, axis.tried + 1), 90)
    assert f"tried from 1 to {axis.tried}" in text_of([found])
