"""Text → syntax tree, and back: `parse`, `parse_expression`; the formatter is in `formatter`."""

from cnnspec.language.parser import parse, parse_expression

__all__ = ["parse", "parse_expression"]
