"""The layouts of six famous tables, a file each: a function from networks to grids."""
