"""What is said of a text that breaks the grammar: how the parser goes on behind a mistake, what the mistake
is, and what would be right."""
