"""What the public contract says of a network: the JSON document, the table's rows, layers worked out, pages.

All of it is text and plain values; how it reaches a person is the command line's own matter.
"""
