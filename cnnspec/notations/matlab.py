"""MATLAB's layers. An argument's name is a text before its value there, or comes before `=`."""

from cnnspec.notations.entry import Entry

IGNORED = frozenset(("Name", "WeightsInitializer", "BiasInitializer", "WeightL2Factor", "BiasL2Factor"))
_CONV = "FilterSize:F NumFilters:K Stride:S=1 Padding:P=0 DilationFactor:D=1 NumChannels:takes=0"

MATLAB = (
    Entry("convolution2dLayer(3, 8, 'Padding', 'same')", "conv F3 Psame K8", _CONV),
    Entry("maxPooling2dLayer(2, 'Stride', 2)", "maxpool F2", "PoolSize:F Stride:S=1 Padding:P=0"),
    Entry("averagePooling2dLayer(2)", "avgpool F2 S1", "PoolSize:F Stride:S=1 Padding:=0"),
    Entry("globalAveragePooling2dLayer()", "gap"),
    Entry("batchNormalizationLayer()", "bn", "Epsilon:eps=1e-5"),
    Entry("reluLayer()", "relu"),
    Entry("leakyReluLayer(0.1)", "leaky 0.1", "Scale:*=0.01"),
    Entry("fullyConnectedLayer(10)", "fc 10", "OutputSize:*", takes="8"),
    Entry("dropoutLayer(0.4)", "dropout 0.4", "Probability:*=0.5"),
    Entry("softmaxLayer()", "softmax"),
    Entry("imageInputLayer([28 28 1])", "input 1x28x28", "InputSize:volume_last Normalization:known=0"),
)
