"""Which calls are served when there are more than can be: classes, limits, and fair shares."""
