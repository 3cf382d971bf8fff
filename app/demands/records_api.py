"""Routes for what is recorded of a demand: changes, updates, responses, readings, steps, citations, ties, story."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response, status

from app.accounts.current import CurrentActor, CurrentCampaigner, CurrentEditor, Db
from app.accounts.idempotency import OnceOnly
from app.demands import (
    citing,
    history,
    naming,
    queries,
    recording,
    records,
    redacting,
    relating,
    status_changes,
    verifying,
)
from app.demands.api import DemandRef
from app.demands.reads import (
    CitationRead,
    HistoryEntry,
    MilestoneRead,
    ReadingRead,
    RedactionRead,
    RelationRead,
    ResponseRead,
    StatusChangeRead,
    UpdateRead,
)
from app.demands.schemas import (
    DemandCitationNew,
    MilestoneNew,
    MilestoneRevision,
    ReadingNew,
    RedactionNew,
    RelationNew,
    ResponseNew,
    StatusChangeNew,
    UpdateNew,
    VerificationNew,
)
from app.documenting import announced
from app.etags import IfMatch
from app.paging import Page, PageQuery, link_next
from app.problems import NotFound

router = APIRouter(tags=["records of a demand"])
Paged = Annotated[PageQuery, Query()]
CREATED = status.HTTP_201_CREATED


@router.get("/demands/{ref}/status-changes")
def list_status_changes(
    database: Db, actor: CurrentActor, ref: DemandRef, query: Paged, request: Request, response: Response
) -> Page[StatusChangeRead]:
    """Newest first."""
    with database.read() as session:
        page = records.list_status_changes(session, actor, ref, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post(
    "/demands/{ref}/status-changes",
    status_code=CREATED,
    response_model=StatusChangeRead,
    responses=announced(status_changes.ForbiddenMove, status_changes.MissingEvidence, relating.CircularRelation),
)
def change_status(
    actor: CurrentCampaigner, ref: DemandRef, new: StatusChangeNew, once: OnceOnly, if_match: IfMatch = None
) -> Response:
    """Record what happened, with evidence; a refusal says which moves are allowed."""
    return once.create(lambda session: status_changes.change_status(session, actor, ref, new, if_match))


@router.put("/status-changes/{change_id}/verification", responses=announced(verifying.NotVerifiable))
def verify_status_change(
    database: Db, actor: CurrentEditor, change_id: uuid.UUID, word: VerificationNew | None = None
) -> StatusChangeRead:
    """A second person's confirmation of `met` or `reversed`.

    Keys that belong to nobody count as different people only by key, and verify nothing that a person recorded.
    """
    with database.write() as session:
        return verifying.verify(session, actor, change_id)


@router.get("/demands/{ref}/updates")
def list_updates(
    database: Db, actor: CurrentActor, ref: DemandRef, query: Paged, request: Request, response: Response
) -> Page[UpdateRead]:
    with database.read() as session:
        page = records.list_updates(session, actor, ref, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post("/demands/{ref}/updates", status_code=CREATED, response_model=UpdateRead)
def add_update(actor: CurrentCampaigner, ref: DemandRef, new: UpdateNew, once: OnceOnly) -> Response:
    """A dated note of progress that changes no status."""
    return once.create(lambda session: recording.add_update(session, actor, ref, new))


@router.get("/demands/{ref}/responses")
def list_responses(
    database: Db, actor: CurrentActor, ref: DemandRef, query: Paged, request: Request, response: Response
) -> Page[ResponseRead]:
    with database.read() as session:
        page = records.list_responses(session, actor, ref, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post("/demands/{ref}/responses", status_code=CREATED, response_model=ResponseRead)
def record_response(actor: CurrentCampaigner, ref: DemandRef, new: ResponseNew, once: OnceOnly) -> Response:
    """What a target said, as against what was done; the newest stands as its response."""
    return once.create(lambda session: recording.record_response(session, actor, ref, new))


@router.get("/demands/{ref}/readings")
def list_readings(
    database: Db, actor: CurrentActor, ref: DemandRef, query: Paged, request: Request, response: Response
) -> Page[ReadingRead]:
    with database.read() as session:
        page = records.list_readings(session, actor, ref, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post("/demands/{ref}/readings", status_code=CREATED, response_model=ReadingRead)
def take_reading(actor: CurrentCampaigner, ref: DemandRef, new: ReadingNew, once: OnceOnly) -> Response:
    """A dated value of the demand's indicator."""
    return once.create(lambda session: recording.take_reading(session, actor, ref, new))


