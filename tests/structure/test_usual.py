"""What becomes a `default` line."""

from __future__ import annotations

from cnnspec.ops.scale import Scale
from cnnspec.structure.usual import usual


def test_a_flag_without_a_word_for_its_opposite_is_no_default_where_layers_differ() -> None:
    """`scale bias` has no word for `scale` without a bias, which a default would need."""
    with_bias, without = Scale(bias=True), Scale()
    assert usual([with_bias, with_bias, with_bias, without]) == {}
    assert usual([with_bias, with_bias, with_bias]) == {"scale": {"bias": True}}
