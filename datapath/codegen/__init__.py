"""IR -> C text: the parser and the flow key, one file for both targets."""
