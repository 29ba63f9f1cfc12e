"""Goal: cathgate audit keygen makes the pair that signs checkpoints, and says what to put
where; cathgate audit pseudonym prints what the log holds for a patient."""
import hmac
import os
import pathlib
import subprocess

from auditlog import enter_folder, run

enter_folder("keys")
result = run("keygen", "audit.key")
assert result.returncode == 0, result.stderr
assert oct(os.stat("audit.key").st_mode & 0o777) == "0o600"
name = subprocess.run("openssl pkey -pubin -in audit.key.pub -outform DER | sha256sum",
	shell=True, check=True, text=True, stdout=subprocess.PIPE).stdout.split()[0]
assert result.stdout.startswith(name + "\n"), result.stdout
# The configuration would take a relative path from its own folder.
for word in (f'signing_key = "{os.path.realpath("audit.key")}"', "audit.key.pub", "restart",
	     "--key OLD.pub --key audit.key.pub"):
	assert word in result.stdout, result.stdout
made = pathlib.Path("audit.key").read_bytes()
again = run("keygen", "audit.key")
assert again.returncode == 2 and "not overwritten" in again.stderr, again
assert pathlib.Path("audit.key").read_bytes() == made
for arguments in ((), ("one", "two"), ("missing/key",), ("--what", "x")):
	assert run("keygen", *arguments).returncode == 2, arguments

# The key of RFC 4648's alphabet: 0 to 31.
old = os.umask(0o077)
pathlib.Path("key").write_text("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n")
os.umask(old)


def expected(patient):
	return hmac.new(bytes(range(32)), patient.encode(), "sha256").hexdigest() + "\n"


def pseudonym(*arguments, stdin=None):
	result = run("pseudonym", *arguments, stdin=stdin)
	assert result.returncode == 0, result.stderr
	return result.stdout


# As the gateway's own test has it in the log.
assert expected("PAT-4711").startswith("f2fc9c0639a8a8a7")
assert pseudonym("--key", "key", "PAT-4711") == expected("PAT-4711")
assert pseudonym("--key", "key", "  PAT-4711 ") == expected("PAT-4711")
assert pseudonym("--key", "key", "PAT  4711") == expected("PAT  4711")
assert pseudonym("--key", "key", "pat-4711") == expected("pat-4711")
assert pseudonym("--key", "key", "-", stdin="PAT-4711\n") == expected("PAT-4711")
assert pseudonym("--key", "key", "-", stdin="PAT-4711\r\n") == expected("PAT-4711")
assert pseudonym("--key", "key", "--", "-4711") == expected("-4711")
assert pseudonym("--key", "key", "-", stdin="-4711\n") == expected("-4711")
assert pseudonym("--key", "key", "-", stdin="J\u00e4ger") == expected("J\u00e4ger")
pathlib.Path("cathgate.conf").write_text('audit: { pseudonym_key = "key"; };\n')
assert pseudonym("--config", "cathgate.conf", "PAT-4711") == expected("PAT-4711")
longest = "x" * 256
assert pseudonym("--key", "key", longest) == expected(longest)


def refused(word, *arguments, stdin=""):
	result = run("pseudonym", *arguments, stdin=stdin)
	assert result.returncode == 2 and not result.stdout, result
	assert word in result.stderr, result.stderr
	# Nor does an error say whose it would have been.
	assert "4711" not in result.stderr, result.stderr


refused("longer than 256", "--key", "key", longest + "x4711")
refused("nothing came", "--key", "key", "-")
refused("empty", "--key", "key", "  ")
refused("usage", "--key", "key", "--config", "cathgate.conf", "4711")
refused("usage", "--key", "key")
refused("usage", "--key", "key", "4711", "4712")
refused("does not exist", "--key", "missing", "4711")
os.chmod("key", 0o644)
refused("chmod 600", "--key", "key", "4711")
os.chmod("key", 0o600)
pathlib.Path("key").write_text("short\n")
refused("32 bytes", "--key", "key", "4711")
pathlib.Path("cathgate.conf").write_text('audit: { file = "a"; };\n')
refused("pseudonym_key", "--config", "cathgate.conf", "4711")
refused("missing.conf", "--config", "missing.conf", "4711")
print("keys and pseudonyms are made")
