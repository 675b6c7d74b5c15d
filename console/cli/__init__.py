"""The command line: one verb a file, results on standard output, progress on standard error."""
