"""What each event about a body tells."""

from pydantic import BaseModel

from app.bodies.schemas import BodyFacts


class AboutBody(BaseModel):
    body: BodyFacts


EVENTS: dict[str, type[BaseModel]] = {
    "body.created": AboutBody,
    "body.redacted": AboutBody,
    "body.revised": AboutBody,
}
