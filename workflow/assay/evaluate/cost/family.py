"""Cost: what a model takes to store, to run and to train.

Latency, throughput, memory, energy and training time are measurements of the machine at hand, and their notes say so.

figures.json:
    {"latency": {batch as text: [seconds of each repeat]}}
"""

from __future__ import annotations

from assay.evaluate.cost.energy import energy
from assay.evaluate.cost.flops import flops, nonzero_flops
from assay.evaluate.cost.latency import latency, latency_iqr, throughput, throughput_iqr, timings
from assay.evaluate.cost.memory import inference_memory
from assay.evaluate.cost.parameters import nonzero_parameters, parameters, weight_bytes
from assay.evaluate.result import Result, UndefinedError, plain
from assay.evaluate.trial import Trial
from assay.study.registry import Metric, Option, method

_HERE = "measured on the machine that ran this job"


@method(
    "evaluation",
    "cost",
    summary="parameters, operations, bytes, latency, throughput, memory, energy, and the cost of training",
    options={
        "batches": Option([1, 256], "batch sizes at which latency is measured", item=int, at_least=1),
        "repeats": Option(10, "how often each is measured, after two runs that are not", at_least=1),
    },
    reads=["model"],
    metrics={
        "parameters": Metric("weights that the model holds, zeros included", "lower", 0.0, unit="parameters"),
        "nonzero-parameters": Metric("weights that are not zero", "lower", 0.0, unit="parameters"),
        "flops": Metric(
            "floating point operations for one image (a multiply-add counts as two)", "lower", 0.0, unit="FLOP",
        ),
        "nonzero-flops": Metric("those of them that are no product with a zero weight", "lower", 0.0, unit="FLOP"),
        "bytes": Metric("size of all weights and buffers in memory", "lower", 0.0, unit="B"),
        "disk-bytes": Metric("size of the file of the weights, where zeros count in full", "lower", 0.0, unit="B"),
        "latency": Metric(
            "median time of one forward pass over a batch", "lower", 0.0, unit="s",
            keys={"batch": "batches"}, defaults={"batch": "1"},
        ),
        "latency-iqr": Metric(
            "interquartile range of that time", "lower", 0.0, unit="s",
            keys={"batch": "batches"}, defaults={"batch": "1"},
        ),
        "throughput": Metric(
            "images a second at the median time", "higher", 0.0, unit="images/s",
            keys={"batch": "batches"}, defaults={"batch": "1"},
        ),
        "throughput-iqr": Metric(
            "interquartile range of images a second", "lower", 0.0, unit="images/s",
            keys={"batch": "batches"}, defaults={"batch": "1"},
        ),
        "inference-memory": Metric(
            "largest growth of the process during one forward pass over a batch", "lower", 0.0, unit="B",
            keys={"batch": "batches"}, defaults={"batch": "1"},
        ),
        "energy-per-image": Metric(
            "energy of the processor for one image", "lower", 0.0, unit="J",
            keys={"batch": "batches"}, defaults={"batch": "1"},
            paper="Khan et al. 2018, doi:10.1145/3177754",
        ),
        "train-seconds": Metric(
            "wall time of training and compression; encoder, generator, teachers, search and soup are left out",
            "lower", 0.0, unit="s",
        ),
        "peak-memory": Metric("largest memory of a process that trained or compressed", "lower", 0.0, unit="B"),
    },
    shapes="images [B,C,H,W] -> numbers",
)  # fmt: skip
def family(trial: Trial, batches: list[int], repeats: int) -> Result:
    """Count and time a trial's model, and pass on what its training and compression cost.

    For predictions made elsewhere there is no model, and everything that needs one is undefined.
    """
    result = Result(figures={"latency": {}})
    model = trial.model() if trial.model else UndefinedError("there is no model: the predictions were made elsewhere")
    image = (trial.channels, trial.size, trial.size)
    result.add("parameters", {}, parameters, model)
    result.add("nonzero-parameters", {}, nonzero_parameters, model)
    result.add("flops", {}, flops, model, image)
    result.add("nonzero-flops", {}, nonzero_flops, model, image)
    result.add("bytes", {}, weight_bytes, model)
    result.add("disk-bytes", {}, float, trial.cost.get("bytes", UndefinedError("the model has no file")))
    for batch in batches:
        seconds = model if isinstance(model, UndefinedError) else timings(model, image, batch, repeats)
        result.add("latency", {"batch": str(batch)}, latency, seconds, note=_HERE)
        result.add("latency-iqr", {"batch": str(batch)}, latency_iqr, seconds, note=_HERE)
        result.add("throughput", {"batch": str(batch)}, throughput, seconds, batch, note=_HERE)
        result.add("throughput-iqr", {"batch": str(batch)}, throughput_iqr, seconds, batch, note=_HERE)
        result.add("inference-memory", {"batch": str(batch)}, inference_memory, model, image, batch, note=_HERE)
        result.add("energy-per-image", {"batch": str(batch)}, energy, model, image, batch, note=_HERE)
        if not isinstance(seconds, UndefinedError):
            result.figures["latency"][str(batch)] = plain(seconds, 9)
    for metric, name in (("train-seconds", "train-seconds"), ("peak-memory", "train-peak-memory")):
        known = trial.cost.get(name, UndefinedError("the training did not record it"))
        result.add(metric, {}, float, known, note=_HERE)
    return result
