# Claims are decided over the metrics of all seeds.
CLAIMS = "results/{study}/claims.json"


rule decide_claims:
    input:
        record(CLAIMS),
    output:
        CLAIMS,
    log:
        "results/{study}/claims.log",
    conda:
        "../envs/assay.yaml"
    threads: threads("claims")
    resources:
        **resources("claims"),
    params:
        digest=digest(CLAIMS),
    message:
        "claims"
    shell:
        "assay claims {output:q} --digest {params.digest} > {log:q} 2>&1"
