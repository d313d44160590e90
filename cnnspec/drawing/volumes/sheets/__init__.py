"""The look `sheets`: as LeNet-5's figure, stacked feature maps with the windows that units read."""
