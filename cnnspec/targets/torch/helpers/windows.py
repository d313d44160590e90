"""Windows with ceil(N / stride) places, `Psame`: the padding, and the layers that pad so."""

from __future__ import annotations

from cnnspec.targets.torch.helpers.helper import Helper

WINDOWS = (
    Helper(
        "same_padding",
        '''
def same_padding(
    x: Tensor,
    kernel_size: int | tuple[int, ...],
    stride: int | tuple[int, ...],
    dilation: int | tuple[int, ...] = 1,
    value: float = 0,
) -> Tensor:
    """Pads x so that a window has ceil(N / stride) places, the odd pixel at the end."""
    ends: list[int] = []
    for axis in (1, 0):
        numbers = kernel_size, stride, dilation
        size, step, gap = (n if isinstance(n, int) else n[axis] for n in numbers)
        length = x.shape[2 + axis]
        places = (length + step - 1) // step
        zeros = max((places - 1) * step + gap * (size - 1) + 1 - length, 0)
        ends += [zeros // 2, zeros - zeros // 2]
    return nn.functional.pad(x, ends, value=value)
''',
    ),
    Helper(
        "Conv2dSame",
        '''
class Conv2dSame(nn.Conv2d):
    """A convolution with ceil(N / stride) outputs; odd zeros stand below and right."""

    def forward(self, x: Tensor) -> Tensor:
        x = same_padding(x, self.kernel_size, self.stride, self.dilation)
        return super().forward(x)
''',
        ("same_padding",),
    ),
    Helper(
        "ConvTranspose2dSame",
        '''
class ConvTranspose2dSame(nn.ConvTranspose2d):
    """A transposed convolution with N * stride outputs; more is cut off below and right."""

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        height, width = x.shape[2] * self.stride[0], x.shape[3] * self.stride[1]
        y = super().forward(x)
        top, left = max(y.shape[2] - height, 0) // 2, max(y.shape[3] - width, 0) // 2
        y = y[:, :, top : top + height, left : left + width]
        below, right = height - y.shape[2], width - y.shape[3]
        if self.bias is None or not (below or right):
            return nn.functional.pad(y, (0, right, 0, below))
        bias = self.bias[:, None, None]
        return nn.functional.pad(y - bias, (0, right, 0, below)) + bias
''',
    ),
    Helper(
        "MaxPool2dSame",
        '''
class MaxPool2dSame(nn.MaxPool2d):
    """Max pooling with ceil(N / stride) outputs."""

    def forward(self, x: Tensor) -> Tensor:
        ends = self.kernel_size, self.stride, self.dilation
        return super().forward(same_padding(x, *ends, value=float("-inf")))
''',
        ("same_padding",),
    ),
    Helper(
        "AvgPool2dSame",
        '''
class AvgPool2dSame(nn.AvgPool2d):
    """Average pooling with ceil(N / stride) outputs."""

    def forward(self, x: Tensor) -> Tensor:
        mean = super().forward(same_padding(x, self.kernel_size, self.stride))
        if self.count_include_pad:
            return mean
        ones = same_padding(torch.ones_like(x[:1, :1]), self.kernel_size, self.stride)
        return mean / super().forward(ones)
''',
        ("same_padding",),
    ),
)
