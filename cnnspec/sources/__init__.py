"""Other formats → a layer list. One folder for each format: PyTorch modules, ONNX, Darknet, Caffe, Keras.

Each folder is a *door*: it reads one format and returns a `LayerList` (layers.py). The work that is the same
for all formats, finding blocks and repeats and writing the text, is in `structure`."""
