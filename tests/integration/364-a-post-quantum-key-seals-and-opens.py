"""Goal: a key with a post-quantum half comes into force by a reload while objects wait under an older
kind: all are delivered. Whoever has it opens an object with openssl and Python alone. A public half
that is another's in part lets nothing into the spool. Where OpenSSL has no such keys, the tool says
so and makes none."""
import subprocess

import spool
import spool_opener
from harness import Skip, Test, cathgate, cathgated, eventually
from objects import make


def keygen(*arguments):
	return subprocess.run([cathgate(), "spool", "keygen", *map(str, arguments)],
			      capture_output=True, text=True, check=False)


with Test() as t:
	settings, pacs = spool.changes(t), t.pacs()
	old, new = settings["spool"]["key"], str(t.work / "new.key")
	made = keygen("--post-quantum", "--key", new)
	if "makes no ML-KEM-768 key with its seed, which OpenSSL 3.5 does" in made.stderr:
		assert made.returncode == 2 and not list(t.work.glob("new.key*")), made
		assert keygen("--public", "--key", old).stdout == open(f"{old}.pub").read()
		raise Skip("this OpenSSL has no ML-KEM")
	assert made.returncode == 0, made
	with open(f"{new}.pub") as file:
		public = file.read()
	for key in (old, new):
		assert keygen("--public", "--key", key).stdout == open(f"{key}.pub").read()

	def with_keys(*keys, port=1):
		return {"spool": {**settings["spool"], "key": list(keys)}, "destinations.0.port": port}

	gateway, sent = t.gateway(1, settings), []

	def store(size=1000):
		obj = make("explicit", size=size)
		modality = t.associate(gateway)
		status = modality.store(obj).status
		modality.release()
		if status == 0:
			sent.append(obj.data)
		return status

	assert store() == 0
	spool.reload(gateway, with_keys(new, old))
	assert store(200000) == 0
	first, second = spool.names(t, "q")
	contents = [(t.work / "spool" / name).read_bytes() for name in (first, second)]
	assert [content[8] for content in contents] == [1, 2]
	metadata, _, data = spool_opener.open_object(new, "pacs", contents[1])
	assert data == sent[1] and metadata["modality"] == "angio", metadata
	assert spool_opener.read_name(new, second)["state"] == "queued"
	gateway.reload(with_keys(new, old, port=pacs.port))
	eventually(lambda: pacs.stored.qsize() == 2)
	assert store() == 0
	eventually(lambda: pacs.stored.qsize() == 3)
	assert sorted(message.data for message in list(pacs.stored.queue)) == sorted(sent)

	# A public half whose second part is another key's: nobody could open what it seals.
	assert keygen("--post-quantum", "--key", t.work / "other.key").returncode == 0
	mark = "-----BEGIN PUBLIC KEY-----"
	parts, others = public.split(mark), (t.work / "other.key.pub").read_text().split(mark)
	for wrong in ([*parts[:2], others[2]], [parts[0], others[1], parts[2]], parts[:2]):
		with open(f"{new}.pub", "w") as file:
			file.write(mark.join(wrong))
		gateway.reload(with_keys(new, port=pacs.port), outcome="refused")
		checked = subprocess.run([cathgated(), "--check", "--config", gateway.config],
					 capture_output=True, text=True, check=False)
		assert checked.returncode and "cathgate spool keygen" in checked.stderr, checked
	assert "don't belong together; write the public half anew with: " \
		f"cathgate spool keygen --public --key {new} >{new}.pub.new && mv {new}.pub.new {new}.pub" in gateway.log()
	assert "holds no public key of the spool's kind" in checked.stderr, checked
	assert store() == 0
	with open(f"{new}.pub", "w") as file:
		file.write(public)
	spool.reload(gateway, with_keys(new, port=pacs.port))
	assert store() == 0
	eventually(lambda: pacs.stored.qsize() == len(sent))

	# Without the seed no second half follows.
	done = subprocess.run(["openssl", "pkey", "-in", new, "-provparam", "ml-kem.output_formats=priv-only",
			       "-out", t.work / "seedless.key"], capture_output=True, text=True, check=False)
	assert done.returncode == 0, done
	(t.work / "seedless.key").chmod(0o400)
	gateway.reload(with_keys(new, str(t.work / "seedless.key")), outcome="refused")
	assert "ML-KEM-768 with its seed" in gateway.log()
