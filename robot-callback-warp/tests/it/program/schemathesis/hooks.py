"""What schemathesis has to know of this API that OpenAPI has no words for, and what it has seen."""

import atexit
import json
import time
from collections import defaultdict
from urllib.request import Request, urlopen

import schemathesis

# Rules between two parts of a request, or between requests. Whoever breaks one is answered 400 in these words.
UNSAYABLE = [
    # The body may leave `run` out where the request brings an Idempotency-Key.
    ("POST /api/jobs/{jobId}/retry", "run is required where there is no idempotency-key"),
    # What other requests have made decides.
    ("POST /api/jobs", "must name an order of this workspace"),
    # JSON Schema knows items that are unique, not items that are unique by one member.
    ("POST /api/jobs", "stands in this job twice"),
]


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Whether it is one. It is not where a rule was broken that the description tells people only."""
    if type(failure).__name__ != "RejectedPositiveData" or response.status_code != 400:
        return True
    error = response.json()["error"]
    return not any(case.operation.label == label and error.endswith(rule) for label, rule in UNSAYABLE)


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Closes what is answered: clients must be ready for members to come, but here none may come unsaid."""
    for name, schema in raw_schema["components"]["schemas"].items():
        if name != "Callback":  # whose further members are ignored
            close(schema)


def close(schema):
    if isinstance(schema, list):
        for part in schema:
            close(part)
    elif isinstance(schema, dict):
        if schema.get("type") == "object" and "properties" in schema:
            schema.setdefault("additionalProperties", False)
        for part in schema.values():
            close(part)


DROP = "POST /api/dead-letters/{entryId}/drop"
# In seconds; only a hang meets it.
LONGEST = 60


@schemathesis.hook
def before_call(context, case, kwargs):
    """A dead letter that was redriven is none until it was refused once more: whoever drops it waits for that."""
    if case.operation.label == DROP:
        asked = Request(case.operation.base_url.rstrip("/") + "/api/outbox", headers={"Authorization": "Bearer token"})
        until = time.monotonic() + LONGEST
        while pending(asked):
            assert time.monotonic() < until, "events wait to leave for too long"
            time.sleep(0.01)


def pending(asked):
    with urlopen(asked, timeout=LONGEST) as answer:
        return json.load(answer)["pending"]


SEEN = defaultdict(set)


@schemathesis.hook
def after_call(context, case, response):
    SEEN[case.operation.label].add(response.status_code)


@atexit.register
def tell():
    with open("seen.json", "w") as seen:
        json.dump({label: sorted(statuses) for label, statuses in SEEN.items()}, seen)
