"""What is reported about a network: the JSON document, the rows of tables, worked-out layers, pages.

All of it is text and plain values; the command line decides how it is shown.
"""
