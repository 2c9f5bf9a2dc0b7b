"""Read models: folds over the log by position. Each can be thrown away and rebuilt."""
