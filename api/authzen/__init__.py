"""The decision in the form of the OpenID AuthZEN Authorization API 1.0."""
