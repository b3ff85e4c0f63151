"""Addresses of the pages."""

from __future__ import annotations

from allauth.account import views as account
from django.conf import settings
from django.urls import include, path

from web.assets import asset
from web.views.authorize import Authorize
from web.views.docs import docs
from web.views.home import home

# allauth's own addresses and names, with our templates: theirs come first in a look-up by name.
pages = [
    path(
        "accounts/login/",
        account.LoginView.as_view(template_name="web/account/login.html"),
        name="account_login",
    ),
    path(
        "accounts/signup/",
        account.SignupView.as_view(template_name="web/account/signup.html"),
        name="account_signup",
    ),
    path(
        "accounts/logout/",
        account.LogoutView.as_view(template_name="web/account/logout.html"),
        name="account_logout",
    ),
    path(
        "accounts/confirm-email/",
        account.ConfirmEmailVerificationCodeView.as_view(template_name="web/account/code.html"),
        name="account_email_verification_sent",
    ),
]

urlpatterns = [
    path("", home, name="home"),
    path("docs", docs, name="docs"),
    path("oauth/authorize", Authorize.as_view(), name="oauth-authorize"),
    *pages,
    path("accounts/", include("allauth.urls")),
    path(f"{settings.STATIC_URL.strip('/')}/<path:name>", asset, name="asset"),
]
