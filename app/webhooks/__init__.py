"""Signed messages to the endpoints of partners about the changes that concern them."""
