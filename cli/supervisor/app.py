"""The pages over HTTP: GET and HEAD, no parameters, no state, nothing that a reader could change."""

from __future__ import annotations

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, HTTPException, Path, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException as AnyHTTPException

from cli.supervisor.facts import RunFacts, Shown, Unread
from cli.supervisor.pages import Pages, policy
from cli.supervisor.shelf import Shelf
from cli.supervisor.words import LANGUAGES, Language
from crypto.errors import IsthmusError

_READING = ["GET", "HEAD"]
#: A run's key and a role, as they may stand in an address.
_Key = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,90}$")]
_Role = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,63}$")]


def app(shelf: Shelf, language: Language, names: frozenset[str]) -> FastAPI:
    """The ASGI app. `language`: of the address "/". `names`: the hosts that requests may be for.

    A page of another site that a browser has been made to think is on this machine asks for another host.
    """
    found = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    found.state.shelf, found.state.language = shelf, language
    found.include_router(_ROUTES)
    found.middleware("http")(_guarded(names, language))
    found.add_exception_handler(AnyHTTPException, _refused)
    found.add_exception_handler(RequestValidationError, _not_found)
    return found


def _shown(request: Request) -> Shown:
    shelf: Shelf = request.app.state.shelf
    return shelf.look()


_OnShelf = Annotated[Shown, Depends(_shown)]


def _run(key: _Key, shown: _OnShelf) -> RunFacts:
    run = shown.run(key)
    if run is None:
        raise HTTPException(404)
    return run


_OfRun = Annotated[RunFacts, Depends(_run)]
_ROUTES = APIRouter()


@_ROUTES.api_route("/", methods=_READING)
def root(request: Request) -> Response:
    """To the overview."""
    return RedirectResponse(f"/{request.app.state.language}/", 307)


@_ROUTES.api_route("/{tongue}", methods=_READING)
def begun(tongue: Language) -> Response:
    """To the overview in that language."""
    return RedirectResponse(f"/{tongue}/", 307)


@_ROUTES.api_route("/{tongue}/", methods=_READING)
def overview(tongue: Language, shown: _OnShelf) -> Response:
    """All runs and packs."""
    return HTMLResponse(_pages(tongue).overview(shown))


@_ROUTES.api_route("/{tongue}/runs/{key}", methods=_READING)
def one(tongue: Language, run: _OfRun) -> Response:
    """One run."""
    return HTMLResponse(_pages(tongue).run(run))


@_ROUTES.api_route("/{tongue}/runs/{key}/borders", methods=_READING)
def borders(tongue: Language, run: _OfRun) -> Response:
    """The borders that it crossed."""
    return HTMLResponse(_pages(tongue).borders(run))


@_ROUTES.api_route("/{tongue}/runs/{key}/timeline", methods=_READING)
def timeline(tongue: Language, run: _OfRun) -> Response:
    """What happened in it, by time."""
    return HTMLResponse(_pages(tongue).timeline(run))


@_ROUTES.api_route("/{tongue}/runs/{key}/roles/{role}", methods=_READING)
def party(tongue: Language, run: _OfRun, role: _Role) -> Response:
    """One role of it."""
    if run.pack(role) is None:
        raise HTTPException(404)
    return HTMLResponse(_pages(tongue).party(run, role))


def headers() -> dict[str, str]:
    """What every answer carries."""
    return {
        "Content-Security-Policy": policy(in_header=True),
        "Cache-Control": "no-store",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }


Handler = Callable[[Request], Awaitable[Response]]


def _guarded(names: frozenset[str], language: Language) -> Callable[[Request, Handler], Awaitable[Response]]:
    """Refuse what is no reading of a page here, whatever its address; and let no trace out."""
    said = headers()

    async def guarded(request: Request, answer: Handler) -> Response:
        tongue = _language(request, language)
        if request.method not in _READING:
            response = _error(tongue, 405)
            response.headers["Allow"] = ", ".join(_READING)
        elif _host(request) not in names or request.url.query or len(request.url.path) > 400:
            response = _error(tongue, 400)
        else:
            response = await _answered(request, answer, tongue)
        response.headers.update(said)
        return response

    return guarded


async def _answered(request: Request, answer: Handler, tongue: Language) -> Response:
    try:
        return await answer(request)
    except IsthmusError as error:
        problem = Unread(error.file or "", error.what, error.advice)
        return HTMLResponse(_pages(tongue).error(503, problem), 503)
    except Exception:  # noqa: BLE001 - the edge of the program: no stack trace reaches a reader.
        return _error(tongue, 500)


async def _refused(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, AnyHTTPException) else 500
    return _error(_language(request, "en"), status if status in (400, 404, 405) else 400)


async def _not_found(request: Request, error: Exception) -> Response:
    """An address with a key or a language that cannot be."""
    return _error(_language(request, "en"), 404)


def _error(tongue: Language, status: int) -> Response:
    return HTMLResponse(_pages(tongue).error(status), status)


def _language(request: Request, otherwise: Language) -> Language:
    """The language that an address begins with."""
    first = request.url.path.split("/")[1:2]
    return next((each for each in LANGUAGES if first == [each]), otherwise)


def _host(request: Request) -> str:
    """The host that a request is for, without its port."""
    name = request.headers.get("host", "")
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0].lower()


def _pages(tongue: Language) -> Pages:
    return Pages(tongue, dt.datetime.now(dt.UTC))
