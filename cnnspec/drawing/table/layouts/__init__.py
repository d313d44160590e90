"""The layouts of six well-known tables, one file each: a function from networks to grids."""
