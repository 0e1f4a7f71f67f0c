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
from typing import Literal, TypeAlias

from crypto.codes import Code
from federation import files
from federation.addresses import Address
from federation.coordinator.home import CoordinatorHome, FederationSettings
from federation.errors import UsageError
from federation.ids import PartyId, party_id
from federation.plan import Plan
from federation.tables import Alignment, Model, PlanParty
from parties.dataset import ColumnRules, DatasetConfig, infer, load_config
from parties.dataset.config import FIELDS
from parties.four_flows import Settings, generate
from parties.home import PartyHome
from parties.sandbox import granting

#: The models that a vertical plan trains.
ModelKind: TypeAlias = Literal["logistic", "scorecard", "boosting"]

_MARKER = ".isthmus-sandbox"
_ENDINGS = (".csv.gz", ".csv", ".parquet")


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A federation in `folder`, ready to be started."""

    folder: Path
    coordinator: CoordinatorHome
    parties: Mapping[PartyId, PartyHome]
    plan: Plan
    generated: bool = False  # no figure says anything about real firms
    told: tuple[str, ...] = ()  # what people should know of how it was made

    @property
    def label(self) -> PartyId:
        """The one party with the label in a vertical plan."""
        return next(PartyId(name) for name, party in self.plan.parties.items() if party.role == "label")

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
                code=Code.FOLDER_TAKEN,
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
    tables, others = tables_in(data)
    if config is not None:
        found = load_config(config, tables)
        sentences: tuple[str, ...] = (f"Read {config.name}.",)
    else:
        found, sentences = infer(tables)
    datasets = {PartyId(name): replace(dataset, name="data", party=name) for name, dataset in found.items()}
    for dataset in datasets.values():
        _check_header(dataset)
    return datasets, (*sentences, *told_of(others))


def tables_in(data: Path) -> tuple[dict[str, Path], list[str]]:
    """The tables in a folder by their party, and the names of what else is there to be seen."""
    if not data.is_dir():
        raise UsageError(
            "there is no such folder",
            file=str(data),
            advice="Name a folder with --data.",
            code=Code.TABLE_MISSING,
        )
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
    return tables, visible


def told_of(others: list[str]) -> tuple[str, ...]:
    """The sentence on what lies beside the tables, if anything does."""
    return (f"Left alone, as no party's table: {', '.join(others)}.",) if others else ()


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
    present = dataset.present()
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
    plan: Plan,
    gate: Address,
    exchange: Address,
    now: dt.datetime,
    *,
    generated: bool = False,
) -> Sandbox:
    """Coordinator, parties, admissions, pins, plan, manifests, grants, with the same files as in earnest."""
    manifests = granting.drafts(datasets, plan, now)
    kept = granting.held_back(manifests, plan)
    told = granting.sentences(kept, datasets, plan)
    datasets = {name: granting.without(dataset, kept[name]) for name, dataset in datasets.items()}
    for dataset in datasets.values():
        _check_header(dataset)
    manifests, beyond = granting.permitted(manifests, datasets, plan)
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
    plan_file = folder / "plan.toml"
    files.write(plan_file, plan_toml(plan).encode())
    granting.grant_all(homes, manifests, plan, plan_file)
    return Sandbox(folder, coordinator, homes, plan, generated, (*told, *beyond))


def vertical_plan(datasets: Mapping[PartyId, DatasetConfig], kind: ModelKind = "logistic") -> Plan:
    """The plan of the main job: other columns of the same firms, the label where a dataset names one."""
    label = next(name for name, dataset in datasets.items() if dataset.label is not None)
    return Plan(
        name="sandbox",
        purpose="credit-scoring",
        parties={name: PlanParty(role="label" if name == label else "feature") for name in datasets},
        alignment=Alignment(minimum_intersection=200),
        model=Model(kind=kind),
    )


def _party_toml(name: str, dataset: DatasetConfig) -> str:
    """party.toml of a party with one dataset: every field that says something."""
    said = {
        field: value
        for field in FIELDS
        if (value := getattr(dataset, field)) not in (None, ()) and value != {}
    }
    table = f"datasets.{_toml(dataset.name)}"
    lines = [f'name = "{name}"', "", f"[{table}]", f"file = {_toml(str(dataset.path))}"]
    lines += [
        f"{field} = {_toml(list(value) if isinstance(value, tuple) else value)}"
        for field, value in said.items()
        if field not in ("file", "units", "columns") and value not in (None, ())
    ]
    if dataset.share_points:
        lines.append("share_points = true")
    if dataset.units:
        lines += [f"[{table}.units]", *_pairs(dataset.units)]
    for column, rules in dataset.columns.items():
        lines += [f"[{table}.columns.{_toml(column)}]", *_rule_lines(rules)]
    return "\n".join(lines) + "\n"


def _rule_lines(rules: ColumnRules) -> list[str]:
    lists = {
        "special": list(rules.special),
        "splits": list(rules.splits),
        "groups": [*map(list, rules.groups)],
    }
    lines = [f"{name} = {_toml(value)}" for name, value in lists.items() if value]
    lines.append(f"trend = {_toml(rules.trend)}")
    if rules.reason:
        lines.append(f"reason = {{ {', '.join(_pairs(rules.reason))} }}")
    return lines


def _pairs(table: Mapping[str, str]) -> list[str]:
    return [f"{_toml(key)} = {_toml(value)}" for key, value in table.items()]


def plan_toml(plan: Plan) -> str:
    """A plan file that says what is not a default, for people to read and to launch again."""
    fields = plan.model_dump(exclude_defaults=True)
    tables = {name: fields.pop(name) for name in list(fields) if isinstance(fields[name], dict)}
    lines = [f"{name} = {_toml(value)}" for name, value in fields.items()]
    for name, table in tables.items():
        nested = {key: value for key, value in table.items() if isinstance(value, dict)}
        plain = {key: value for key, value in table.items() if key not in nested}
        if plain:
            lines += ["", f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in plain.items())]
        for key, inner in nested.items():
            bare = key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _toml(key)
            lines += ["", f"[{name}.{bare}]", *(f"{each} = {_toml(inner[each])}" for each in inner)]
    return "\n".join(lines) + "\n"


def _toml(value: object) -> str:
    """A text, number, truth value or list in TOML, whose notation of these is JSON's."""
    return json.dumps(value, ensure_ascii=False)
