"""Unpack the named part of a wheel and check every file against the wheel's RECORD.

Arguments: wheel file, target folder, regular expression that selects member names.
Writes one JSON object a line: {"total": bytes}, {"done": bytes}, {"file": {path, size, sha256}}, {"requires": [...]},
or {"error": "corrupt" | "space" | "write", "detail": text} with exit code 3.
"""
import base64, csv, errno, hashlib, io, json, os, re, sys, zipfile


def say(**fields):
    print(json.dumps(fields), flush=True)


def fail(kind, detail):
    say(error=kind, detail=str(detail))
    sys.exit(3)


def digests(archive):
    """SHA-256 in hexadecimal of each member that RECORD lists (PEP 376, PEP 427)."""
    record = [name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/RECORD", name)]
    if len(record) != 1:
        fail("corrupt", "the wheel has no RECORD")
    found = {}
    for row in csv.reader(io.StringIO(archive.read(record[0]).decode("utf-8"))):
        if len(row) >= 2 and row[1].startswith("sha256="):
            text = row[1][len("sha256="):]
            found[row[0]] = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).hex()
    return found


def requirements(archive):
    for name in archive.namelist():
        if re.fullmatch(r"[^/]+\.dist-info/METADATA", name):
            head = archive.read(name).decode("utf-8").split("\n\n")[0]
            return [line.split(":", 1)[1].strip() for line in head.splitlines() if line.startswith("Requires-Dist:")]
    return []


def unpack(wheel, target, pattern):
    with zipfile.ZipFile(wheel) as archive:
        say(requires=requirements(archive))
        expected = digests(archive)
        chosen = [m for m in archive.infolist() if not m.is_dir() and re.search(pattern, m.filename)]
        say(total=sum(m.file_size for m in chosen))
        done = 0
        for member in chosen:
            parts = member.filename.split("/")
            if member.filename.startswith("/") or "\\" in member.filename or ".." in parts:
                fail("corrupt", "unsafe name " + member.filename)
            if member.filename not in expected:
                fail("corrupt", member.filename + " is not in RECORD")
            path = os.path.join(target, *parts)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            digest = hashlib.sha256()
            with archive.open(member) as source, open(path, "wb") as copy:
                while True:
                    piece = source.read(1 << 22)
                    if not piece:
                        break
                    digest.update(piece)
                    copy.write(piece)
                    done += len(piece)
                    say(done=done)
            if digest.hexdigest() != expected[member.filename]:
                fail("corrupt", member.filename + " differs from its checksum")
            if (member.external_attr >> 16) & 0o100:
                os.chmod(path, 0o755)
            say(file={"path": member.filename, "size": member.file_size, "sha256": digest.hexdigest()})


try:
    unpack(*sys.argv[1:4])
except (zipfile.BadZipFile, EOFError, UnicodeDecodeError, ValueError) as error:
    fail("corrupt", error)
except OSError as error:
    fail("space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "write", error)
except Exception as error:  # zlib.error has no common base; anything else here is a damaged archive as well
    fail("corrupt", error)
