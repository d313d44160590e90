# Written by cnnspec 0.0.0: model TextCNN (IR 0)
from contextlib import nullcontext

import torch
from torch import Tensor, nn


class Phrases(nn.Sequential):
    def __init__(self, f: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(300, 100, kernel_size=f)
        self.relu = nn.ReLU(inplace=True)
        self.gmp = nn.AdaptiveMaxPool1d(1)


class TextCNN(nn.Module):
    """Convolutional Neural Networks for Sentence Classification, Kim, EMNLP 2014"""

    def __init__(
        self,
        classes: int = 2,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.phrases1 = Phrases(3)
            self.phrases2 = Phrases(4)
            self.phrases3 = Phrases(5)
            self.dropout = nn.Dropout()
            self.fc = nn.Linear(300, classes)
            self.softmax = nn.Softmax(dim=1)
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, x: Tensor) -> Tensor:
        branch1 = self.phrases1(x)  # 100x1
        branch2 = self.phrases2(x)  # 100x1
        branch3 = self.phrases3(x)  # 100x1
        x = torch.cat([branch1, branch2, branch3], dim=1)  # 300x1
        return self.softmax(self.fc(torch.flatten(self.dropout(x), 1)))


def main() -> None:
    model = TextCNN().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 300, 56))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
