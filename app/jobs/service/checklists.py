"""Checklists: forms are published, answers are checked one by one."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from app.jobs import queries, rules
from app.jobs.errors import BadAnswer, BadForm, NotYourJob
from app.jobs.models import Form, FormRecord, Job, JobKind
from app.jobs.service.timeline import note_event
from app.kernel.actor import Permission
from app.kernel.problems import FieldError
from app.kernel.unit_of_work import UnitOfWork
from mobile_sync.collection import Policy


def publish_form(uow: UnitOfWork, *, document: dict[str, Any]) -> Form:
    """Publish a checklist: `code`, `version`, `kind`, `title`, `schema` (JSON Schema 2020-12), `required`, slots.

    Raises:
        Forbidden: only administrators and the system publish forms.
        BadForm: a member is missing, the schema is not valid, or something required is not in it.
        FormPublished: this version is out already (constraint).
    """
    _may_publish(uow)
    _check_document(document)
    form = Form(
        code=document["code"],
        version=document["version"],
        id=uow.new_id(),
        job_kind=JobKind(document["kind"]),
        document=document,
        published_at=uow.now,
    )
    uow.session.add(form)
    uow.session.flush()  # the constraint must say FormPublished here
    return form


def answer(uow: UnitOfWork, *, record: FormRecord, item: str, value: Any) -> FormRecord:
    """Write one answer of a job's checklist; None clears it.

    Raises:
        NotYourJob: the actor is not in the crew that holds the job, and is no dispatcher.
        JobClosed: the job is completed or cancelled.
        BadAnswer: the form has no such item (`unknown_field`), or the value does not fit its schema.
    """
    job = queries.get_job(uow.session, uow.actor, record.job_id)
    _may_answer(uow, job)
    return _put(uow, job, record, item, value)


def correct_answer(uow: UnitOfWork, *, record: FormRecord, item: str, value: Any) -> FormRecord:
    """Settle an answer on which two disagree, also after the job was closed. Who may decide it is the caller's to say.

    Raises:
        NotFound: the job is not the actor's to see.
        BadAnswer: as in `answer`.
    """
    job = queries.get_job(uow.session, uow.actor, record.job_id)
    return _put(uow, job, record, item, value)


def _put(uow: UnitOfWork, job: Job, record: FormRecord, item: str, value: Any) -> FormRecord:
    if value is not None or record.answers.get(item) is None:
        form = queries.form_of(uow.session, code=record.form_code, version=record.form_version)
        _check_answer(form, item, value)
    if record.answers.get(item) != value or type(record.answers.get(item)) is not type(value):
        # a new dict, because the column does not see changes inside the old one
        record.answers = {name: kept for name, kept in {**record.answers, item: value}.items() if kept is not None}
        note_event(uow, job, "answered", item=item)
        uow.session.flush()  # the answer to the door shows the new revision
    return record


def _may_publish(uow: UnitOfWork) -> None:
    if not uow.actor.everything:
        uow.actor.must_somewhere(Permission.MANAGE_PEOPLE)


def _may_answer(uow: UnitOfWork, job: Job) -> None:
    if not queries.hands_of(uow.session, uow.actor, job):
        raise NotYourJob
    rules.check_open(job.state)


def _check_answer(form: Form, item: str, value: Any) -> None:
    schema = form.document["schema"]["properties"].get(item)
    if schema is None:
        raise BadAnswer(FieldError(f"answers.{item}", "unknown_field"))
    if value is None:
        return
    if not _storable(value):
        raise BadAnswer(FieldError(f"answers.{item}", "unstorable"))
    wrong = next(_validator(json.dumps(schema, sort_keys=True)).iter_errors(value), None)
    if wrong is not None:
        reason = _REASONS.get(str(wrong.validator), "invalid")
        raise BadAnswer(FieldError(f"answers.{item}", reason, {str(wrong.validator): wrong.validator_value}))


# The house's reason codes for what JSON Schema calls by its keyword.
_REASONS = {
    "enum": "choice",
    "const": "must_be_true",
    "maxLength": "too_long",
    "minLength": "too_short",
    "maximum": "out_of_range",
    "minimum": "out_of_range",
}


def _storable(value: Any) -> bool:
    """PostgreSQL's JSON holds neither NUL, nor half of a surrogate pair, nor a number that is none."""
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()
    except ValueError:
        return False
    return "\\u0000" not in text.replace("\\\\", "")  # a backslash that was typed is no escape


@lru_cache(maxsize=512)
def _validator(schema: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(schema))


# A state machine's steps are not an answer's to have.
_POLICIES = frozenset(policy.value for policy in Policy) - {Policy.STATE_MACHINE.value}


def _unpoliced(schema: dict[str, Any]) -> list[str]:
    """Questions with a word for a policy that there is not."""
    questions = schema.get("properties", {}).items()
    return [item for item, question in questions if question.get("x-policy", Policy.HUMAN) not in _POLICIES]


_MEMBERS = {"code": str, "version": int, "kind": str, "title": dict, "schema": dict, "required": list}


def _check_document(document: dict[str, Any]) -> None:
    wrong = [name for name, kind in _MEMBERS.items() if not isinstance(document.get(name), kind)]
    if wrong:
        raise BadForm(*(FieldError(name, "required") for name in wrong))
    if document["kind"] not in set(JobKind):
        raise BadForm(FieldError("kind", "choice"))
    try:
        Draft202012Validator.check_schema(document["schema"])
    except SchemaError as error:
        raise BadForm(FieldError("schema", "invalid", {"detail": error.message})) from error
    strange = [f"schema.properties.{item}.x-policy" for item in _unpoliced(document["schema"])]
    if strange:
        raise BadForm(*(FieldError(name, "choice", {"choices": sorted(_POLICIES)}) for name in strange))
    unknown = [name for name in document["required"] if name not in document["schema"].get("properties", {})]
    if unknown:
        raise BadForm(*(FieldError(f"required.{name}", "unknown_field") for name in unknown))
