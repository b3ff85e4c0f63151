"""People who log in, and the OAuth clients that ask in their names or render."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower
from oauth2_provider.models import AbstractApplication

from common.ids import new_id


def _account_id() -> str:
    return new_id("acc")


class UserManager(BaseUserManager["User"]):
    """Makes accounts; e-mail addresses are kept in lower case."""

    def create_user(self, email: str, password: str | None = None, **extra: Any) -> User:
        user = self.model(email=email.strip().lower(), **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str, **extra: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **extra)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser, PermissionsMixin):  # type: ignore[django-manager-missing]
    """An account: a person who logs in. Its id is what others name them by."""

    id = models.CharField(max_length=32, primary_key=True, default=_account_id, editable=False)
    email = models.EmailField(unique=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)
    birth_date = models.DateField(null=True, blank=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="account_email_any_case")]

    def __str__(self) -> str:
        return self.id


def _guardianship_id() -> str:
    return new_id("gua")


class Guardianship(models.Model):
    """A grown-up's account that stands by a minor's; one that has ended stays as history."""

    class State(models.TextChoices):
        ASKED = "asked"
        ACCEPTED = "accepted"
        ENDED = "ended"

    id = models.CharField(max_length=32, primary_key=True, default=_guardianship_id, editable=False)
    minor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    guardian = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=8, choices=State.choices, default=State.ASKED)
    asked = models.DateTimeField()
    accepted = models.DateTimeField(null=True)
    ended = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["minor"],
                condition=~models.Q(state="ended"),
                name="accounts_one_live_guardianship_per_minor",
            ),
        ]

    def __str__(self) -> str:
        return self.id


class Generator(AbstractApplication):  # type: ignore[misc]
    """An OAuth client: a generator that renders, or a person's app that renders nothing.

    Attributes:
        audience: what tokens for it name as `aud`; its client id unless registered otherwise.
        encryption_key: public JWK (X25519 or P-256) that released likeness kits are sealed to.
        renders: whether it may ask for and redeem likeness tokens.
        first_party: whether it may name a requester without that person's token.
        suspended: since when it is refused everywhere, if it is.
        tokens_not_before: when it was last suspended or resumed; what was issued until then
            stays revoked, whichever request was about to save it.
    """

    audience = models.CharField(max_length=200, unique=True)
    encryption_key = models.JSONField(null=True, blank=True)
    renders = models.BooleanField(default=True)
    first_party = models.BooleanField(default=False)
    suspended = models.DateTimeField(null=True, blank=True)
    tokens_not_before = models.DateTimeField(null=True, blank=True)

    class Meta(AbstractApplication.Meta):  # type: ignore[misc]
        swappable = "OAUTH2_PROVIDER_APPLICATION_MODEL"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.audience = self.audience or self.client_id
        super().save(*args, **kwargs)

    def has_revoked(self, issued: datetime) -> bool:
        """Whether what was issued at `issued` was revoked by a suspension since."""
        return self.tokens_not_before is not None and issued <= self.tokens_not_before

    def allows_grant_type(self, *grant_types: str) -> bool:
        """Authorization code for everyone; client credentials for what renders."""
        allowed = {self.GRANT_AUTHORIZATION_CODE}
        if self.renders:
            allowed.add(self.GRANT_CLIENT_CREDENTIALS)
        return self.suspended is None and bool(allowed & set(grant_types))

    def get_allowed_schemes(self) -> list[str]:
        """Plain http only where an address with it was registered, which the loopback alone can."""
        registered = {address.partition(":")[0] for address in self.redirect_uris.split()}
        return sorted({"https"} | (registered & {"http"}))

    def is_usable(self, request: Any) -> bool:
        """A suspended client gets no token of any kind."""
        return self.suspended is None
