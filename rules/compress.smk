# Trained models are made smaller.
COMPRESSED = "results/{study}/{arm}/{replicate}/compress.json"


rule compress_model:
    input:
        record(COMPRESSED),
    output:
        COMPRESSED,
    log:
        "results/{study}/{arm}/{replicate}/compress.log",
    conda:
        "../envs/assay.yaml"
    threads: threads("compress")
    resources:
        **resources("compress"),
    params:
        digest=digest(COMPRESSED),
    message:
        "compress {wildcards.arm}, {wildcards.replicate}"
    shell:
        "assay compress {output:q} --digest {params.digest} > {log:q} 2>&1"
