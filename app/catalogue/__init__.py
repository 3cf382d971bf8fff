"""The catalogue of event types, with the shape of each message about them."""
