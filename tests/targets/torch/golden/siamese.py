# Written by cnnspec 0.0.0: model Siamese (IR 0)
from contextlib import nullcontext

import torch
from torch import Tensor, nn


class Tower(nn.Sequential):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 64, kernel_size=10)
        self.relu1 = nn.ReLU(inplace=True)
        self.maxpool1 = nn.MaxPool2d(kernel_size=2)
        self.conv2 = nn.Conv2d(64, 128, kernel_size=7)
        self.relu2 = nn.ReLU(inplace=True)
        self.maxpool2 = nn.MaxPool2d(kernel_size=2)
        self.conv3 = nn.Conv2d(128, 128, kernel_size=4)
        self.relu3 = nn.ReLU(inplace=True)
        self.maxpool3 = nn.MaxPool2d(kernel_size=2)
        self.conv4 = nn.Conv2d(128, 256, kernel_size=4)
        self.relu4 = nn.ReLU(inplace=True)
        self.flatten = nn.Flatten()
        self.fc = nn.Linear(9216, 4096)
        self.sigmoid = nn.Sigmoid()


class Siamese(nn.Module):
    """Siamese Neural Networks for One-Shot Image Recognition, Koch et al., ICML
    Workshop 2015
    """

    def __init__(
        self, device: torch.device | str | None = None, dtype: torch.dtype | None = None
    ) -> None:
        super().__init__()
        with torch.device(device) if device is not None else nullcontext():
            self.tower = Tower()
            self.fc = nn.Linear(4096, 1)
            self.sigmoid = nn.Sigmoid()
        self.to(dtype=dtype)
        self.init_weights()

    def init_weights(self) -> None:
        """Initialises all weights and buffers; call it again after `to_empty()`."""
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
            elif reset := getattr(module, "reset_parameters", None):
                reset()

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        a = self.tower(left)  # 4096
        b = self.tower(right)  # 4096
        x = a - b  # 4096
        return self.sigmoid(self.fc(x.abs()))


def main() -> None:
    model = Siamese().eval()
    with torch.no_grad():
        y = model(torch.randn(2, 1, 105, 105), torch.randn(2, 1, 105, 105))
    print(tuple(y.shape))
    print(f"{sum(p.numel() for p in model.parameters()):,} weights")


if __name__ == "__main__":
    main()
