# A trial predicts each evaluation set once.
PREDICTED = "results/{study}/{arm}/{replicate}/predict.json"


rule predict_trial:
    input:
        record(PREDICTED),
    output:
        PREDICTED,
    log:
        "results/{study}/{arm}/{replicate}/predict.log",
    conda:
        "../envs/assay.yaml"
    threads: threads("predict")
    resources:
        **resources("predict"),
    params:
        digest=digest(PREDICTED),
    message:
        "predict {wildcards.arm}, {wildcards.replicate}"
    shell:
        "assay predict {output:q} --digest {params.digest} > {log:q} 2>&1"
