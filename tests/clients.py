"""Clients of the app in this process."""

from collections.abc import Mapping

import httpx2
from anyio.from_thread import BlockingPortal
from fastapi.testclient import TestClient
from starlette.types import ASGIApp


class Client(TestClient):
    """Starlette's, with one turn of the event loop for a request; its own eight are a third of what a request costs."""

    def __init__(
        self, app: ASGIApp, portal: BlockingPortal, headers: Mapping[str, str] | None = None, address: str = "tests"
    ) -> None:
        httpx2.Client.__init__(
            self,
            transport=_OneTurn(app, portal, address),
            base_url="http://testserver",
            headers=headers,
            follow_redirects=True,
        )


class _OneTurn(httpx2.BaseTransport):
    def __init__(self, app: ASGIApp, portal: BlockingPortal, address: str) -> None:
        self._app = httpx2.ASGITransport(app, client=(address, 50000))
        self._portal = portal

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.read()
        return self._portal.call(self._answer, request)

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        answer = await self._app.handle_async_request(request)
        body = httpx2.ByteStream(await answer.aread())
        return httpx2.Response(answer.status_code, headers=answer.headers, stream=body)
