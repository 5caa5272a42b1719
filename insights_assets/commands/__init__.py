"""The commands behind `insights …`, one module a subject. Thin: parse, call the stage's plain functions, print; exit codes 0 to 3."""
