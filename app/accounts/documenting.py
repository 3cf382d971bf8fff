"""What keys have to do with the operations of the OpenAPI document."""

from collections.abc import Callable, Iterator

from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from app.accounts.current import AtLeast, bearer
from app.accounts.idempotency import AnswerGone
from app.accounts.roles import Role
from app.documenting import Document, announce, taken_by
from app.problems import Forbidden


def add_keys(app: FastAPI) -> Callable[[Document], None]:
    """Tell of each operation which role it needs, or that it may be asked for without a key."""

    def add(document: Document) -> None:
        needed = dict(_needed_roles(app))
        for path, method, operation in _operations(document):
            if {bearer.scheme_name: []} in operation.get("security", []):
                role = needed.get((path, method))
                operation["security"] = [{bearer.scheme_name: [role.value]}] if role else [{}, *operation["security"]]
                if role:
                    _tell(operation, f"Needs a key with the role `{role}`.")
                    announce(operation, Forbidden)
            if "idempotency-key" in taken_by(operation):
                announce(operation, AnswerGone)

    return add


def _needed_roles(app: FastAPI) -> Iterator[tuple[tuple[str, str], Role]]:
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, APIRoute):
            for dependency in route.original_route.dependant.dependencies:
                if isinstance(dependency.call, AtLeast):
                    for method in route.methods or ():
                        yield (str(route.path_format), method.lower()), dependency.call.role


def _operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield path, method, operation


def _tell(operation: Document, sentence: str) -> None:
    operation["description"] = "\n\n".join(filter(None, [operation.get("description"), sentence]))
