# Targets are words: a stage, an arm, the points of a sweep. Behind each stands a gate, which fails when a record behind
# it tells of a failure, so that the exit status says so while everything else still runs.
GATE = "results/{study}/gates/{target}.json"


rule pass_gate:
    input:
        lambda wildcards: STUDY.members(wildcards.target),
    output:
        GATE,
    log:
        "results/{study}/gates/{target}.log",
    conda:
        "../envs/assay.yaml"
    params:
        digest=lambda wildcards: STUDY.target_digest(wildcards.target),
    message:
        "{wildcards.target}"
    shell:
        "assay gate {output:q} --digest {params.digest} > {log:q} 2>&1"


for word in STUDY.targets:

    rule:
        name:
            word
        input:
            STUDY.gate(word),
