"""Goal: `cathgate modality import` names every fault of a table at once, each with its line, and
then changes nothing; and wherever it is killed or a write fails, the configuration works, and
the modalities are all in with their hand-outs, or none is that could not be taken out again."""
import re

from harness import Test, cathgate
from site_setup import Site
from steps import STRIDE, can_trace, run_with_fault


def write(t, text):
	table = t.work / "list.csv"
	table.write_bytes(text if isinstance(text, bytes) else text.encode())
	return table


def refused(t, site, text, *wanted):
	"""Each of `wanted` is in a complaint, those with a number in one of that line."""
	table = write(t, text)
	before, around = site.snapshot(), sorted(path.name for path in t.work.iterdir())
	for dry in ([], ["--dry-run"]):
		said = site.modality("import", table, "--output", t.work / "out", *dry, status=1)
		for line, what in wanted:
			begin = f"cathgate: {table}:{line}: " if line else "cathgate: "
			assert any(one.startswith(begin) and what in one
				   for one in said.splitlines()), (line, what, said)
		assert site.snapshot() == before, said
		assert sorted(path.name for path in t.work.iterdir()) == around, said
	return said


def faults_of_the_file(t, site):
	head = "name,ae_title\n"
	refused(t, site, "", (1, "must name the columns"))
	refused(t, site, head, (None, "no row"))
	refused(t, site, "ae_title,address\nX,\n", (1, 'no column "name"'))
	refused(t, site, "name;address\nx;\n", (1, 'no column "ae_title"'))
	refused(t, site, "name,ae_title,colour,AE-Title,output\nx,X,red,Y,z\n",
		(1, 'column 3, "colour"'), (1, 'column 4, "AE-Title", is there twice'),
		(1, 'column 5, "output"'))
	refused(t, site, head + 'x,"X\ny,Y\n', (2, "none ends it"))
	refused(t, site, head + 'w,W\nx,"X"Y\n', (3, "behind the closing quote"))
	refused(t, site, head + "x,X,Z\ny,Y,,\nz,Z,1\n", (2, "more cells"), (4, "more cells"))
	refused(t, site, (head + "x,X\n").encode("utf-16"), (None, "CSV UTF-8"))
	refused(t, site, head.encode() + b"x,\xc4\n", (2, "CSV UTF-8"))
	refused(t, site, head + "x,X\0\n", (2, "no UTF-8 text"))
	refused(t, site, head + "".join(f"m{i},M{i}\n" for i in range(1001)), (1002, "1000 rows"))
	refused(t, site, head + "x" * (1 << 20) + ",X\n", (None, "longer than"))
	assert "No such file" in site.modality("import", t.work / "none.csv", status=1)


def faults_of_the_rows(t, site):
	site.modality("add", "there", "--ae-title", "THERE", "--output", t.work / "there")
	(t.work / "bad.crt").write_text("no certificate\n")
	(t.work / "strange.crt").write_bytes((t.pki / "angio.crt").read_bytes())
	refused(t, site, "name,ae_title,address,sop_class,certificate,request,legacy,days,"
		"destination,dns\n"
		"good,GOOD,,,,,,,,\n"			# 2
		",EMPTY,,,,,,,,\n"			# 3
		"a b,A,,,,,,,,\n"			# 4
		"noae,,,,,,,,,\n"			# 5
		"there,THERE2,,,,,,,,\n"		# 6
		"good,GOOD2,,,,,,,,\n"			# 7
		"many,TOO-LONG-AN-AE-TITLE,10.0.0,,,,perhaps,0,,\n"	# 8
		"cert,CERT,,,bad.crt,,,,,\n"		# 9
		"strange,STRANGE,,,strange.crt,,,,,\n"	# 10
		"request,REQUEST,,,,none.csr,,,,\n"	# 11
		"both,BOTH,,,,,yes,,,both.test\n"	# 12
		"\n"
		"class,CLASS,,XRay,,,,,,\n"		# 14
		"dest,DEST,,,,,,,nowhere,\n",		# 15
		(3, "name: \"\" is empty"), (4, "is no name"), (5, "ae_title: \"\" is empty"),
		(6, "already"), (7, "is the name in line 2, too"), (8, "is no AE title"),
		(8, "neither an address"), (8, "neither yes nor no"),
		(8, "is no number of days"), (9, "certificate: "), (10, "tls-untrusted"),
		(11, "none.csr"), (12, "bound to a name"), (14, "XRay"), (15, "nowhere"),
		(None, "none of the 13 was let in"))


