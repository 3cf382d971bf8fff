"""The institutions that demands are addressed to, as a tree."""
