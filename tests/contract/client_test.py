"""What a client generated from openapi.yaml does with the real service at SERVICE_URL."""

import base64
import email
import email.policy
import hashlib
import importlib
import io
import json
import os
import pkgutil
import time
import unittest
from pathlib import Path

import pentimento_client
from pentimento_client import Client
from pentimento_client.api.jobs import (
    cancel, dataset, datasets, delete_job, events, job, jobs, results, submit_optimize,
)
from pentimento_client.api.pictures import analyze, replay, restore
from pentimento_client.api.service import index, live, openapi, ready, startup, version
from pentimento_client.models import (
    Analysis, AnswerOrder, ColorMethod, ColorSwitch, Format, GridName, Health, Job, JobKind, JobState, OptimizeRequest,
    Problem, ProblemType, Receipt, ReplayForm, RestoreForm, ResultsView, Version,
)
from pentimento_client.types import File

SAMPLE = Path(os.environ["SAMPLE"]).read_bytes()
PATIENCE_S = 120


def picture():
    return File(payload=io.BytesIO(SAMPLE), file_name="faded.jpg", mime_type="image/jpeg")


def digest_field(data):
    """The digest of data as a member of a structured field."""
    return f":{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"


class TestClient(unittest.TestCase):
    def connect(self, **headers):
        """A client that closes its connections when the test ends."""
        client = Client(base_url=os.environ["SERVICE_URL"], headers=headers, timeout=PATIENCE_S)
        self.addCleanup(client.get_httpx_client().close)
        return client

    def restored(self, **arguments):
        """Restores the sample. Returns the picture and the answer's headers."""
        answer = restore.sync_detailed(client=self.connect(), **arguments)
        self.assertEqual(answer.status_code, 200, answer.content)
        self.assertIsInstance(answer.parsed, File)
        return answer.parsed.payload.read(), answer.headers

    def problem(self, parsed, kind, status):
        self.assertIsInstance(parsed, Problem)
        self.assertEqual((parsed.type_, parsed.status), (ProblemType(f"/problems/{kind}"), status))
        self.assertTrue(parsed.title and parsed.detail and parsed.request_id)
        return parsed

    def ended(self, client, id):
        """Waits for the end of a job."""
        end = time.monotonic() + PATIENCE_S
        found = job.sync(id, client=client)
        while found.state in (JobState.QUEUED, JobState.RUNNING) and time.monotonic() < end:
            time.sleep(0.05)
            found = job.sync(id, client=client)
        return found

    def test_every_module_can_be_imported(self):
        found = list(pkgutil.walk_packages(pentimento_client.__path__, "pentimento_client."))
        self.assertGreater(len(found), 60)
        for module in found:
            importlib.import_module(module.name)

    def test_restores_the_sample(self):
        restored, headers = self.restored(body=picture())
        self.assertEqual(restored[:3], b"\xff\xd8\xff")
        self.assertNotEqual(restored, SAMPLE)
        self.assertEqual(headers["content-digest"], f"sha-256={digest_field(restored)}")
        members = dict(member.partition("=")[::2] for member in headers["restoration"].split(", "))
        self.assertEqual(members["input-sha-256"], digest_field(SAMPLE))
        self.assertEqual(members["untouched"], "?0")
        self.assertIn(members["color-method"], list(ColorMethod))

    def test_parameters_of_query_and_form_mean_the_same(self):
        parameters = {"color": ColorSwitch.ON, "sigma": 1.5, "strength": 0.75, "format_": Format.PNG}
        restored, headers = self.restored(body=picture(), **parameters)
        self.assertEqual(restored[:4], b"\x89PNG")
        self.assertIn("sigma=1.5, strength=0.75", headers["restoration"])
        self.assertEqual(self.restored(body=RestoreForm(image=[picture()], **parameters))[0], restored)

    def parts(self, answer):
        """The parts of an answer, as another library reads them."""
        self.assertEqual(answer.status_code, 200, answer.content)
        head = f"content-type: {answer.headers['content-type']}\r\n\r\n".encode()
        message = email.message_from_bytes(head + answer.content, policy=email.policy.HTTP)
        self.assertEqual((message.get_content_type(), message.defects), ("multipart/mixed", []))
        return [(part, part.get_payload(decode=True)) for part in message.iter_parts()]

    def test_restores_several_pictures_and_says_which_is_bad(self):
        alone, headers = self.restored(body=picture())
        pictures = [picture(), File(payload=io.BytesIO(b"no picture"), file_name="notes.txt"), picture()]
        for order in AnswerOrder:
            # The generated client sends required parts first. Parameters come before the second picture, so they go into the query.
            body = RestoreForm(image=pictures)
            for sent in pictures:
                sent.payload.seek(0)
            parts = self.parts(restore.sync_detailed(client=self.connect(), body=body, order=order))
            found = {}
            for part, content in parts:
                found.setdefault(int(part["picture-number"]), []).append((part, content))
            self.assertEqual(sorted(found), [1, 2, 3])
            if order == AnswerOrder.INPUT:
                self.assertEqual(list(found), [1, 2, 3])
            for number in (1, 3):
                (part, restored), (of_receipt, text) = found[number]
                self.assertEqual(part.get_content_type(), "image/jpeg")
                self.assertEqual(part.get_filename(), "faded.jpg")
                self.assertEqual(restored, alone)
                for name in ("restoration", "content-digest"):
                    self.assertEqual(part[name], headers[name])
                self.assertEqual(of_receipt.get_content_type(), "application/json")
                receipt = Receipt.from_dict(json.loads(text))
                self.assertEqual(receipt.output.sha256, hashlib.sha256(alone).hexdigest())
            ((part, text),) = found[2]
            self.assertEqual(part.get_content_type(), "application/problem+json")
            self.problem(Problem.from_dict(json.loads(text)), "unknown-format", 415)

    def test_one_picture_comes_with_its_receipt_when_asked(self):
        answer = restore.sync_detailed(client=self.connect(accept="multipart/mixed"), body=picture())
        (_, restored), (_, text) = self.parts(answer)
        self.assertEqual(Receipt.from_dict(json.loads(text)).output.sha256, hashlib.sha256(restored).hexdigest())

    def test_a_restoration_can_be_a_job(self):
        client = self.connect()
        answer = restore.sync_detailed(client=client, body=picture(), prefer="respond-async")
        self.assertEqual(answer.status_code, 202, answer.content)
        self.assertEqual(answer.headers["preference-applied"], "respond-async")
        submitted = answer.parsed
        self.assertIsInstance(submitted, Job)
        self.assertEqual(answer.headers["location"], submitted.links.own)
        found = self.ended(client, submitted.id)
        self.assertEqual((found.kind, found.state), (JobKind.RESTORE, JobState.FINISHED), found)
        restored = results.sync_detailed(found.id, client=client)
        alone, headers = self.restored(body=picture())
        self.assertEqual(restored.content, alone)
        self.assertEqual(restored.headers["restoration"], headers["restoration"])
        receipt = results.sync_detailed(found.id, client=client, view=ResultsView.RECEIPT)
        self.assertEqual(
            Receipt.from_dict(json.loads(receipt.content)).output.sha256, hashlib.sha256(alone).hexdigest()
        )

    def test_a_body_with_another_digest_is_refused(self):
        digest = f"sha-256={digest_field(SAMPLE)}"
        answer = restore.sync_detailed(client=self.connect(), body=picture(), content_digest=digest)
        self.assertEqual(answer.status_code, 200, answer.content)
        other = f"sha-256={digest_field(b'other')}"
        refused = restore.sync(client=self.connect(), body=picture(), content_digest=other)
        self.problem(refused, "digest-mismatch", 422)

    def test_a_bad_parameter_is_a_typed_problem(self):
        answer = restore.sync_detailed(client=self.connect(), body=picture(), sigma=99)
        self.assertEqual(answer.status_code, 422)
        found = self.problem(answer.parsed, "bad-parameter", 422)
        self.assertEqual((found.parameter, found.value), ("sigma", "99"))
        self.assertEqual(found.request_id, answer.headers["x-request-id"])

    def test_a_broken_picture_is_a_typed_problem(self):
        for body, kind, status in [(SAMPLE[:4000], "broken-picture", 422), (b"no picture", "unknown-format", 415)]:
            parsed = restore.sync(client=self.connect(), body=File(payload=io.BytesIO(body)))
            self.problem(parsed, kind, status)

    def test_replays_from_the_receipt(self):
        restored, _ = self.restored(body=picture())
        answer = restore.sync_detailed(client=self.connect(accept="application/json"), body=picture())
        receipt = Receipt.from_dict(json.loads(answer.content))
        self.assertEqual(receipt.to_dict(), json.loads(answer.content), "nothing of the receipt is lost")
        self.assertEqual(receipt.output.sha256, hashlib.sha256(restored).hexdigest())
        again = replay.sync(client=self.connect(), body=ReplayForm(receipt=receipt, image=picture()))
        self.assertEqual(again.payload.read(), restored)
        other = File(payload=io.BytesIO(restored), file_name="other.jpg", mime_type="image/jpeg")
        refused = replay.sync(client=self.connect(), body=ReplayForm(receipt=receipt, image=other))
        self.problem(refused, "wrong-input", 422)

    def test_analyzes_the_sample(self):
        found = analyze.sync(client=self.connect(), body=picture())
        self.assertIsInstance(found, Analysis)
        self.assertEqual((found.width, found.height, found.format_), (560, 448, Format.JPEG))
        self.assertGreater(len(found.features.values.additional_properties), 13)

    def test_follows_a_job(self):
        client = self.connect()
        self.assertEqual([d.name for d in datasets.sync(client=client).datasets], ["scans"])
        self.assertEqual(dataset.sync("scans", client=client).n_pairs, 1)
        body = OptimizeRequest(dataset="scans", grid=GridName.SEED)
        submit = {"client": client, "body": body, "idempotency_key": "one"}
        answer = submit_optimize.sync_detailed(**submit)
        self.assertEqual(answer.status_code, 202, answer.content)
        submitted = answer.parsed
        self.assertIsInstance(submitted, Job)
        self.assertEqual(answer.headers["location"], submitted.links.own)
        self.assertEqual(submit_optimize.sync(**submit).id, submitted.id, "the same key is the same job")

        found = self.ended(client, submitted.id)
        self.assertEqual((found.state, found.counts.done), (JobState.FINISHED, 1), found)
        self.assertEqual(found.request.additional_properties["grid"], "seed")
        self.assertIn(found.id, [j.id for j in jobs.sync(client=client).jobs])

        answer = results.sync_detailed(found.id, client=client)
        lines = answer.parsed.payload.read().decode().splitlines()
        self.assertTrue(lines[0].startswith("filename,similarity_score,psnr,ssim,"), lines)
        self.assertTrue(lines[1].startswith("smallest.png,"), lines)
        known = results.sync_detailed(found.id, client=client, if_none_match=answer.headers["etag"])
        self.assertEqual((known.status_code, known.content), (304, b""))
        self.assertIn("event: finished", events.sync(found.id, client=client))

        self.problem(cancel.sync(found.id, client=client), "job-state", 409)
        self.assertEqual(delete_job.sync_detailed(found.id, client=client).status_code, 204)
        self.problem(job.sync(found.id, client=client), "unknown-job", 404)

    def test_an_unusable_job_is_a_typed_problem(self):
        refused = submit_optimize.sync(client=self.connect(), body=OptimizeRequest(dataset="scan"))
        self.assertEqual(self.problem(refused, "unknown-dataset", 404).value, "scan")

    def test_the_service_describes_itself(self):
        client = self.connect()
        for check in (live, ready, startup):
            self.assertIsInstance(check.sync(client=client), Health)
        answer = version.sync_detailed(client=client)
        self.assertIsInstance(answer.parsed, Version)
        known = version.sync_detailed(client=client, if_none_match=answer.headers["etag"])
        self.assertEqual((known.status_code, known.content), (304, b""))
        self.assertIn("/restore", index.sync(client=client).routes)
        self.assertTrue(openapi.sync(client=client).startswith("openapi: 3.1"))


if __name__ == "__main__":
    unittest.main()
