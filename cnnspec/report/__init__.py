"""Reports about a network: the JSON document, the rows of tables, worked-out layers, pages.

All of them are text and plain values; the command line decides how they are shown.
"""
