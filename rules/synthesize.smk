# Generators are fitted once and asked for the images that an arm adds.
GENERATOR = "results/{study}/generators/{generator}/seed-{number}.json"
SYNTHETIC = "results/{study}/{arm}/{replicate}/synthetic.json"


rule fit_generator:
    input:
        record(GENERATOR),
    output:
        GENERATOR,
    log:
        "results/{study}/generators/{generator}/seed-{number}.log",
    conda:
        "../envs/assay.yaml"
    threads: threads("synthesize")
    resources:
        **resources("synthesize"),
    params:
        digest=digest(GENERATOR),
    message:
        "generator {wildcards.generator}"
    shell:
        "assay generator {output:q} --digest {params.digest} > {log:q} 2>&1"


rule make_synthetic:
    input:
        record(SYNTHETIC),
    output:
        SYNTHETIC,
    log:
        "results/{study}/{arm}/{replicate}/synthetic.log",
    conda:
        "../envs/assay.yaml"
    threads: threads("synthesize")
    resources:
        **resources("synthesize"),
    params:
        digest=digest(SYNTHETIC),
    message:
        "synthetic images for {wildcards.arm}, {wildcards.replicate}"
    shell:
        "assay synthetic {output:q} --digest {params.digest} > {log:q} 2>&1"
