"""Where a study is tracked: the embedded SQLite database, or what `MLFLOW_TRACKING_URI` names."""

from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from assay.run.layout import Layout
from assay.run.lock import locked

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment

#: Set before MLflow is imported, unless the user has set them: no usage reports over the network, no links printed
#: to the terminal, and a server that does not answer costs seconds instead of minutes.
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}
_PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}


class Unreachable(Exception):  # noqa: N818 - a state of affairs, not a fault
    """The tracking server does not answer. The message says which and what to do."""


def tracking_uri(root: Path) -> str:
    """`MLFLOW_TRACKING_URI` if it is set, else the SQLite database in the results folder."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{root.resolve() / 'mlflow.db'}"


def short(uri: str) -> str:
    """A file name for a URI, which may hold a password."""
    return hashlib.sha256(uri.encode()).hexdigest()[:12]


def shown(uri: str) -> str:
    """A URI as a message may print it: without a password."""
    parts = urlsplit(uri)
    return uri.replace(f":{parts.password}@", ":***@") if parts.password else uri


def publisher_lock(root: Path, uri: str) -> Path:
    """The lock that whoever publishes from a results folder to a URI holds: one publisher at a time."""
    return Layout(root).private / f"track-{short(uri)}.lock"


def quiet() -> None:
    """Prepare MLflow's environment. Call before the first import of MLflow; values that the user set stay."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def server_errors() -> tuple[type[Exception], ...]:
    """What a server or a database that is out of order raises. Importing MLflow, it is for `except` clauses alone."""
    quiet()
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return Unreachable, MlflowException, SQLAlchemyError, OSError


def first_line(error: Exception) -> str:
    """An error as one line of at most 500 characters."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:500]


def connect(uri: str) -> MlflowClient:
    """A client for a URI. An SQLite database that does not exist is made first, whole or not at all.

    Raises:
        Unreachable: nothing listens there.
    """
    _probe(uri)
    quiet()
    from mlflow import MlflowClient

    database = sqlite_file(uri)
    if database is not None:
        _initialise(database)
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def sqlite_file(uri: str) -> Path | None:
    """The database file of an `sqlite:///` URI, or None for any other."""
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None


def _probe(uri: str) -> None:
    """Knock at a network address: MLflow's own retries would take minutes to give up."""
    parts = urlsplit(uri)
    port = parts.port or _PORTS.get(parts.scheme.partition("+")[0])
    if not parts.hostname or port is None:
        return
    try:
        socket.create_connection((parts.hostname, port), timeout=5).close()
    except OSError as error:
        raise Unreachable(
            f"MLflow at {shown(uri)} does not answer ({error.strerror or error}); nothing is lost, "
            "`snakemake track` brings it up to date once it does"
        ) from None


def _initialise(database: Path) -> None:
    """Make an MLflow database under a temporary name and move it into place.

    MLflow's own first use runs some sixty migrations on the file itself: eight processes at a time fail, and a process
    killed meanwhile leaves a database that no later one can open.
    """
    if database.exists():
        return
    with locked(database.with_name(f"{database.name}.lock"), keep=False):
        if database.exists():
            return
        for left in database.parent.glob(f".{database.name}.*.part*"):
            left.unlink()
        from mlflow import MlflowClient

        beside = database.with_name(f".{database.name}.{os.getpid()}.part")
        MlflowClient(tracking_uri=f"sqlite:///{beside}", registry_uri=f"sqlite:///{beside}").search_experiments()
        beside.replace(database)


def experiment(client: MlflowClient, root: Path, uri: str, name: str) -> Experiment:
    """The experiment of a study: found by name, made or restored when it is not there.

    An experiment belongs to one results folder (its tag `assay.root`). In the embedded database one that names another
    folder tells that the results were copied or moved: it is renamed out of the way, since its artifacts lie elsewhere,
    and the study is published afresh. On a server it is somebody else's: the study then takes a name of its own.
    """
    home = str(root.resolve())
    found = client.get_experiment_by_name(name)
    if found is not None and found.tags.get("assay.root", home) != home:
        if sqlite_file(uri) == root.resolve() / "mlflow.db":
            moved = f"{name} ({found.experiment_id}, of {found.tags['assay.root']})"
            client.rename_experiment(found.experiment_id, moved)
            found = None
        else:
            name = f"{name}-{hashlib.sha256(home.encode()).hexdigest()[:6]}"
            found = client.get_experiment_by_name(name)
    if found is None:
        tags = {"assay.root": home, "mlflow.experimentKind": "custom_model_development"}
        made = client.create_experiment(name, artifact_location=_artifact_location(root, uri, name), tags=tags)
        return client.get_experiment(made)
    if found.lifecycle_stage != "active":
        client.restore_experiment(found.experiment_id)
    if "assay.root" not in found.tags:
        client.set_experiment_tag(found.experiment_id, "assay.root", home)
    return found


def _artifact_location(root: Path, uri: str, name: str) -> str | None:
    """A database has no artifact store of its own: artifacts go to the results folder. A server knows better."""
    scheme: Any = urlsplit(uri).scheme.partition("+")[0]
    if scheme in ("sqlite", "postgresql", "mysql", "mssql"):
        return str(root.resolve() / "mlflow-artifacts" / name)
    return None
