# Encoders learn without labels, for arms to start from.
ENCODER = "results/{study}/encoders/{encoder}/seed-{number}.json"


rule pretrain_encoder:
    input:
        record(ENCODER),
    output:
        ENCODER,
    log:
        "results/{study}/encoders/{encoder}/seed-{number}.log",
    conda:
        "../envs/assay.yaml"
    threads: threads("pretrain")
    resources:
        **resources("pretrain"),
    params:
        digest=digest(ENCODER),
    message:
        "encoder {wildcards.encoder}"
    shell:
        "assay pretrain {output:q} --digest {params.digest} > {log:q} 2>&1"
