"""Downloads against a real server on this machine that misbehaves in every way servers do."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from deepanon.data.download import fetch
from deepanon.errors import DataError, OptionError

CONTENT = np.random.default_rng(0).bytes(3_000_000)
MD5 = hashlib.md5(CONTENT).hexdigest()


class Server:
    """What the handler below does, and what it was asked for.

    Attributes:
        content: the file.
        etag: its version, or None.
        cut: bytes after which the connection is cut, a request each; None = not.
        ranges: whether parts are served.
        answers: status codes for the next requests, before anything else.
        asked: the headers of every request.
    """

    def __init__(self):
        self.content, self.etag, self.ranges, self.length = CONTENT, '"one"', True, True
        self.cut, self.answers, self.asked = [], [], []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server.plan
        server.asked.append(dict(self.headers))
        if server.answers:
            return self.send_error(server.answers.pop(0))
        body, start = server.content, 0
        wanted = self.headers.get("Range")
        if wanted and server.ranges and self.headers.get("If-Range", server.etag) == server.etag:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(body):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(body)}")
                self.end_headers()
                return None
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        if server.etag:
            self.send_header("ETag", server.etag)
        if server.length:
            self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        end = start + server.cut.pop(0) if server.cut else len(body)
        self.wfile.write(body[start:end])
        return None

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    """A running server; `server.url` is where its one file is."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.plan = Server()
    http.handle_error = lambda *_: None  # a client that hangs up is what some tests are about
    threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
    http.plan.url = f"http://127.0.0.1:{http.server_port}/file.zip"
    yield http.plan
    http.shutdown()
    http.server_close()


def get(server, tmp_path, md5=MD5, **options):
    fetch(server.url, tmp_path / "f.zip", md5, pause=0.001, **options)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.zip"]  # nothing else stays
    return (tmp_path / "f.zip").read_bytes()


def interrupted(server, tmp_path, at):
    """Leave a part of `at` bytes behind, as a killed process does."""
    server.cut = [at, 0]
    with pytest.raises(DataError, match="run again to go on"):
        fetch(server.url, tmp_path / "f.zip", MD5, tries=1, pause=0.001)
    assert (tmp_path / "f.zip.part").stat().st_size == at


def test_a_file_arrives_and_is_reported(server, tmp_path):
    seen = []
    assert get(server, tmp_path, watch=lambda done, total: seen.append((done, total))) == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert seen == sorted(seen)
    assert get(server, tmp_path) == CONTENT
    assert len(server.asked) == 1  # it was there


def test_cut_connections_are_taken_up_where_they_ended(server, tmp_path):
    server.cut = [1_000_000, 700_000, 1, 900_000]
    assert get(server, tmp_path, tries=2) == CONTENT
    assert [headers.get("Range") for headers in server.asked] == [
        None, "bytes=1000000-", "bytes=1700000-", "bytes=1700001-", "bytes=2600001-"]  # fmt: skip
    assert server.asked[1]["If-Range"] == '"one"'


def test_a_later_call_goes_on(server, tmp_path):
    interrupted(server, tmp_path, 1_234_567)
    assert get(server, tmp_path) == CONTENT
    assert server.asked[-1]["Range"] == "bytes=1234567-"


def test_without_progress_it_gives_up_and_keeps_the_part(server, tmp_path):
    server.cut = [500_000, 0, 0, 0]
    with pytest.raises(DataError, match="tried 3 times, run again to go on"):
        fetch(server.url, tmp_path / "f.zip", MD5, tries=3, pause=0.001)
    assert len(server.asked) == 4  # the first brought something
    assert get(server, tmp_path) == CONTENT


def test_a_server_without_ranges_sends_it_all_again(server, tmp_path):
    interrupted(server, tmp_path, 1_000_000)
    server.ranges = False
    assert get(server, tmp_path) == CONTENT


@pytest.mark.parametrize("etag", ['"two"', 'W/"two"', None])
def test_a_file_that_changed_in_between_is_fetched_anew(server, tmp_path, etag):
    interrupted(server, tmp_path, 1_000_000)
    server.content = CONTENT[::-1][:2_500_000]
    server.etag = etag
    assert get(server, tmp_path, hashlib.md5(server.content).hexdigest()) == server.content


def test_a_change_that_nothing_but_the_length_shows(server, tmp_path):
    server.etag = None
    interrupted(server, tmp_path, 1_000_000)
    server.content = CONTENT[::-1][:2_500_000]
    assert get(server, tmp_path, None) == server.content


