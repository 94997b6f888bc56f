# Raw images become datasets with splits, altered on purpose.
DATASET = "results/{study}/datasets/{dataset}.json"


rule build_dataset:
    input:
        record(DATASET),
    output:
        DATASET,
    log:
        "results/{study}/datasets/{dataset}.log",
    conda:
        "../envs/assay.yaml"
    threads: threads("data")
    resources:
        **resources("data"),
    params:
        digest=digest(DATASET),
    message:
        "dataset {wildcards.dataset}"
    shell:
        "assay data {output:q} --digest {params.digest} > {log:q} 2>&1"
