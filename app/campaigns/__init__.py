"""Campaigns and the kinds of demand: small vocabularies that staff extend."""
