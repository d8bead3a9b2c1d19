"""Every seam in moto that the stand-in holds on to, each by its name: an upgrade of moto that moves one fails here."""

from __future__ import annotations

import inspect
import sys
from datetime import UTC, datetime
from importlib.metadata import version

import moto.backend_index
import moto.core.base_backend
import moto.core.model_instances
import moto.core.parse
import moto.core.request
import moto.core.responses
import moto.core.routing
import moto.core.serialize
import moto.core.utils
import moto.moto_server.werkzeug_app
import moto.s3.models
import moto.secretsmanager.models
from moto.cloudwatch.models import Alarm, cloudwatch_backends

from examples.standin import seams

NOON = datetime(2026, 10, 6, 12, tzinfo=UTC)


def test_moto_is_the_version_that_the_seams_were_read_in():
    assert version("moto") == "5.2.5"


def test_the_server_is_an_application_per_service():
    application = moto.moto_server.werkzeug_app
    assert list(inspect.signature(application.DomainDispatcherApplication).parameters) == ["create_app"]
    assert callable(application.create_backend_app)
    assert issubclass(seams.MotoRequestHandler, object)
    assert hasattr(seams.MotoRequestHandler, "log_request")


def test_services_are_known_by_their_host():
    served = seams.MotoApplication()
    assert all(served.serves(name, "eu-west-1") for name in ("ssm", "sqs", "s3", "dynamodb", "monitoring", "events"))
    assert not served.serves("wisdom", "eu-west-1")
    assert all(pattern.match for _, pattern in moto.backend_index.backend_url_patterns)


def test_an_account_is_told_by_a_header():
    source = inspect.getsource(moto.core.responses.BaseResponse.get_current_account)
    assert '"x-moto-account-id"' in source
    assert seams.ACCOUNT_HEADER == "HTTP_X_MOTO_ACCOUNT_ID"


def test_requests_are_matched_and_parsed_by_botocores_models():
    request = moto.core.request.Request.from_primitives(
        "POST",
        "http://127.0.0.1/",
        {"X-Amz-Target": "AmazonSSM.GetParameter", "Content-Type": "application/x-amz-json-1.1"},
        b'{"Name": "/a", "WithDecryption": true}',
    )
    operation, path_values = seams.match("ssm", request)
    assert operation == "GetParameter"
    assert seams.parse("ssm", operation, request, path_values) == {"Name": "/a", "WithDecryption": True}
    assert {"json", "rest-json", "query"} <= set(moto.core.parse.PROTOCOL_PARSERS)


def test_values_of_a_path_are_found():
    request = moto.core.request.Request.from_primitives("GET", "http://127.0.0.1/applications/abc1234", {})
    operation, path_values = seams.match("appconfig", request)
    assert (operation, dict(path_values)) == ("GetApplication", {"ApplicationId": "abc1234"})


def test_answers_are_written_by_botocores_models():
    status, headers, body = seams.serialize("appconfig", "CreateApplication", "", {"Id": "abc1234", "Name": "x"})
    assert (status, body) == (201, b'{"Id": "abc1234", "Name": "x"}')
    assert headers["Content-Type"] == "application/json"
    answer = {"Parameter": {"Name": "/a", "LastModifiedDate": NOON}}
    _, _, body = seams.serialize("ssm", "GetParameter", "application/x-amz-json-1.1", answer)
    assert b"1791288000" in body


def test_errors_are_described_by_botocores_models():
    shape = seams.error_shape("appconfig", "ConflictException")
    assert shape is not None
    assert shape.metadata["error"]["httpStatusCode"] == 409
    assert seams.error_shape("appconfig", "AccessDeniedException") is None


def test_the_clock_is_followed_and_given_back():
    modules = [moto.core.utils, moto.s3.models]
    real, real_time = moto.core.utils.utcnow, moto.secretsmanager.models.time
    put_back = seams.follow(lambda: NOON)
    try:
        for module in modules:
            assert module.utcnow() == NOON.replace(tzinfo=None)
        assert moto.secretsmanager.models.time.time() == NOON.timestamp()
        left = [
            name
            for name, module in list(sys.modules.items())
            if name.startswith("moto.") and vars(module).get("utcnow") is real
        ]
        assert left == []
    finally:
        put_back()
    assert all(module.utcnow is real for module in modules)
    assert moto.secretsmanager.models.time is real_time


def test_state_is_forgotten():
    cloudwatch_backends["123456789012"]["eu-west-1"].alarms["left-over"] = object()
    assert seams.find_alarm("123456789012", "eu-west-1", "left-over") is not None
    seams.reset()
    assert seams.find_alarm("123456789012", "eu-west-1", "left-over") is None
    assert callable(moto.core.base_backend.BackendDict.reset)
    assert callable(moto.core.model_instances.reset_model_data)


def test_an_alarm_has_what_is_read_of_it():
    written = inspect.getsource(Alarm.__init__) + inspect.getsource(Alarm.update_state)
    for name in vars(seams.Alarm)["__annotations__"]:
        assert f"self.{name} " in written or f"self.{name}:" in written, name
