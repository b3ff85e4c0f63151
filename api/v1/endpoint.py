"""What every view under `/v1` shares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework.response import Response
from rest_framework.views import APIView

from api.permissions import Needs
from api.schema import Schema


class Endpoint(APIView):
    """A view whose methods name who may call them; one that names nobody lets nobody in."""

    needs: ClassVar[Mapping[str, tuple[Needs, ...]]] = {}
    metadata_class = None
    http_method_names = ["get", "head", "post", "put", "patch"]
    schema = Schema()

    def finalize_response(self, request: Any, response: Any, *args: Any, **kwargs: Any) -> Response:
        found = super().finalize_response(request, response, *args, **kwargs)
        # What is said to one person is nobody else's to keep.
        found.setdefault("Cache-Control", "no-store")
        return found
