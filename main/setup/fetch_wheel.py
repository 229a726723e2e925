"""Fetch one wheel from the package index that pip is set to, and go on where an earlier attempt ended.

Arguments: requirement, Python version without its dot ("312"), platform tags in order of preference (JSON), download folder.
Writes one JSON object a line: {"total": bytes}, {"done": bytes}, at the end {"wheel": path}; or, with exit code 3,
{"error": "elsewhere" | "lost" | "corrupt" | "space" | "write", "detail": text}. "elsewhere": nothing was begun, because the
index or its settings ask for more than is done here; pip itself may know how. "lost": what has come is kept.
"""
import ast, errno, hashlib, http.client, json, os, re, ssl, subprocess, sys, time
import urllib.error, urllib.parse, urllib.request
from html.parser import HTMLParser

ATTEMPTS = 5
SECONDS = 30
ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
# Settings of pip that only pip follows.
OWN = {"proxy", "client-cert", "trusted-host", "find-links", "no-index", "keyring-provider", "constraint"}
FAULTS = (OSError, http.client.HTTPException)


def say(**fields):
    print(json.dumps(fields), flush=True)


def fail(kind, detail):
    say(error=kind, detail=str(detail))
    sys.exit(3)


def indexes():
    """Addresses of the package indexes, from pip's files and environment."""
    run = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, timeout=60)
    if run.returncode != 0:
        fail("elsewhere", run.stderr.strip())
    settings = {}
    for line in run.stdout.splitlines():
        name, mark, value = line.partition("=")
        section, _, key = name.rpartition(".")
        if mark and section in ("global", "download", ":env:"):
            # Later ones win: the environment comes last.
            settings[key.replace("_", "-")] = ast.literal_eval(value)
    settings = {key: value for key, value in settings.items() if value != ""}
    if OWN & settings.keys():
        fail("elsewhere", "pip has settings of its own: " + ", ".join(sorted(OWN & settings.keys())))
    if "cert" in settings:
        context = ssl.create_default_context(cafile=settings["cert"])
        urllib.request.install_opener(urllib.request.build_opener(urllib.request.HTTPSHandler(context=context)))
    first = settings.get("index-url", "https://pypi.org/simple")
    return [first] + str(settings.get("extra-index-url", "")).split()


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.files = []

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if tag == "a" and "href" in found:
            address, _, fragment = found["href"].partition("#")
            name = urllib.parse.unquote(address.rstrip("/").rsplit("/", 1)[-1])
            digest = fragment[len("sha256="):] if fragment.startswith("sha256=") else None
            yanked = "data-yanked" in found
            self.files.append({"filename": name, "url": address, "hashes": {"sha256": digest}, "yanked": yanked})


def listing(index, project):
    page = index.rstrip("/") + "/" + re.sub(r"[-_.]+", "-", project).lower() + "/"
    request = urllib.request.Request(page, headers={"Accept": ACCEPT})
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        text = answer.read().decode("utf-8")
        if "json" in (answer.headers.get("Content-Type") or ""):
            files = json.loads(text)["files"]
        else:
            links = Links()
            links.feed(text)
            files = links.files
        return [{**file, "url": urllib.parse.urljoin(answer.geturl(), file["url"])} for file in files]


def choose(requirement, python, platforms):
    """The newest wheel that fits, with the platform that is named first."""
    from pip._vendor.packaging.requirements import Requirement
    from pip._vendor.packaging.utils import parse_wheel_filename

    wanted = Requirement(requirement)
    pairs = [f"cp{python}-cp{python}", f"cp{python}-abi3", "py3-none"]
    ranks = {f"{pair}-{platform}": -rank for rank, platform in enumerate(platforms) for pair in pairs}
    ranks["py3-none-any"] = -len(platforms)
    best = None
    for index in indexes():
        for file in listing(index, wanted.name):
            digest = (file.get("hashes") or {}).get("sha256")
            if not digest or file.get("yanked"):
                continue
            try:
                _, version, _, tags = parse_wheel_filename(file["filename"])
            except Exception:
                continue  # A source archive, or a name that is none.
            fitting = [ranks[str(tag)] for tag in tags if str(tag) in ranks]
            if fitting and wanted.specifier.contains(version) and (best is None or (version, max(fitting)) > best[0]):
                best = ((version, max(fitting)), file["filename"], file["url"], digest.lower())
    if best is None:
        fail("elsewhere", "no index has " + requirement)
    name, url, digest = best[1:]
    if not re.fullmatch(r"[\w.+!-]+\.whl", name) or not re.fullmatch(r"[0-9a-f]{64}", digest):
        fail("elsewhere", "an index names " + name)
    return name, url, digest


def receive(url, partial):
    """One attempt, from where the file ends; returns when all has come."""
    begin = os.path.getsize(partial) if os.path.exists(partial) else 0
    # Packing on the way would make positions meaningless.
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={begin}-"} if begin > 0 else {})}
    try:
        answer = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=SECONDS)
    except urllib.error.HTTPError as error:
        if error.code != 416 or begin == 0:
            raise
        # Nothing comes after what is there: it is whole, or of another file, which its checksum tells.
        error.close()
        return
    with answer:
        if answer.status != 206:
            begin = 0
        elif not (answer.headers.get("Content-Range") or "").startswith(f"bytes {begin}-"):
            raise http.client.HTTPException("the index sent another part than was asked for")
        length = answer.headers.get("Content-Length")
        total = None if length is None else begin + int(length)
        if total is not None:
            say(total=total)
        done = begin
        say(done=done)
        last = time.monotonic()
        with open(partial, "ab" if begin > 0 else "wb") as copy:
            while True:
                piece = answer.read(1 << 18)
                if not piece:
                    break
                copy.write(piece)
                done += len(piece)
                if time.monotonic() - last > 0.2:
                    copy.flush()
                    say(done=done)
                    last = time.monotonic()
        say(done=done)
        if total is not None and done < total:
            raise http.client.IncompleteRead(b"", total - done)


def checksum(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest()


def fetch(requirement, python, platforms, folder):
    try:
        name, url, digest = choose(requirement, python, json.loads(platforms))
    except (*FAULTS, ImportError, ValueError, KeyError, SyntaxError, subprocess.SubprocessError) as error:
        fail("elsewhere", error)
    os.makedirs(folder, exist_ok=True)
    # By its checksum: what was begun of another file is never continued.
    partial = os.path.join(folder, digest + ".part")
    size = lambda: os.path.getsize(partial) if os.path.exists(partial) else 0
    failures = 0
    while True:
        before = size()
        try:
            receive(url, partial)
            break
        except FAULTS as error:
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
                raise
            # Counts only what brought nothing new.
            failures = 1 if size() > before else failures + 1
            if failures >= ATTEMPTS:
                fail("lost" if size() > 0 else "elsewhere", error)
            time.sleep(min(0.1 * 2**failures, 5))
    if checksum(partial) != digest:
        os.remove(partial)
        fail("corrupt", name + " differs from the checksum of its index")
    wheel = os.path.join(folder, name)
    os.replace(partial, wheel)
    say(wheel=wheel)


try:
    fetch(*sys.argv[1:5])
except OSError as error:
    fail("space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "write", error)
