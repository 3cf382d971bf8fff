"""From a change of a demand to the partner's endpoint, over real sockets."""

import standardwebhooks
import svix.webhooks

from tests.factories import a_demand, change
from tests.webhooks.deliveries import a_webhook, delivering


def test_a_status_change_reaches_the_endpoint_signed(app, ada, eve, receiver):
    demand = a_demand(ada)
    webhook = a_webhook(eve, receiver.url("/hook"), types=["demand.status_changed"])
    receiver.script("/hook", "204")

    with delivering(app):
        change(ada, demand["ref"], "in_progress")
        [request] = receiver.wait_for(1)

    message = standardwebhooks.Webhook(webhook["secret"]).verify(request.body, request.headers)
    svix.webhooks.Webhook(webhook["secret"]).verify(request.body, request.headers)  # raises where it does not fit
    assert message["type"] == "demand.status_changed"
    assert message["data"]["demand"]["ref"] == demand["ref"]
    assert message["data"]["change"]["to"] == "in_progress"
