"""IR -> IR, one pass a file, in the order of ``compiler.PASSES``; each runs alone and leaves a program that verifies."""
