"""The text of a value is kept to put it back by, unless any of it is hidden."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from auditor.adapters.sources._parameter_history import History
from auditor.adapters.sources._parameter_names import Parameter
from auditor.domain.documents import DocumentRef
from auditor.domain.flags import FlagId

AT = datetime(2026, 3, 2, tzinfo=UTC)


def metadata(kind: str, value: str, flag: str = "new-checkout"):
    name = f"/shop/prod/features/{flag}"
    parameter = Parameter(DocumentRef("ssm", "111122223333", "eu-central-1", name), FlagId("shop", flag), "prod")
    entry = {"Version": 1, "Type": kind, "Value": value, "LastModifiedDate": AT}
    (snapshot,) = History(parameter, [entry], AT).reading(None).snapshots
    return snapshot.metadata


@pytest.mark.parametrize(
    ("kind", "value"),
    [("String", "TRUE"), ("String", '{"b": 1,  "a": 2}'), ("String", " padded "), ("StringList", "a,b, c")],
)
def test_a_texts_spelling_is_kept(kind, value):
    assert metadata(kind, value)["text"] == value


@pytest.mark.parametrize(
    ("kind", "value", "flag"),
    [
        ("SecureString", "AQICAHh-ciphertext", "new-checkout"),
        ("String", "AKIAIOSFODNN7EXAMPLE", "new-checkout"),
        ("String", '{"on": true, "password": "correct horse battery"}', "new-checkout"),
        ("StringList", "a,ghp_0123456789abcdefghijklmnopqrstuvwxyz01", "new-checkout"),
        ("String", "correct horse battery", "db-password"),
    ],
)
def test_where_anything_is_hidden_no_text_is_kept(kind, value, flag):
    assert "text" not in metadata(kind, value, flag)
