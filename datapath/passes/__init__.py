"""IR -> IR, one pass a file, in the order of ``compiler.PASSES``; each leaves a program that verifies."""
