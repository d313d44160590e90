"""What an emitted `forward` calls."""

from __future__ import annotations

from cnnspec.targets.torch.helpers.helper import Helper

FUNCTIONS = (
    Helper(
        "crop",
        '''
def crop(x: Tensor, like: Tensor, offset: tuple[int, int] | None = None) -> Tensor:
    """The piece of x of the size of `like`, from the middle or at `offset`."""
    height, width = like.shape[2:]
    top, left = offset or ((x.shape[2] - height) // 2, (x.shape[3] - width) // 2)
    return x[:, :, top : top + height, left : left + width]
''',
    ),
    Helper(
        "unpool",
        '''
def unpool(
    x: Tensor,
    before: Tensor,
    kernel_size: tuple[int, int],
    stride: tuple[int, int],
    padding: tuple[int, int] = (0, 0),
    dilation: tuple[int, int] = (1, 1),
    ceil_mode: bool = False,
) -> Tensor:
    """Puts the numbers of x where max pooling of `before` found its maxima, else 0."""
    _, places = nn.functional.max_pool2d_with_indices(
        before, kernel_size, stride, padding, dilation, ceil_mode
    )
    zeros = x.new_zeros(before.shape).flatten(2)
    return zeros.scatter(2, places.flatten(2), x.flatten(2)).view_as(before)
''',
    ),
    Helper(
        "unpool_to",
        '''
def unpool_to(x: Tensor, before: Tensor) -> Tensor:
    """Puts the numbers of x where adaptive max pooling of `before` found its maxima, else 0."""
    height, width = x.shape[2:]
    _, places = nn.functional.adaptive_max_pool2d_with_indices(before, (height, width))
    zeros = x.new_zeros(before.shape).flatten(2)
    return zeros.scatter(2, places.flatten(2), x.flatten(2)).view_as(before)
''',
    ),
    Helper(
        "unpool_same",
        '''
def unpool_same(
    x: Tensor,
    before: Tensor,
    kernel_size: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int] = (1, 1),
) -> Tensor:
    """`unpool` where the pooling had ceil(N / stride) outputs."""
    wide = same_padding(before, kernel_size, stride, dilation, float("-inf"))
    return crop(unpool(x, wide, kernel_size, stride, dilation=dilation), before)
''',
        ("same_padding", "crop", "unpool"),
    ),
)