@router.get("/demands/{ref}/milestones")
def list_milestones(
    database: Db, actor: CurrentActor, ref: DemandRef, query: Paged, request: Request, response: Response
) -> Page[MilestoneRead]:
    with database.read() as session:
        page = records.list_milestones(session, actor, ref, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post("/demands/{ref}/milestones", status_code=CREATED, response_model=MilestoneRead)
def plan_milestone(actor: CurrentCampaigner, ref: DemandRef, new: MilestoneNew, once: OnceOnly) -> Response:
    return once.create(lambda session: recording.plan_milestone(session, actor, ref, new))


@router.patch("/demands/{ref}/milestones/{milestone_id}")
def revise_milestone(
    database: Db, actor: CurrentCampaigner, ref: DemandRef, milestone_id: uuid.UUID, revision: MilestoneRevision
) -> MilestoneRead:
    with database.write() as session:
        return recording.revise_milestone(session, actor, ref, milestone_id, revision)


@router.get("/demands/{ref}/citations")
def list_citations(
    database: Db, actor: CurrentActor, ref: DemandRef, query: Paged, request: Request, response: Response
) -> Page[CitationRead]:
    """Everything cited for the demand and for what was recorded of it, oldest first."""
    with database.read() as session:
        page = records.list_citations(session, actor, ref, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post("/demands/{ref}/citations", status_code=CREATED, response_model=CitationRead)
def cite(actor: CurrentCampaigner, ref: DemandRef, new: DemandCitationNew, once: OnceOnly) -> Response:
    """Evidence for the demand or for one of its status changes; a contradicting one marks it disputed."""
    return once.create(lambda session: citing.cite(session, actor, ref, new))


@router.get("/demands/{ref}/relations")
def list_relations(
    database: Db, actor: CurrentActor, ref: DemandRef, query: Paged, request: Request, response: Response
) -> Page[RelationRead]:
    """Both directions, told from this demand's end."""
    with database.read() as session:
        page = records.list_relations(session, actor, ref, query)
    link_next(request, response, page.next_cursor)
    return page


@router.post(
    "/demands/{ref}/relations",
    status_code=CREATED,
    response_model=RelationRead,
    responses=announced(relating.CircularRelation, relating.RelationExists),
)
def relate(actor: CurrentCampaigner, ref: DemandRef, new: RelationNew, once: OnceOnly) -> Response:
    """Changes what both demands show."""
    return once.create(lambda session: relating.relate(session, actor, ref, new))


@router.delete(
    "/demands/{ref}/relations/{relation_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=announced(relating.RelationNeeded),
)
def unrelate(database: Db, actor: CurrentCampaigner, ref: DemandRef, relation_id: uuid.UUID) -> None:
    """Take a tie back, at both ends; not while one of the demands stands superseded by it."""
    with database.write() as session:
        relating.unrelate(session, actor, ref, relation_id)


@router.post(
    "/redactions",
    status_code=CREATED,
    response_model=RedactionRead,
    responses=announced(NotFound, redacting.ReachesTooFar, naming.StandsInAName),
)
def redact(database: Db, actor: CurrentEditor, new: RedactionNew, once: OnceOnly) -> Response:
    """Take words out of every text and every earlier entry of the ledger, for good."""
    answer = once.create(lambda session: redacting.redact(session, actor, new))
    database.forget_log()
    return answer


@router.get("/demands/{ref}/history")
def read_history(
    database: Db, actor: CurrentActor, ref: DemandRef, query: Paged, request: Request, response: Response
) -> Page[HistoryEntry]:
    """Everything that happened to the demand, newest first."""
    with database.read() as session:
        page = history.list_history(session, actor, queries.get_demand(session, actor, ref), query)
    link_next(request, response, page.next_cursor)
    return page
