"""Django's name for the keystore."""

from django.apps import AppConfig


class KeystoreConfig(AppConfig):
    name = "identity.keystore"
    label = "keystore"
