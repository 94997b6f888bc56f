# MLflow is brought up to date with what lies in results/.
TRACKED = "results/{study}/track.json"


rule track_study:
    input:
        record(TRACKED),
        plan="results/{study}/study.json",
    output:
        TRACKED,
    log:
        "results/{study}/track.log",
    conda:
        "../envs/assay.yaml"
    threads: threads("track")
    resources:
        **resources("track"),
    params:
        digest=digest(TRACKED),
    message:
        "MLflow"
    shell:
        "assay track {output:q} --digest {params.digest} > {log:q} 2>&1"