def overlap(t, site):
	said = refused(t, site, "name,ae_title,dns\none,SHARED,a.test\ntwo,SHARED;OTHER,b.test\n",
		       (3, '"two" and "one"'))
	assert f"({t.work}/list.csv:2)" in said, said
	assert ".cathgate" not in said and ".entries" not in said, said
	site.modality("add", "wide", "--ae-title", "WIDE", "--dns", "w.test", "--output",
		      t.work / "wide")
	refused(t, site, "name,ae_title,dns\none,ONE,a.test\ntwo,WIDE,b.test\n",
		(3, '"two" and "wide"'))
	# Of so many that any two are at odds, not each pair is told.
	said = refused(t, site, "name,ae_title,dns\n" +
		       "".join(f"m{i},SAME,m{i}.test\n" for i in range(25)),
		       (None, "and 100 more such faults"))
	assert said.count("could both fit") == 200, said


def places(t, site):
	table = write(t, "name,ae_title\nx,X\n")
	before = site.snapshot()
	for arguments, says in ((["--output", t.work], "not empty"),
				(["--output", "/nonexistent/x"], "nonexistent"),
				(["--output", t.work / "out", "--passwords", "/nonexistent/x"],
				 "nonexistent")):
		assert says in site.modality("import", table, *arguments, status=1), arguments
		assert site.snapshot() == before, arguments
		assert not (t.work / "out").exists()
	assert "FILE.csv is missing" in site.modality("import", status=2)


def each_step(t, site):
	names = {"step-1", "step-2"}
	table = write(t, "name,ae_title,rsa\nstep-1,S1,\nstep-2,S2,\n")
	known = set(site.listed())
	for call, fault in (("fsync", "signal=SIGKILL"), ("fsync", "error=EIO"),
			    ("renameat2", "signal=SIGKILL"), ("renameat2", "error=EIO")):
		for step in range(1, 120, 2 * STRIDE):
			output = t.work / f"{call}-{fault[:5]}-{step}"
			secrets = t.work / f"{output.name}.secrets"
			before = site.snapshot()
			done = run_with_fault(
				[cathgate(), "modality", "import", table, "--output", output,
				 "--passwords", secrets, "--config", site.config],
				call, step, fault)
			site.checked()
			made = set(site.listed()) - known
			where = (call, fault, step, done.stderr)
			if output.exists():
				assert made == names, where
				assert {path.name for path in output.iterdir()} == names, where
				assert len(secrets.read_text().splitlines()) == 2, where
			if fault.startswith("error") and done.returncode != 0:
				assert site.snapshot() == before, where
				assert not output.exists() and not secrets.exists(), where
				assert not list(t.work.glob(".cathgate-*")), where
			for name in made:
				site.modality("remove", name)
			if done.returncode == 0:
				assert made == names, where
				break
		assert 3 < step < 119, (call, fault, step)


def interrupted(t, site):
	table, output = write(t, "name,ae_title\nx,X\ny,Y\n"), t.work / "interrupted"
	before = site.snapshot()
	for step in (3, 12):
		done = run_with_fault([cathgate(), "modality", "import", table, "--output",
				       output, "--config", site.config],
				      "fsync", step, "signal=SIGINT")
		assert "interrupted: nothing was written" in done.stderr, done
		assert site.snapshot() == before and not output.exists(), done
		assert not list(t.work.glob(".cathgate-*")), done


with Test() as t:
	site = Site(t, "etc")
	faults_of_the_file(t, site)
	faults_of_the_rows(t, site)
	overlap(t, site)
	places(t, site)
	if can_trace():
		interrupted(t, site)
		each_step(t, site)