def test_a_file_that_became_shorter_than_the_part(server, tmp_path):
    server.etag = None
    interrupted(server, tmp_path, 2_000_000)
    server.content = CONTENT[:1_000_000]
    assert get(server, tmp_path, None) == server.content


@pytest.mark.parametrize(
    "facts", [None, "", '{"tag": "\\"one', "[]", '{"tags": 1}', '{"tag": 7}', '{"tag": "", "length": "9"}', b"\xff\xfe"]
)
@pytest.mark.parametrize("md5", [MD5, None])
def test_a_part_of_unknown_origin_is_not_built_on(server, tmp_path, caplog, facts, md5):
    """Neither where the facts are missing nor where they are torn; with the sum unknown, nothing else would show it."""
    (tmp_path / "f.zip.part").write_bytes(b"x" * 1000)
    if facts is not None:
        (tmp_path / "f.zip.part.json").write_bytes(facts if isinstance(facts, bytes) else facts.encode())
    assert get(server, tmp_path, md5) == CONTENT
    assert "Range" not in server.asked[0]
    assert "f.zip.part: f.zip.part.json does not say which version this is part of; begun again" in caplog.text


def test_nothing_is_said_where_nothing_was_begun(server, tmp_path, caplog):
    assert get(server, tmp_path) == CONTENT
    assert caplog.text == ""


def test_facts_are_whole_or_not_there(server, tmp_path, monkeypatch):
    """A kill in the middle of writing them: what stands there after it can be read, or is nothing."""
    from pathlib import Path

    def torn(path, text):
        path.write_bytes(text[: len(text) // 2].encode())
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", torn)
        with pytest.raises(KeyboardInterrupt):
            fetch(server.url, tmp_path / "f.zip", MD5)
    facts = tmp_path / "f.zip.part.json"
    assert not facts.exists() or json.loads(facts.read_text())
    assert get(server, tmp_path) == CONTENT


def test_a_part_that_is_whole_needs_no_request(server, tmp_path):
    (tmp_path / "f.zip.part").write_bytes(CONTENT)
    (tmp_path / "f.zip.part.json").write_text(json.dumps({"tag": '"one"', "length": len(CONTENT)}))
    assert get(server, tmp_path) == CONTENT
    assert server.asked == []


def test_a_whole_part_of_unknown_length(server, tmp_path):
    (tmp_path / "f.zip.part").write_bytes(CONTENT)
    (tmp_path / "f.zip.part.json").write_text(json.dumps({"tag": '"one"', "length": None}))
    assert get(server, tmp_path) == CONTENT
    assert len(server.asked) == 1


def test_an_answer_without_a_length(server, tmp_path):
    server.length = False
    assert get(server, tmp_path) == CONTENT


@pytest.mark.parametrize("code", [500, 503, 429])
def test_passing_errors_are_tried_again(server, tmp_path, code):
    server.answers = [code, code]
    assert get(server, tmp_path, tries=3) == CONTENT
    server.answers = [code] * 3
    (tmp_path / "f.zip").unlink()
    with pytest.raises(DataError, match=f"the server answers {code}.*tried 3 times"):
        get(server, tmp_path, tries=3)


@pytest.mark.parametrize("code", [403, 404, 410])
def test_final_errors_are_said_at_once(server, tmp_path, code):
    server.answers = [code] * 9
    with pytest.raises(DataError, match=f"file.zip: the server answers {code}"):
        get(server, tmp_path)
    assert len(server.asked) == 1


def test_a_wrong_sum_is_never_kept(server, tmp_path):
    with pytest.raises(DataError, match="the sum of the download is wrong; run again"):
        get(server, tmp_path, "0" * 32)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "f.zip").write_bytes(b"damaged later")
    with pytest.raises(DataError, match="is there, but damaged: delete it"):
        get(server, tmp_path)
    assert (tmp_path / "f.zip").read_bytes() == b"damaged later"


def test_a_full_disk_is_said_before_anything_is_received(server, tmp_path, monkeypatch):
    import shutil

    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(DataError, match=r"GB to fetch and 0\.0 GB free"):
        get(server, tmp_path)
    assert len(server.asked) == 1


def test_addresses_that_are_none(tmp_path):
    for url in ("file:///etc/passwd", "ftp://x/y", "nothing"):
        with pytest.raises(OptionError, match="no http or https address"):
            fetch(url, tmp_path / "f")
    with pytest.raises(DataError, match="tried 2 times"):
        fetch("http://127.0.0.1:9/closed", tmp_path / "f", tries=2, pause=0.001)
