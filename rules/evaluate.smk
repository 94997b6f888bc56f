# Every family of metrics is computed from what a trial predicted. One process does them all, since each is short; what
# stands already is skipped.
EVALUATED = expand(
    "results/{{study}}/{{arm}}/{{replicate}}/{family}.json", family=STUDY.families
)


if EVALUATED:

    rule evaluate_trial:
        input:
            record(*EVALUATED),
        output:
            EVALUATED,
        log:
            "results/{study}/{arm}/{replicate}/evaluate.log",
        conda:
            "../envs/assay.yaml"
        threads: threads("evaluate")
        resources:
            **resources("evaluate"),
        params:
            digest=digest(*EVALUATED),
        message:
            "evaluate {wildcards.arm}, {wildcards.replicate}"
        shell:
            "assay batch {output:q} --digest {params.digest} > {log:q} 2>&1"
