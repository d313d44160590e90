"""TF-slim's layers, whose first argument is the tensor. A convolution has padding and an activation by
default."""

from cnnspec.notations.entry import Entry

IGNORED = frozenset(
    (
        *("scope", "reuse", "trainable", "is_training", "weights_initializer", "weights_regularizer"),
        *("biases_regularizer", "variables_collections", "outputs_collections", "data_format"),
    )
)
_LAST = "activation_fn:then=relu normalizer_fn:=None biases_initializer:initial=zeros"
_POOL = "kernel_size:F stride:S=2"

SLIM = (
    Entry(
        "slim.conv2d(64, [3, 3], scope='conv1')",
        "conv F3 Psame K64 -> relu",
        f"num_outputs:K kernel_size:F stride:S=1 padding:P='SAME' data_format:=None rate:D=1 {_LAST}",
    ),
    Entry("slim.max_pool2d([2, 2])", "maxpool F2", f"{_POOL} padding:P='VALID'"),
    Entry("slim.avg_pool2d([3, 3])", "avgpool F3 S2", f"{_POOL} padding:uncounted='valid'"),
    Entry("slim.fully_connected(10)", "fc 10 -> relu", f"num_outputs:* {_LAST}", takes="8"),
    Entry("slim.flatten()", "flatten"),
    Entry("slim.dropout(0.8)", "dropout 0.2", "keep_prob:kept_rate=0.5 noise_shape:=None"),
    Entry("slim.batch_norm()", "", why="it has an offset and no scale, and `bn` has both or none"),
    Entry("slim.softmax()", "softmax"),
)
