"""Images and labels in memory: what is refused, and what is drawn."""

from __future__ import annotations

import numpy as np
import pytest

from cnnspec.training.library.chance import chances, random_order
from cnnspec.training.library.common import Refused
from cnnspec.training.library.samples import Samples, check_alike, check_shares, checked, most_frequent

IMAGES = np.zeros((6, 1, 4, 4))


@pytest.mark.parametrize(
    ("labels", "wanted", "message"),
    [
        ((6, 3), (4,), "expected labels of 4, found 3"),
        ((6,), (4, 4), "expected labels of 4x4, found one number"),
        ((6, 4, 4), (), "expected labels of one number, found 4x4"),
    ],
)
def test_labels_of_another_shape_are_refused(
    labels: tuple[int, ...], wanted: tuple[int, ...], message: str
) -> None:
    with pytest.raises(Refused, match=f"^{message}$"):
        checked(Samples(IMAGES, np.zeros(labels)), (1, 4, 4), wanted, 0)


@pytest.mark.parametrize(
    ("labels", "wanted"),
    [((6, 1), ()), ((6,), (1,)), ((6, 1, 4, 4), (4, 4)), ((6, 4, 4), (1, 4, 4))],
)
def test_axes_of_length_1_do_not_count(labels: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    samples = checked(Samples(IMAGES, np.zeros(labels)), (1, 4, 4), wanted, 0)
    assert samples.labels.shape == (6, *wanted)


def test_yes_and_no_are_from_0_to_1() -> None:
    """Bytes of a mask are not: binary cross entropy would become negative without an end."""
    check_shares(np.array([0, 0.5, 1]))
    check_shares(np.zeros((0, 4, 4)))
    for labels, found in ((np.array([0, 255]), "255"), (np.array([-1, 1]), "-1")):
        with pytest.raises(Refused, match=f"^expected labels from 0 to 1, found {found}$"):
            check_shares(labels)


def test_bytes_and_other_numbers_are_not_mixed() -> None:
    """Only bytes are divided by 255."""
    bytes_, numbers = (Samples(IMAGES.astype(kind), np.zeros(6)) for kind in (np.uint8, np.float32))
    check_alike(bytes_, bytes_)
    with pytest.raises(Refused, match="images are uint8, the held-out ones float32: store both"):
        check_alike(bytes_, numbers)


def test_an_accuracy_without_learning() -> None:
    assert most_frequent(np.array([0, 2, 2, 1])) == 0.5


def test_the_order_is_a_function_of_its_purpose() -> None:
    order = random_order(1000, 0, "order", 1)
    assert sorted(order.tolist()) == list(range(1000))
    assert order[:4].tolist() == random_order(1000, 0, "order", 1)[:4].tolist()
    assert order[:4].tolist() != random_order(1000, 0, "order", 2)[:4].tolist()
    assert [round(one, 6) for one in chances(2, 0, "augment", 3).tolist()] == [0.751149, 0.63032]
