# The front door: plan the study, then let the rules below bring its records up to date.
#
#   snakemake --cores all                                the study in config.yaml, to its report
#   snakemake --cores all --config study=studies/x.yaml  another study
#   snakemake --cores all train                          a stage, an arm, or the file of a record
from snakemake.utils import min_version

min_version("9.27")

from assay.run.front import open_study, start_follower

STUDY = open_study(workflow, config)


wildcard_constraints:
    study=STUDY.name,
    arm=r"(?!(?:datasets|generators|encoders|gates)/)[^/]+",
    replicate=r"(?:seed-\d+|tune-(?:\d+|teacher))(?:-further-\d+)?",
    number=r"-?\d+(?:-half-[01])?",


rule all:
    default_target: True
    input:
        STUDY.gate("all"),


include: "rules/common.smk"
include: "rules/data.smk"
include: "rules/synthesize.smk"
include: "rules/pretrain.smk"
include: "rules/train.smk"
include: "rules/adjust.smk"
include: "rules/compress.smk"
include: "rules/predict.smk"
include: "rules/evaluate.smk"
include: "rules/claims.smk"
include: "rules/report.smk"
include: "rules/track.smk"
include: "rules/targets.smk"


onstart:
    start_follower(STUDY)
