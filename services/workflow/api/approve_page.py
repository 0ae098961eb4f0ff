"""The page behind an approval link: made here, works without scripts, and keeps nothing in the browser.

The address is the only thing that opens it: no cookie goes along that another site could make use of, and what a
browser says was sent from another site is refused all the same.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, TypeVar

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import Response

from services.workflow.api.approvals import Token
from services.workflow.approvals import Approval, ApprovalCommentIn, ApprovalDecisionIn, Holder, holder
from shared.decider import DomainError, Forbidden, Invalid
from shared.http.errors import to_problem
from shared.http.problem import Problem
from shared.kit import kit_of

router = APIRouter(prefix="/approve", include_in_schema=False)

_PAGES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parents[1] / "pages"), autoescape=True, undefined=StrictUndefined
)
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_DONE: Final = {
    "accept": "Accepted. Thank you.",
    "reject": "Rejected. Thank you.",
    "comment": "Your comment was passed on.",
}
_FIELDS: Final = 20

_Form = TypeVar("_Form", bound=BaseModel)


@router.get("/{token}")
async def page(token: Token, request: Request, done: str = "") -> Response:
    """The drafts with their counters, and forms to accept, reject and comment."""
    try:
        found = await holder(kit_of(request), token)
        return _rendered(await found.look(), notice=_DONE.get(done, ""))
    except (DomainError, Problem) as refusal:
        return _refused(refusal, request)


@router.post("/{token}")
async def act(token: Token, request: Request) -> Response:
    """What one of the forms says; then the page again."""
    try:
        _from_this_site(request)
        found = await holder(kit_of(request), token)
    except (DomainError, Problem) as refusal:
        return _refused(refusal, request)
    try:
        action = await _carry_out(found, await _form(request))
    except (DomainError, Problem) as refusal:
        problem = to_problem(refusal, request.scope)
        try:
            return _rendered(await found.look(), warning=problem.detail, status=problem.status)
        except (DomainError, Problem) as second:
            return _refused(second, request)
    return RedirectResponse(f"/approve/{token}?done={action}", status_code=303, headers=_HEADERS)


async def _carry_out(found: Holder, form: FormData) -> str:
    said = {name: value for name, value in form.items() if isinstance(value, str) and value.strip()}
    text, action = said.get("text"), said.get("action", "")
    on = {"platform": said.get("platform"), "draft_id": said.get("draft_id")}
    match action:
        case "accept":
            await found.decide(_read(ApprovalDecisionIn, **on, action=action))
        case "reject":
            again = said.get("regenerate") == "yes"
            await found.decide(_read(ApprovalDecisionIn, **on, action=action, feedback=text, regenerate=again))
        case "comment":
            if text is None:
                raise Invalid("The comment is empty; write what you think of the draft.")
            await found.comment(_read(ApprovalCommentIn, **on, body=text, name=said.get("name")))
        case _:
            raise Invalid("Use one of the buttons of the page.")
    return action


def _read(model: type[_Form], **fields: Any) -> _Form:
    try:
        return model(**fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise Invalid(f"{where or 'The form'}: {first['msg']}. Correct it and send it again.") from None


async def _form(request: Request) -> FormData:
    try:
        return await request.form(max_files=0, max_fields=_FIELDS)
    except HTTPException:
        raise Invalid("The form could not be read; open the link again and use its buttons.") from None


def _from_this_site(request: Request) -> None:
    """Raises Forbidden for a form that another site's page sent."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden("This form was sent from another site; open the link itself and decide there.")


def _rendered(approval: Approval, *, notice: str = "", warning: str = "", status: int = 200) -> Response:
    template = _PAGES.get_template("approve.html")
    return HTMLResponse(template.render(approval=approval, notice=notice, warning=warning), status, headers=_HEADERS)


def _refused(refusal: Exception, request: Request) -> Response:
    problem = to_problem(refusal, request.scope)
    body = _PAGES.get_template("refused.html").render(title=problem.title, detail=problem.detail)
    return HTMLResponse(body, problem.status, headers={**_HEADERS, **problem.headers})
