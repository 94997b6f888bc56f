# Trained models are corrected for how rare classes were.
ADJUSTED = "results/{study}/{arm}/{replicate}/adjust.json"


rule adjust_model:
    input:
        record(ADJUSTED),
    output:
        ADJUSTED,
    log:
        "results/{study}/{arm}/{replicate}/adjust.log",
    conda:
        "../envs/assay.yaml"
    threads: threads("adjust")
    resources:
        **resources("adjust"),
    params:
        digest=digest(ADJUSTED),
    message:
        "adjust {wildcards.arm}, {wildcards.replicate}"
    shell:
        "assay adjust {output:q} --digest {params.digest} > {log:q} 2>&1"
