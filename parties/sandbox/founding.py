"""Making a federation with all its parties in one folder: the steps that people take apart, in one go."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from federation import files
from federation.addresses import Address
from federation.coordinator.home import CoordinatorHome, FederationSettings
from federation.errors import UsageError
from federation.ids import PartyId, party_id
from federation.plan import Plan
from federation.tables import Alignment, PlanParty
from parties.connectors import columns
from parties.dataset import DatasetConfig, infer, load_config
from parties.four_flows import Settings, generate
from parties.home import PartyHome

_MARKER = ".isthmus-sandbox"
_ENDINGS = (".csv.gz", ".csv", ".parquet")


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A federation in `folder`, ready to be started."""

    folder: Path
    coordinator: CoordinatorHome
    parties: Mapping[PartyId, PartyHome]
    label: PartyId
    plan: Plan
    sentences: tuple[str, ...]  # what was inferred or generated, for people
    generated: bool = False  # no figure says anything about real firms

    @property
    def report_file(self) -> Path:
        """Where the report is written."""
        return self.folder / "report.html"


def clear(folder: Path, *keep: Path | None) -> None:
    """Make `folder` empty if an earlier sandbox is in it; refuse to touch anything else.

    Call it after the rest was checked: a refused demo leaves the earlier one as it was. `keep` are files
    and folders that are read: where one of them lies in `folder`, nothing is removed.
    """
    if any(path is not None and path.resolve().is_relative_to(folder.resolve()) for path in keep):
        raise UsageError(
            "the demo reads a file from this folder, which it would empty first",
            file=str(folder),
            advice="Name another folder with --out.",
        )
    if folder.exists() and any(folder.iterdir()):
        if not (folder / _MARKER).exists():
            raise UsageError(
                "this folder holds something else",
                file=str(folder),
                advice="Name an empty or new folder with --out.",
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files.write(folder / _MARKER, b"")


def generated(folder: Path, settings: Settings) -> tuple[dict[PartyId, DatasetConfig], tuple[str, ...]]:
    """Generate firms and put each party's table into its own folder; the truth lies apart from all."""
    source = folder / "generated"
    written = generate(settings).write(source)
    datasets = {}
    for name in ("bank", "platform", "public"):
        home = folder / "parties" / name
        home.mkdir(parents=True, exist_ok=True)
        target = home / written[name].name
        written[name].replace(target)
        datasets[PartyId(name)] = DatasetConfig(
            name="data",
            file=target,
            key="uscc",
            key_type="uscc",
            label="default_12m" if name == "bank" else None,
            size="loan_amount" if name == "bank" else None,
            party=name,
        )
    told = (
        f"Generated {settings.firms:,} firms, seed {settings.seed}, as a bank, an industrial platform and a "
    )
    return datasets, (told + "public-data holder see them.",)


def given(data: Path, config: Path | None) -> tuple[dict[PartyId, DatasetConfig], tuple[str, ...]]:
    """The user's own files, one a party; their configuration inferred, or read from `config`."""
    if not data.is_dir():
        raise UsageError("there is no such folder", file=str(data), advice="Name a folder with --data.")
    tables: dict[str, Path] = {}
    others: list[str] = []
    for path in sorted(data.iterdir()):
        ending = next((ending for ending in _ENDINGS if path.name.lower().endswith(ending)), None)
        if ending is None or not path.is_file():
            others.append(path.name)
            continue
        name = _party_of(path, ending)
        if name in tables:
            raise UsageError(
                f"there are two tables for {name}", party=name, file=str(data), advice="Keep one of them."
            )
        tables[name] = path.resolve()
    visible = [name for name in others if not name.startswith(".")]
    if len(tables) < 2:
        beside = f", beside {', '.join(visible)}" if visible else ""
        raise UsageError(
            f"{_tables(len(tables))} here{beside}; a federation needs two at least",
            file=str(data),
            advice="Put one PARTY.csv, PARTY.csv.gz or PARTY.parquet there for each party.",
        )
    if config is not None:
        found = load_config(config, tables)
        sentences: tuple[str, ...] = (f"Read {config.name}.",)
    else:
        found, sentences = infer(tables)
    datasets = {PartyId(name): replace(dataset, name="data", party=name) for name, dataset in found.items()}
    for dataset in datasets.values():
        _check_header(dataset)
    if visible:
        sentences += (f"Left alone, as no party's table: {', '.join(visible)}.",)
    return datasets, sentences


def _tables(count: int) -> str:
    return {0: "no table is", 1: "one table is"}.get(count, f"{count} tables are")


def _party_of(path: Path, ending: str) -> PartyId:
    """The party whose table `path` is, from its name. Raises `UsageError` that suggests another name."""
    stem = path.name[: -len(ending)]
    try:
        return party_id(stem)
    except UsageError as error:
        error.file = str(path)
        suggested = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")
        with contextlib.suppress(UsageError):
            error.advice += f" Rename the file, for instance {party_id(suggested)}{ending}."
        raise


def _check_header(dataset: DatasetConfig) -> None:
    """Refuse before any process starts what a round would refuse after the alignment."""
    present = columns(dataset.file)
    dataset.check_columns(present)
    if not dataset.feature_columns(present):
        raise dataset.error(
            "no column is left as a feature",
            advice="Every party needs a column besides key, label, group and those excluded; "
            "leave its file out, or exclude less.",
        )


def found(
    folder: Path,
    datasets: Mapping[PartyId, DatasetConfig],
    sentences: tuple[str, ...],
    gate: Address,
    exchange: Address,
    now: dt.datetime,
    *,
    generated: bool = False,
) -> Sandbox:
    """Coordinator, parties, admissions, pins and a plan, with the same files as in earnest."""
    coordinator = CoordinatorHome.create(
        folder / "federation", FederationSettings("sandbox", gate, exchange), now
    )
    homes = {}
    for name, dataset in datasets.items():
        home = PartyHome.create(folder / "parties" / name, name)
        files.write(home.config_file, _party_toml(name, dataset).encode())
        home.accept(coordinator.admit(home.request(), now), now)
        homes[name] = home
    for name, home in homes.items():
        for partner, other in homes.items():
            if partner != name:
                home.pin(partner, other.identity().public.fingerprint)
    label = next(name for name, dataset in datasets.items() if dataset.label is not None)
    plan = Plan(
        name="sandbox",
        purpose="credit-scoring",
        parties={name: PlanParty(role="label" if name == label else "feature") for name in datasets},
        alignment=Alignment(minimum_intersection=200),
    )
    files.write(folder / "plan.toml", _plan_toml(plan).encode())
    return Sandbox(folder, coordinator, homes, label, plan, sentences, generated)


def _party_toml(name: str, dataset: DatasetConfig) -> str:
    lines = [f'name = "{name}"', "", "[datasets.data]"]
    for key in ("key", "key_type", "label", "group", "size"):
        if (value := getattr(dataset, key)) is not None:
            lines.append(f"{key} = {json.dumps(value, ensure_ascii=False)}")
    lines.append(f"file = {json.dumps(str(dataset.file), ensure_ascii=False)}")
    for key in ("exclude", "categorical"):
        if value := getattr(dataset, key):
            lines.append(f"{key} = {json.dumps(list(value), ensure_ascii=False)}")
    lines.append(f"max_levels = {dataset.max_levels}")
    if dataset.units:
        lines.append("[datasets.data.units]")
        lines += [f"{json.dumps(column)} = {json.dumps(unit)}" for column, unit in dataset.units.items()]
    return "\n".join(lines) + "\n"


def _plan_toml(plan: Plan) -> str:
    lines = [f'name = "{plan.name}"', f'purpose = "{plan.purpose}"']
    for name, party in plan.parties.items():
        lines += ["", f"[parties.{name}]", f'role = "{party.role}"', f'dataset = "{party.dataset}"']
    lines += ["", "[alignment]", f"minimum_intersection = {plan.alignment.minimum_intersection}"]
    return "\n".join(lines) + "\n"
