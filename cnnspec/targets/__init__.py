"""Programs out of the IR: a folder per target. They only write text; none imports what its program
imports."""
