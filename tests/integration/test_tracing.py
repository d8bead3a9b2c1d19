"""Spans where OpenTelemetry is loaded: what the function did and for how long, with counts and no value."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from auditor import bootstrap
from auditor.entrypoints import tracing
from auditor.entrypoints.journal import Journal
from auditor.entrypoints.lambda_handler import serve
from auditor.settings import Settings
from examples.demo.delivery import as_batch
from examples.standin import StandIn
from examples.standin.slack import SlackServer

VALUE = "the-secret-sauce"


@pytest.fixture(scope="module")
def exporter():
    found = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(found))
    trace.set_tracer_provider(provider)
    return found


@pytest.fixture
def spans(exporter):
    exporter.clear()
    return exporter.get_finished_spans


class Invocation:
    aws_request_id = "r-1"

    def get_remaining_time_in_millis(self):
        return 60_000


def test_an_invocation_is_a_span_with_what_it_sent_inside(spans, tmp_path, monkeypatch):
    with StandIn(datetime(2026, 10, 6, tzinfo=UTC)) as aws, SlackServer() as slack:
        for name, value in aws.environ().items():
            monkeypatch.setenv(name, value)
        application = bootstrap.application(Settings.from_env({
            "FLAGTRAIL_DATABASE_URL": f"sqlite:///{tmp_path}/record.db",
            "FLAGTRAIL_SLACK_BASE_URL": slack.url,
            "SLACK_BOT_TOKEN": slack.token,
        }))  # fmt: skip
        serve(application, {"job": "reconcile"}, Invocation(), Journal.silent())
        aws.client("ssm").put_parameter(Name="/shop/prod/features/sauce", Value=VALUE, Type="String")
        batch = as_batch(aws.drain())

        serve(application, batch, Invocation(), Journal.silent())
        application.record.close()

    by_name = {span.name: span for span in spans()}
    ingest, send = by_name["flagtrail.ingest"], by_name["flagtrail.send"]
    assert dict(ingest.attributes) == {
        "flagtrail.request": "r-1", "flagtrail.received": len(batch["Records"]), "flagtrail.recorded": 1,
        "flagtrail.rejected": 0,
    }  # fmt: skip
    assert send.parent.span_id == ingest.context.span_id
    assert by_name["flagtrail.reconcile"].end_time <= ingest.start_time
    assert VALUE not in json.dumps([json.loads(span.to_json()) for span in spans()])


def test_without_opentelemetry_nothing_is_missed(spans, monkeypatch):
    monkeypatch.delitem(tracing.sys.modules, "opentelemetry.trace")

    with tracing.span("ingest") as facts:
        facts["received"] = 1

    assert spans() == ()


def test_a_span_tells_what_came_of_a_failure_too(spans):
    def broken():
        with tracing.span("ingest") as facts:
            facts["received"] = 3
            raise ValueError

    with pytest.raises(ValueError):
        broken()

    (span,) = spans()
    assert span.attributes["flagtrail.received"] == 3
    assert span.status.is_ok is False
