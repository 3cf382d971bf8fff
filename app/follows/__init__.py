"""Following by e-mail, without an account."""
