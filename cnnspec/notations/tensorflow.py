"""TensorFlow's functions, whose first argument is the tensor. A convolution has the shape of its weights, its
second argument, and no bias: that is added to its output."""

from cnnspec.notations.entry import Entry

IGNORED = frozenset(("name", "data_format", "use_cudnn_on_gpu"))
_POOL = "ksize:F_of_map strides:S_of_map padding:P"
_CONV = "filters:weights strides:S_of_map padding:P dilations:D_of_map=1"
_WORDS = ("relu", "relu6", "sigmoid", "tanh", "elu", "selu", "softplus")

TENSORFLOW = (
    Entry("conv2d((5, 5, 1, 32), 1, 'SAME')", "conv F5 Psame K32 nobias", _CONV, takes="1x16x16"),
    Entry("matmul((8, 10))", "fc 10 nobias", "b:weights", takes="8"),
    Entry("max_pool([1, 2, 2, 1], [1, 2, 2, 1], 'SAME')", "maxpool F2 Psame", _POOL),
    Entry("max_pool2d(2, 2, 'VALID')", "maxpool F2", _POOL),
    Entry("avg_pool(3, 2, 'VALID')", "avgpool F3 S2", _POOL.replace(":P", ":uncounted")),
    Entry("reshape([-1, 400])", "flatten", "shape:rows"),
    Entry("reshape([-1, 28, 28, 1])", "input 1x28x28", "shape:images"),
    Entry("reduce_mean([1, 2])", "gap", "axis:map_axes"),
    *(Entry(f"{word}()", word) for word in _WORDS),
    Entry("softmax()", "softmax", "axis:last=-1"),
    Entry("leaky_relu()", "leaky 0.2", "alpha:*=0.2"),
    Entry("dropout(rate=0.25)", "dropout 0.25", "rate:*"),
    Entry("dropout(0.75)", "dropout 0.25", "keep_prob:kept_rate"),
)
"""Each function without its tensor: an example, its translation, its signature."""
