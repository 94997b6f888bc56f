# What the rules ask of the plan: which records its outputs need, the digest of the work behind them, and resources.


def record(*patterns):
    """An input function: the records that outputs need."""
    return lambda wildcards: STUDY.needs(
        *(each.format(**wildcards) for each in patterns)
    )


def digest(*patterns):
    """A params function: the digest of the work behind outputs."""
    return lambda wildcards: STUDY.digest(
        *(each.format(**wildcards) for each in patterns)
    )


def threads(stage):
    """The threads that a job of a stage occupies."""
    return STUDY.resource(stage, "threads", 1)


def resources(stage):
    """Memory, time and devices of a stage, for executors that ask."""
    return STUDY.resources(stage)
