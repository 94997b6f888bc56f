"""The command line: `assay COMMAND`.

Commands that jobs run take the short way: no argument parser, and a fork of the warm process where one can be had.
"""

from __future__ import annotations

import os
import sys

#: Commands that Snakemake's jobs run, each once for every record.
JOBS = (
    "data", "generator", "synthetic", "pretrain", "train", "adjust", "compress", "search", "predict", "evaluate",
    "claims", "batch", "gate", "report", "track", "worker",
)  # fmt: skip

#: Jobs that use none of the libraries a warm process holds, or others that it does not hold.
_COLD = ("gate", "track")

#: Jobs that make one file of their own, not records of the plan.
_ONE_FILE = ("gate", "report", "track", "worker")

#: Libraries must not choose their number of threads by the machine: it would change bits. Torch is told by the spec.
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and arguments[0] in JOBS:
        if {"-h", "--help"} & set(arguments):
            print(_usage(arguments[0]))
            return 0
        os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
        # What Apple's GPU has no kernel for runs on the CPU. Torch reads this when it is imported.
        os.environ.setdefault("PYTORCH_ENABLE_MPS_FALLBACK", "1")
        if arguments[0] not in _COLD and os.environ.get("ASSAY_COLD", "") in ("", "0"):
            from assay.run.warm import call

            status = call(arguments)
            if status is not None:
                return status
        return job(arguments)
    from assay.run.commands import command

    return command(arguments)


def job(arguments: list[str]) -> int:
    """Run a job's command in this process."""
    from assay.run import jobs_cli
    from assay.run.execute import MissingInput

    name, *rest = arguments
    digest = None
    if "--digest" in rest[:-1]:
        at = rest.index("--digest")
        digest = rest[at + 1]
        del rest[at : at + 2]
    if not rest or rest[0].startswith("-") or (name in _ONE_FILE and len(rest) > 1):
        print(_usage(name), file=sys.stderr)
        return 2
    try:
        if name in _ONE_FILE:
            return getattr(jobs_cli, name)(*rest)
        return jobs_cli.run(rest, digest)
    except (MissingInput, KeyError, ValueError) as error:
        print(f"assay {name}: {error.args[0] if error.args else error}", file=sys.stderr)
        return 1


def _usage(name: str) -> str:
    files = "FILE" if name in _ONE_FILE else "FILE..."
    return f"usage: assay {name} {files}\nFILE is a record, such as results/STUDY/ARM/seed-0/train.json"


if __name__ == "__main__":
    sys.exit(main())
