# Trials are trained; tuned arms choose their point on validation first.
TRAINED = "results/{study}/{arm}/{replicate}/train.json"
SEARCH = "results/{study}/{arm}/search.json"


rule train_model:
    input:
        record(TRAINED),
    output:
        TRAINED,
    log:
        "results/{study}/{arm}/{replicate}/train.log",
    conda:
        "../envs/assay.yaml"
    threads: threads("train")
    resources:
        **resources("train"),
    params:
        digest=digest(TRAINED),
    message:
        "train {wildcards.arm}, {wildcards.replicate}"
    shell:
        "assay train {output:q} --digest {params.digest} > {log:q} 2>&1"


# Arms that say so train all their seeds in one job. What stands already is skipped.
if STUDY.together:
    TOGETHER = expand(
        "results/{{study}}/{{arm}}/seed-{seed}/train.json", seed=STUDY.seeds
    )

    ruleorder: train_together > train_model

    rule train_together:
        input:
            record(*TOGETHER),
        output:
            TOGETHER,
        log:
            "results/{study}/{arm}/train.log",
        wildcard_constraints:
            arm=STUDY.together,
        conda:
            "../envs/assay.yaml"
        threads: threads("train")
        resources:
            **resources("train"),
        params:
            digest=digest(*TOGETHER),
        message:
            "train {wildcards.arm}, all seeds"
        shell:
            "assay batch {output:q} --digest {params.digest} > {log:q} 2>&1"


rule choose_point:
    input:
        record(SEARCH),
    output:
        SEARCH,
    log:
        "results/{study}/{arm}/search.log",
    conda:
        "../envs/assay.yaml"
    threads: threads("train")
    resources:
        **resources("train"),
    params:
        digest=digest(SEARCH),
    message:
        "tuning of {wildcards.arm}"
    shell:
        "assay search {output:q} --digest {params.digest} > {log:q} 2>&1"
