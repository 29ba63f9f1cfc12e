"""Prometheus's text format, as strict as its own parser where it matters here, and
promtool where there is one."""
import re
import shutil
import subprocess

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (\S+)")


def family_of(name, types):
	for suffix in ("_bucket", "_sum", "_count"):
		base = name.removesuffix(suffix)
		if base != name and types.get(base) == "histogram":
			return base
	return name


def parse(text):
	"""{(name, ((label, value), …)): number}; asserts that the text is sound."""
	assert text.endswith("\n"), "its last line is cut"
	types, samples, current, done = {}, {}, None, set()
	for line in text.splitlines():
		if line.startswith("# HELP "):
			name = line.split()[2]
			assert name not in done, f"{name} comes twice"
			done.add(name)
			current = name
		elif line.startswith("# TYPE "):
			_, _, name, kind = line.split()
			assert name == current, line
			types[name] = kind
		else:
			found = SAMPLE.fullmatch(line)
			assert found, line
			name, labels, value = found.groups()
			assert family_of(name, types) == current, f"{line}: within {current}"
			pairs = tuple(sorted((key, value) for key, value in
				re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or "")))
			assert (name, pairs) not in samples, f"{line} comes twice"
			samples[name, pairs] = float(value)
	for name, kind in types.items():
		if kind == "counter":
			assert name.endswith("_total"), name
		if kind == "histogram":
			check_histogram(name, samples)
	return samples


def check_histogram(name, samples):
	series = {}
	for (sample, pairs), value in samples.items():
		if sample == f"{name}_bucket":
			rest = tuple(pair for pair in pairs if pair[0] != "le")
			series.setdefault(rest, []).append((float(dict(pairs)["le"]), value))
	assert series, name
	for rest, buckets in series.items():
		counts = [count for _, count in sorted(buckets)]
		assert counts == sorted(counts), f"{name}: buckets are sums"
		assert max(buckets)[0] == float("inf"), name
		assert counts[-1] == samples[f"{name}_count", rest], name


def value(samples, name, **labels):
	return samples[name, tuple(sorted(labels.items()))]


def promtool(*arguments, text=None):
	"""Its exit status and words; None where there is none."""
	program = shutil.which("promtool")
	if not program:
		return None
	done = subprocess.run([program, *arguments], input=text, text=True,
			      capture_output=True, check=False)
	return done.returncode, done.stdout + done.stderr
