# One page tells what came out.
REPORT = "results/{study}/report.html"


rule write_report:
    input:
        record(REPORT),
        plan="results/{study}/study.json",
    output:
        REPORT,
    log:
        "results/{study}/report.log",
    conda:
        "../envs/assay.yaml"
    threads: threads("report")
    resources:
        **resources("report"),
    params:
        digest=digest(REPORT),
    message:
        "report"
    shell:
        "assay report {output:q} --digest {params.digest} > {log:q} 2>&1"
