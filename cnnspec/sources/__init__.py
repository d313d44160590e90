"""Other formats → a layer list. One folder for each door: PyTorch modules, ONNX, Darknet, Caffe, Keras.

A door reads one format and gives a `LayerList` (layers.py); what is the same for all doors, blocks and
repeats found again and the text, is in `structure`.
"""
