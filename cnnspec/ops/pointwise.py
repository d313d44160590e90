"""What all activations have in common: they change numbers one by one, and no shape."""

from typing import TYPE_CHECKING

from cnnspec.ops.base import Misfit, Op, Shape

if TYPE_CHECKING:
    import random


class Activation(Op):
    """Number by number; the shape stays."""

    activation = True

    def out(self, *arriving: Shape) -> Shape | Misfit:
        """The same."""
        return arriving[0]

    @classmethod
    def draw(cls, chance: "random.Random", arriving: Shape) -> str | None:
        return cls.word
