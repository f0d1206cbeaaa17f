"""The subcommands and their exit codes: 0 done, 1 refused or not all is safe, 2 bad input, 3 no link."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from mobile_sync.link import Refused
from mobile_sync.proof import differences, journal
from mobile_sync.protocol import SyncProblem
from mobile_sync.sqlite_storage import StorageInUse
from mobile_sync.tool.device import (
    BadReceipt,
    NotEnrolled,
    ToolDevice,
    clock,
    enrol_with_code,
    enrol_with_token,
    opened,
)
from mobile_sync.tool.lines import BadLine, Recorder, records, results

DONE, REFUSED, BAD_INPUT, NO_LINK = 0, 1, 2, 3
Work = Callable[[ToolDevice, argparse.Namespace], int]


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """All of them, each with `--state`."""
    _add_enrol(commands)
    record = _add(commands, "record", "number and keep the ops of a JSON lines file", _record)
    record.add_argument("file", help="a file, or - for standard input")
    for name, what, work in (
        ("push", "send what waits", _push),
        ("pull", "fetch what is new", _pull),
        ("upload", "send the files the server lacks", _upload),
        ("sync", "push, pull and upload", _sync),
    ):
        _add(commands, name, what, work).add_argument("--limit", type=int, default=500, help="ops or changes a request")
    proof = _add(commands, "proof", "compare a day's counts with the centre's", _proof)
    proof.add_argument("--day", type=date.fromisoformat, help="as 2026-07-15; yesterday where none is named")
    _add_bundle(commands)
    _add(commands, "status", "counts, cursors, and whether it is safe to leave", _status)
    _add(
        commands,
        "results",
        "every op kept and its result, as JSON lines",
        lambda device, _: _out(results(device.tablet)),
    )
    _add(commands, "export", "every record as JSON lines", lambda device, _: _out(records(device.tablet)))


def _add_bundle(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    bundle = commands.add_parser("bundle", help="unsent work as a sealed file: make one, bring one, take its receipt")
    ways = bundle.add_subparsers(dest="way", required=True)
    export = _add(ways, "export", "seal what has not been sent", _export)
    export.add_argument("file", type=Path, help="the bundle to write")
    export.add_argument("--most-bytes", type=int, default=48_000_000, help="bytes of files that go along; 0: ops only")
    brought = _add(ways, "import", "deliver a bundle of this or another device", _import)
    brought.add_argument("file", type=Path)
    brought.add_argument("--receipt", type=Path, help="where the receipt goes")
    _add(ways, "receipt", "take the receipt of a bundle of this device", _receipt).add_argument("file", type=Path)


def _export(device: ToolDevice, wanted: argparse.Namespace) -> int:
    from mobile_sync.tool import bundles  # noqa: PLC0415 - the only part that needs `cryptography`

    return _out([bundles.export(device, wanted.file, wanted.most_bytes)])


def _import(device: ToolDevice, wanted: argparse.Namespace) -> int:
    told = device.link.deliver(wanted.file.read_bytes())
    if wanted.receipt is not None:
        wanted.receipt.write_text(told["receipt"], "ascii")
    return _out([told])


def _receipt(device: ToolDevice, wanted: argparse.Namespace) -> int:
    from mobile_sync.tool import bundles  # noqa: PLC0415 - as above

    bundles.take_receipt(device, wanted.file.read_text("ascii"))
    return _status(device, wanted)


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser], name: str, what: str, work: Work
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=what)
    parser.add_argument("--state", type=Path, required=True, help="the device's file")
    parser.set_defaults(run=lambda wanted: _guarded(lambda: _with_device(wanted, work)))
    return parser


def _with_device(wanted: argparse.Namespace, work: Work) -> int:
    with opened(wanted.state) as device:
        return work(device, wanted)


def _guarded(work: Callable[[], int]) -> int:
    """What can go wrong, in a line on standard error."""
    try:
        return work()
    except Refused as refused:
        return _failed(REFUSED, f"the server refused: {refused}")
    except SyncProblem as problem:
        return _failed(BAD_INPUT, f"no sound bundle: {problem.code}")
    except (BadLine, NotEnrolled, BadReceipt, StorageInUse, FileNotFoundError) as error:
        return _failed(BAD_INPUT, str(error))
    except OSError as error:
        return _failed(NO_LINK, f"no answer: {error}")


def _failed(code: int, why: str) -> int:
    sys.stderr.write(why + "\n")
    return code


def _add_enrol(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("enrol", help="sign in: with a token, or with login and code by a key of its own")
    parser.add_argument("--state", type=Path, required=True, help="the device's file")
    parser.add_argument("--server", required=True, help="https://host/sync/v1")
    parser.add_argument("--schema-version", type=int, default=1)
    parser.add_argument("--login", help="the password is read from MOBILE_SYNC_PASSWORD")
    parser.add_argument("--code", help="the enrolment code")
    parser.add_argument("--name", default="", help="the device's name")
    parser.set_defaults(run=lambda wanted: _guarded(lambda: _enrol(wanted)))


def _enrol(wanted: argparse.Namespace) -> int:
    if wanted.login is None:
        token = os.environ.get("MOBILE_SYNC_TOKEN", "")
        if not token:
            return _failed(BAD_INPUT, "either --login and --code, or a token in MOBILE_SYNC_TOKEN")
        return _out([enrol_with_token(wanted.state, wanted.server, token, wanted.schema_version)])
    password = os.environ.get("MOBILE_SYNC_PASSWORD", "")
    answers = {"login": wanted.login, "password": password, "code": wanted.code or "", "name": wanted.name}
    return _out([enrol_with_code(wanted.state, wanted.server, answers, wanted.schema_version)])


def _record(device: ToolDevice, wanted: argparse.Namespace) -> int:
    if wanted.file == "-":
        return _out(Recorder(device.tablet, Path.cwd()).record(sys.stdin))
    path = Path(wanted.file)
    with path.open(encoding="utf-8") as lines:
        return _out(Recorder(device.tablet, path.parent).record(lines))


def _push(device: ToolDevice, wanted: argparse.Namespace) -> int:
    device.tablet.push(limit=wanted.limit)
    return _status(device, wanted)


def _pull(device: ToolDevice, wanted: argparse.Namespace) -> int:
    device.tablet.pull(limit=wanted.limit)
    return _status(device, wanted)


def _upload(device: ToolDevice, wanted: argparse.Namespace) -> int:
    device.tablet.upload(device.link)
    return _status(device, wanted)


def _sync(device: ToolDevice, wanted: argparse.Namespace) -> int:
    device.tablet.sync(limit=wanted.limit)
    device.tablet.ask_again(limit=wanted.limit)
    device.tablet.upload(device.link)
    return _status(device, wanted)


def _proof(device: ToolDevice, wanted: argparse.Namespace) -> int:
    """0 when all of the day is at the centre."""
    day = wanted.day or (clock() - timedelta(days=1)).date()
    told = device.link.get(f"proof?day={day.isoformat()}")
    since, until = (datetime.fromisoformat(told[name]) for name in ("since", "until"))
    counted = journal(device.tablet.outbox.entries, device.tablet.kept.files, since, until)
    differ = differences(counted, told)
    _out(
        [
            {
                "day": told["day"],
                "ops": counted.ops.total(),
                "ops_waiting": counted.waiting,
                "files": counted.files_count,
                "files_waiting": len(counted.unsent),
                "differences": differ,
            }
        ]
    )
    return REFUSED if differ or counted.waiting or counted.unsent else DONE


def _status(device: ToolDevice, _wanted: argparse.Namespace) -> int:
    """0 when it is safe to leave."""
    tablet = device.tablet
    told = {
        "ops": dict(Counter(entry.stage.value for entry in tablet.outbox.entries)),
        "results": dict(Counter((entry.result or {}).get("status", "pending") for entry in tablet.outbox.entries)),
        "next_op_no": tablet.outbox.next_op_no,
        "records": len(tablet.replica.docs),
        "cursors": tablet.replica.cursors,
        "mismatched": sorted(tablet.replica.mismatched),
        "files": len(tablet.kept.files),
        "files_missing": sum(not file.verified for file in tablet.kept.files.values()),
        "server_at": tablet.kept.server_at,
        "safe_to_leave": tablet.safe_to_leave,
    }
    _out([told])
    return DONE if tablet.safe_to_leave else REFUSED


def _out(objects: Iterable[Mapping[str, Any]]) -> int:
    for one in objects:
        sys.stdout.write(json.dumps(one, ensure_ascii=False) + "\n")
    return DONE
