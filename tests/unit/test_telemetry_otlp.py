"""Spans to a collector: the real exporter against a socket that decodes what arrives."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from shared.telemetry import tracing
from shared.telemetry.tracing import SpanKind, span, start_span_at


def test_a_collector_gets_live_and_finished_spans_with_the_services_name(tmp_path: Path) -> None:
    received: dict[str, ExportTraceServiceRequest] = {}

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received[self.path] = ExportTraceServiceRequest.FromString(body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing on the terminal."""

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        endpoint = f"http://127.0.0.1:{server.server_port}/"
        tracing.setup_tracing("publishing", traces_dir=tmp_path, otlp_endpoint=endpoint)
        with span("live"):
            pass
        start_span_at("finished", SpanKind.PRODUCER, None, {"messaging.system": "kafka"}, 1, 2)
        tracing.shutdown()
        server.shutdown()
    (resource,) = received["/v1/traces"].resource_spans
    about = {each.key: each.value.string_value for each in resource.resource.attributes}
    spans = {each.name: each for scope in resource.scope_spans for each in scope.spans}
    assert about["service.name"] == "publishing"
    assert about["service.version"] not in {"", "unknown"}
    assert about["service.instance.id"]
    assert set(spans) == {"live", "finished"}
    assert (spans["finished"].start_time_unix_nano, spans["finished"].end_time_unix_nano) == (1, 2)
    assert (tmp_path / "publishing.jsonl").stat().st_size > 0
